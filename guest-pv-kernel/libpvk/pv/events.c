/* SPDX-License-Identifier: MIT */
/*
 * Event channels by the 2-level ABI: pending and mask bits in the shared info page, a selector word and an upcall flag a CPU.
 * The upcall mask is the PV kernel's interrupt flag.
 * Invariant: a port's handler entry is complete before the port is unmasked; entries are changed under the lock.
 */
#include "pvk/pv/events.h"

#include <stddef.h>

#include <xen/errno.h>

#include "libpvk/core/backend.h"
#include "libpvk/core/cpu.h"
#include "libpvk/core/sched.h"
#include "libpvk/pv/events.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/pagetable.h"
#include "pvk/pv/start_info.h"
#include "pvk/spinlock.h"
#include "pvk/traps.h"

#define NR_PORTS    4096u /* 64 words of 64 bits */
#define CHUNK_PORTS 128u  /* entries in a page */

struct port {
    event_handler *handler;
    void *arg;
    uint32_t cpu;
    uint32_t pad[3];
};
_Static_assert(sizeof(struct port) * CHUNK_PORTS == PAGE_SIZE, "a chunk of ports is a page");

struct start_info *start_info;
__aligned_to(4096) __section_named(".bss.page_aligned") union shared_page shared_page;

static struct spinlock lock;
static struct port *chunks[NR_PORTS / CHUNK_PORTS]; /* lock: lock; never freed */
static uint32_t kick_ports[PVK_MAX_CPUS];

static struct vcpu_info *vcpu_info(void)
{
    return this_cpu()->vcpu_info;
}

irq_state irq_save(void)
{
    struct vcpu_info *v = vcpu_info();
    bool was_on = READ_ONCE(v->evtchn_upcall_mask) == 0;

    WRITE_ONCE(v->evtchn_upcall_mask, 1);
    __asm__ volatile("" ::: "memory");
    return was_on;
}

void irq_restore(irq_state was)
{
    if (was) {
        irq_enable();
    }
}

void irq_enable(void)
{
    struct vcpu_info *v = vcpu_info();

    __asm__ volatile("" ::: "memory");
    WRITE_ONCE(v->evtchn_upcall_mask, 0);
    __asm__ volatile("" ::: "memory");
    /* What came while the mask was set is delivered on the way out of any hypercall; this one is the cheapest. */
    if (unlikely(READ_ONCE(v->evtchn_upcall_pending) != 0)) {
        hypercall_raw(__HYPERVISOR_xen_version, XENVER_version, 0, 0, 0, 0);
    }
}

static struct port *port_entry(uint32_t port)
{
    struct port *chunk =
        port < NR_PORTS ? __atomic_load_n(&chunks[port / CHUNK_PORTS], __ATOMIC_ACQUIRE) : NULL;

    return chunk == NULL ? NULL : &chunk[port % CHUNK_PORTS];
}

static uint64_t port_bit(uint32_t port)
{
    return 1ul << (port % 64);
}

static void handle_word(unsigned word, unsigned cpu)
{
    uint64_t *pending = (uint64_t *)&shared_page.info.evtchn_pending[word];
    uint64_t *masked = (uint64_t *)&shared_page.info.evtchn_mask[word];
    uint64_t bits =
        __atomic_load_n(pending, __ATOMIC_ACQUIRE) & ~__atomic_load_n(masked, __ATOMIC_ACQUIRE);

    for (; bits != 0; bits &= bits - 1) {
        uint32_t port = word * 64 + (unsigned)__builtin_ctzl(bits);
        struct port *p = port_entry(port);

        /* The words are shared by all CPUs: another CPU's port is left to it. */
        if (p == NULL || p->handler == NULL || p->cpu != cpu) {
            continue;
        }
        __atomic_fetch_and(pending, ~port_bit(port), __ATOMIC_ACQ_REL);
        p->handler(port, p->arg);
    }
}

void backend_handle_interrupts(void)
{
    struct vcpu_info *v = vcpu_info();

    /* The flag is cleared before the selector is read: an event that comes in between sets it again. */
    while (__atomic_exchange_n(&v->evtchn_upcall_pending, 0, __ATOMIC_ACQ_REL) != 0) {
        uint64_t words =
            __atomic_exchange_n((uint64_t *)&v->evtchn_pending_sel, 0, __ATOMIC_ACQ_REL);

        for (; words != 0; words &= words - 1) {
            handle_word((unsigned)__builtin_ctzl(words), this_cpu()->id);
        }
    }
}

void backend_idle(void)
{
    long rc = hc_sched_op(SCHEDOP_block,
                          NULL); /* clears the mask, and returns at once if something is pending */

    ASSERT(rc == 0);
}

static int set_handler(uint32_t port, unsigned cpu, event_handler *handler, void *arg)
{
    irq_state was = spin_lock(&lock);
    struct port *chunk = port < NR_PORTS ? chunks[port / CHUNK_PORTS] : NULL;

    if (chunk == NULL && port < NR_PORTS) {
        chunk = page_alloc(0);
        __atomic_store_n(&chunks[port / CHUNK_PORTS], chunk, __ATOMIC_RELEASE);
    }
    if (chunk != NULL) {
        chunk[port % CHUNK_PORTS] = (struct port){.handler = handler, .arg = arg, .cpu = cpu};
    }
    spin_unlock(&lock, was);
    return chunk != NULL ? 0 : -XEN_ENOMEM;
}

int event_attach(uint32_t port, event_handler *handler, void *arg)
{
    int rc = set_handler(port, 0, handler, arg);

    if (rc == 0) {
        event_unmask(port);
    }
    return rc;
}

/* Common end of the binding calls: rc is the hypercall's, port its result. */
static long bound(long rc, uint32_t port, unsigned cpu, event_handler *handler, void *arg)
{
    if (rc != 0) {
        return rc;
    }
    rc = set_handler(port, cpu, handler, arg);
    if (rc != 0) {
        event_close(port);
        return rc;
    }
    event_unmask(port);
    return port;
}

long event_bind_virq(unsigned virq, unsigned cpu, event_handler *handler, void *arg)
{
    struct evtchn_bind_virq op = {.virq = virq, .vcpu = cpu};
    long rc = hc_event_channel_op(EVTCHNOP_bind_virq, &op);

    return bound(rc, op.port, cpu, handler, arg);
}

long event_bind_ipi(unsigned cpu, event_handler *handler, void *arg)
{
    struct evtchn_bind_ipi op = {.vcpu = cpu};
    long rc = hc_event_channel_op(EVTCHNOP_bind_ipi, &op);

    return bound(rc, op.port, cpu, handler, arg);
}

long event_bind_interdomain(unsigned domid, uint32_t remote_port, event_handler *handler, void *arg)
{
    struct evtchn_bind_interdomain op = {.remote_dom = (domid_t)domid, .remote_port = remote_port};
    long rc = hc_event_channel_op(EVTCHNOP_bind_interdomain, &op);

    return bound(rc, op.local_port, 0, handler, arg);
}

long event_alloc_unbound(unsigned remote_domid, event_handler *handler, void *arg)
{
    struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = (domid_t)remote_domid};
    long rc = hc_event_channel_op(EVTCHNOP_alloc_unbound, &op);

    return bound(rc, op.port, 0, handler, arg);
}

int event_close(uint32_t port)
{
    struct evtchn_close op = {.port = port};

    event_mask(port);
    if (port_entry(port) != NULL) {
        set_handler(port, 0, NULL, NULL);
    }
    return (int)hc_event_channel_op(EVTCHNOP_close, &op);
}

int event_send(uint32_t port)
{
    struct evtchn_send op = {.port = port};

    return (int)hc_event_channel_op(EVTCHNOP_send, &op);
}

void event_mask(uint32_t port)
{
    if (port < NR_PORTS) {
        __atomic_fetch_or((uint64_t *)&shared_page.info.evtchn_mask[port / 64], port_bit(port),
                          __ATOMIC_ACQ_REL);
    }
}

void event_unmask(uint32_t port)
{
    struct evtchn_unmask op = {.port = port};

    /* The hypervisor clears the bit and, if the port is pending, sends the event anew to the CPU that it belongs to. */
    hc_event_channel_op(EVTCHNOP_unmask, &op);
}

bool event_take_pending(uint32_t port)
{
    uint64_t was = port >= NR_PORTS
                       ? 0
                       : __atomic_fetch_and((uint64_t *)&shared_page.info.evtchn_pending[port / 64],
                                            ~port_bit(port), __ATOMIC_ACQ_REL);

    return (was & port_bit(port)) != 0;
}

void event_poll(uint32_t port, uint64_t deadline_ns)
{
    struct sched_poll op = {.nr_ports = 1, .timeout = deadline_ns};

    set_xen_guest_handle(op.ports, &port);
    hc_sched_op(SCHEDOP_poll, &op);
}

void shared_info_init(void)
{
    uint64_t pte = (start_info->shared_info & PTE_ADDR) | pte_flags(MAP_R | MAP_W);
    long rc = hc_update_va_mapping(&shared_page, pte, UVMF_INVLPG | UVMF_LOCAL);

    if (rc != 0) {
        /* Without it there is no fault address and no interrupt flag: nothing can be reported but this. */
        backend_exit(EXIT_CRASH, 0, 0);
    }
}

void events_init(void)
{
    for (unsigned word = 0; word < NR_PORTS / 64; word++) {
        shared_page.info.evtchn_mask[word] = ~0ul;
    }
}

static void kicked(uint32_t port, void *arg)
{
    (void)port;
    (void)arg;
    this_cpu()->nr_kicks++; /* idle loops and returns to user mode look at the run queue */
}

void events_init_cpu(unsigned cpu)
{
    long port = event_bind_ipi(cpu, kicked, NULL);

    ASSERT(port > 0);
    __atomic_store_n(&kick_ports[cpu], (uint32_t)port, __ATOMIC_RELEASE);
}

void backend_kick_cpu(unsigned cpu)
{
    event_send(__atomic_load_n(&kick_ports[cpu], __ATOMIC_ACQUIRE));
}
