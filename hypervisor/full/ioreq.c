/* SPDX-License-Identifier: MIT */
/*
 * Accesses that the device model answers, by the I/O request ABI (<xen/hvm/ioreq.h>), with one server a domain. A vCPU whose
 * request is out does not run; without an answer it waits, so a device model that dies pauses its guest, and one that takes
 * over is given the same requests again, under the same numbers. What a server took once waits for the next one when it has gone.
 * Invariant: of a slot, nothing is believed but the answer's data and its state. Locks: the domain's (LOCK_FULL) over the server and
 * the slots; ports are opened and closed under it.
 */
#include "common/ioreq_state.h"

#include <xen/hvm/dm_op.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "common/string.h"
#include "debug/console.h"
#include "event/event.h"
#include "full/full.h"
#include "mm/frame_ref.h"
#include "mm/hv_alloc.h"
#include "mm/map.h"
#include "sched/sched.h"
#include "x86/cpu.h"
#include "x86/percpu.h"

#define SERVER_ID     0u
#define ELEMENTS_MOST 512u /* bytes: a sector */

static struct ioreq *slot_of(const struct vcpu *v)
{
    struct shared_iopage *page = v->domain->full->server.page;

    return page ? page->vcpu_ioreq + v->id : NULL;
}

/* ---- a request ---- */

/* The range that an access is in; NULL: nobody is there, or a chip of ours. */
static const struct full_range *range_of(const struct full_server *s, const struct full_request *r)
{
    bool chip = r->type == IOREQ_TYPE_PIO &&
                (pic_has_port((uint16_t)r->addr) || pit_has_port((uint16_t)r->addr));

    for (unsigned int i = 0; !chip && i < s->nr_ranges; i++) {
        if ((s->range[i].type & ~XENOLITH_DMOP_RANGE_STRINGS) == r->type &&
            r->addr >= s->range[i].first && r->addr + r->insn.bytes - 1 <= s->range[i].last) {
            return &s->range[i];
        }
    }
    return NULL;
}

/* Behind the slots each vCPU has as much of the page, for the elements of string instructions. */
static uint32_t elements_room(const struct domain *d)
{
    return MIN((uint32_t)PAGE_SIZE / d->max_vcpus - (uint32_t)sizeof(struct ioreq), ELEMENTS_MOST) &
           ~3u;
}

static uint32_t elements_at(const struct vcpu *v)
{
    return v->domain->max_vcpus * (uint32_t)sizeof(struct ioreq) + v->id * elements_room(v->domain);
}

static void *elements_of(const struct vcpu *v)
{
    struct ioreq *slot = slot_of(v);

    return v->full->request.count > 1 ? (uint8_t *)v->domain->full->server.page + elements_at(v)
                                      : (void *)&slot->data;
}

/* As many elements as this server takes at once; one alone is a request like any other. Lock held; the slot is ours. */
static void fill(struct vcpu *v)
{
    struct full_request *r = &v->full->request;
    const struct full_range *range = range_of(&v->domain->full->server, r);
    struct ioreq *slot = slot_of(v);
    uint32_t most = range && range->type & XENOLITH_DMOP_RANGE_STRINGS
                        ? elements_room(v->domain) / r->insn.bytes
                        : 1;

    slot->addr = r->addr;
    slot->data = r->data;
    slot->count = 1;
    if (r->count) {
        r->count = MIN(r->count, MAX(most, 1u));
        slot->count = r->count;
        slot->data = r->count > 1 ? elements_at(v) : 0;
        if (r->write) {
            full_string_load(v, r, elements_of(v));
        }
    }
    slot->size = r->insn.bytes;
    slot->vp_eport = v->full->request_port;
    slot->type = r->type;
    ioreq_number_set(slot, r->number);
    ioreq_state_set(slot, STATE_IOREQ_READY, r->write ? IOREQ_WRITE : IOREQ_READ);
}

static void notify(const struct vcpu *v)
{
    struct evtchn_status status = {.status = EVTCHNSTAT_closed};
    uint32_t port = v->full->request_port;

    if (evtchn_status(v->domain, port, &status) || status.status != EVTCHNSTAT_interdomain ||
        evtchn_send(v->domain, port)) {
        hv_log_guest(
            "d%u v%u: its device model does not answer: it waits until another one starts\n",
            v->domain->id, v->id);
    }
}

bool full_request_send(struct vcpu *v, const struct full_request *r)
{
    struct full_domain *fd = v->domain->full;
    uint16_t number = (uint16_t)(v->full->request.number % UINT16_MAX + 1);
    bool ours;

    spin_lock(&fd->lock);
    ours = range_of(&fd->server, r);
    if (ours) {
        v->full->request = *r;
        v->full->request.out = true;
        v->full->request.number = number;
        if (fd->server.enabled) {
            fill(v);
        }
    }
    spin_unlock(&fd->lock);
    if (ours) {
        v->full->request_tsc = rdtsc();
        COUNT(v, exit, XENOLITH_EXIT_DEVICE_MODEL);
        notify(v);
    }
    return ours;
}

bool full_request_answered(struct vcpu *v)
{
    struct full_domain *fd = v->domain->full;
    bool answered;

    spin_lock(&fd->lock);
    answered = slot_of(v) && ioreq_state(slot_of(v)) == STATE_IORESP_READY;
    spin_unlock(&fd->lock);
    return answered;
}

bool full_request_finish(struct vcpu *v)
{
    struct full_domain *fd = v->domain->full;
    struct full_request *r = &v->full->request;
    struct ioreq *slot;
    uint64_t data = 0;

    spin_lock(&fd->lock);
    slot = slot_of(v);
    if (slot && ioreq_state(slot) == STATE_IORESP_READY) {
        data = READ_ONCE(slot->data);
        ioreq_state_set(slot, STATE_IOREQ_NONE, 0);
        r->out = false;
    }
    spin_unlock(&fd->lock);
    if (r->out) {
        return false;
    }
    COUNT_TIME(v, exit, XENOLITH_EXIT_DEVICE_MODEL, rdtsc() - v->full->request_tsc);
    if (r->count) {
        full_string_finish(v, r, r->count > 1 ? elements_of(v) : &data);
    } else if (!r->write) {
        full_register_load(v, &r->insn, data);
    }
    return true;
}

/* ---- events for the domain: nobody in it takes any, so they are its device model's to know of ---- */

void full_events_take(struct vcpu *v)
{
    struct shared_info *s = v->domain->shared_info;
    uint64_t sel, others = 0;

    __atomic_store_n(&v->info->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST);
    sel =
        __atomic_exchange_n((uint64_t *)(void *)&v->info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    for (; sel; sel &= sel - 1) {
        unsigned int word = (unsigned int)__builtin_ctzl(sel);
        uint64_t bits =
            __atomic_exchange_n((uint64_t *)(void *)&s->evtchn_pending[word], 0, __ATOMIC_SEQ_CST);

        if (v->full->request_port / 64 == word) {
            bits &= ~(1ul << v->full->request_port % 64);
        }
        others |= bits;
    }
    if (others && v->domain->full->server.enabled) {
        (void)!evtchn_send(v->domain, v->full->request_port);
    }
}

/* ---- the server ---- */

static int page_make(struct domain *d)
{
    struct full_server *s = &d->full->server;
    void *page;
    int rc;

    if (s->page) {
        return 0;
    }
    page = hv_alloc_pages(1);
    if (!page) {
        return -ENOMEM;
    }
    rc = hv_frame_share(&d->mm, page, true);
    if (rc) {
        hv_free_pages(page, 1);
        return rc;
    }
    s->page = page;
    return 0;
}

static void ports_close(struct domain *d)
{
    struct vcpu *v;
    unsigned int i;

    for_each_vcpu (d, v, i) {
        if (v->full->request_port) {
            (void)!evtchn_close(d, v->full->request_port);
            v->full->request_port = 0;
        }
    }
}

static int ports_open(struct domain *d, domid_t to)
{
    struct vcpu *v;
    unsigned int i;
    int rc = 0;

    for_each_vcpu (d, v, i) {
        rc = evtchn_alloc_unbound(d, to, &v->full->request_port);
        rc = rc ? rc : evtchn_bind_vcpu(d, v->full->request_port, i);
        if (rc) {
            break;
        }
        memset(slot_of(v), 0, sizeof(struct ioreq));
        slot_of(v)->vp_eport = v->full->request_port;
    }
    if (rc) {
        ports_close(d);
    }
    return rc;
}

static int server_create(struct domain *d, struct xen_dm_op *op)
{
    struct full_server *s = &d->full->server;
    int rc;

    if (op->u.create_ioreq_server.handle_bufioreq) {
        return -EINVAL; /* no writes are buffered */
    }
    if (s->used) {
        return -ENOSPC;
    }
    rc = page_make(d);
    rc = rc ? rc : ports_open(d, current_domain()->id);
    if (rc == 0) {
        s->used = true;
        op->u.create_ioreq_server.id = SERVER_ID;
    }
    return rc;
}

static int server_destroy(struct domain *d)
{
    struct full_server *s = &d->full->server;

    ports_close(d);
    s->used = s->enabled = false;
    return 0;
}

/* Requests of a server that was there before are this one's now. */
static int server_enable(struct domain *d, bool on)
{
    struct vcpu *v;
    unsigned int i;

    d->full->server.enabled = on;
    for_each_vcpu (d, v, i) {
        if (on && v->full->request.out && ioreq_state(slot_of(v)) == STATE_IOREQ_NONE) {
            fill(v);
            notify(v);
        }
    }
    return 0;
}

static int range_unmap(struct full_server *s, const struct xen_dm_op_ioreq_server_range *r)
{
    for (unsigned int i = 0; i < s->nr_ranges; i++) {
        if (s->range[i].type == r->type && s->range[i].first == r->start &&
            s->range[i].last == r->end) {
            s->range[i] = s->range[--s->nr_ranges];
            return 0;
        }
    }
    return -ENOENT;
}

static int range_map(struct full_server *s, const struct xen_dm_op_ioreq_server_range *r)
{
    uint32_t type = r->type & ~XENOLITH_DMOP_RANGE_STRINGS;

    if (type > XEN_DMOP_IO_RANGE_MEMORY || r->start > r->end ||
        (type == XEN_DMOP_IO_RANGE_PORT && r->end > UINT16_MAX)) {
        return -EINVAL;
    }
    (void)range_unmap(s, r); /* one that took over names what is there */
    if (s->nr_ranges == ARRAY_SIZE(s->range)) {
        return -ENOSPC;
    }
    s->range[s->nr_ranges++] = (struct full_range){r->type, r->start, r->end};
    return 0;
}

/* Operations on the server itself; all of them but create name it. */
static int server_op(struct domain *d, struct xen_dm_op *op)
{
    struct full_server *s = &d->full->server;
    ioservid_t id;

    if (op->op == XEN_DMOP_create_ioreq_server) {
        return server_create(d, op);
    }
    memcpy(&id, &op->u, sizeof(id)); /* the first field of each */
    if (!s->used || id != SERVER_ID) {
        return -ENOENT;
    }
    switch (op->op) {
    case XEN_DMOP_get_ioreq_server_info:
        if (!(op->u.get_ioreq_server_info.flags & XEN_DMOP_no_gfns)) {
            return -EOPNOTSUPP; /* the page is had as a resource only */
        }
        op->u.get_ioreq_server_info.bufioreq_port = 0;
        return 0;
    case XEN_DMOP_map_io_range_to_ioreq_server:
        return range_map(s, &op->u.map_io_range_to_ioreq_server);
    case XEN_DMOP_unmap_io_range_from_ioreq_server:
        return range_unmap(s, &op->u.unmap_io_range_from_ioreq_server);
    case XEN_DMOP_set_ioreq_server_state:
        return server_enable(d, op->u.set_ioreq_server_state.enabled);
    default:
        return server_destroy(d);
    }
}

int full_dm_op(struct domain *d, struct xen_dm_op *op)
{
    struct full_domain *fd = d->full;
    int rc = -EOPNOTSUPP;

    if (op->op == XEN_DMOP_remote_shutdown) {
        domain_shutdown(d, (uint8_t)op->u.remote_shutdown.reason);
        return 0;
    }
    spin_lock(&fd->lock);
    switch (op->op) {
    case XEN_DMOP_create_ioreq_server ... XEN_DMOP_destroy_ioreq_server:
        rc = fd->map_closed ? -ESRCH : server_op(d, op);
        break;
    case XEN_DMOP_set_isa_irq_level:
        rc = op->u.set_isa_irq_level.isa_irq < 16 && d->vcpu[0] ? 0 : -EINVAL;
        if (rc == 0) {
            full_set_line(fd, op->u.set_isa_irq_level.isa_irq, op->u.set_isa_irq_level.level);
        }
        break;
    case XEN_DMOP_nr_vcpus:
        op->u.nr_vcpus.vcpus = d->max_vcpus;
        rc = 0;
        break;
    case XENOLITH_DMOP_send:
        rc = 0;
        break;
    default:
        break;
    }
    spin_unlock(&fd->lock);
    return op->op == XENOLITH_DMOP_send ? evtchn_send(d, op->u.nr_vcpus.vcpus) : rc;
}

int full_server_frame(struct domain *d, uint32_t id, uint64_t frame, mfn_t *mfn)
{
    if (!d->full || !d->full->server.used || id != SERVER_ID ||
        frame != XENMEM_resource_ioreq_server_frame_ioreq(0)) {
        return -EINVAL;
    }
    *mfn = mfn_of_hv(d->full->server.page);
    return 0;
}

/* The domain is being taken apart: what a device model has mapped of it stays until that is unmapped. */
void full_server_end(struct domain *d)
{
    if (d->full->server.page) {
        hv_frame_unshare(d->full->server.page);
        d->full->server.page = NULL;
    }
    d->full->server.used = d->full->server.enabled = false;
}
