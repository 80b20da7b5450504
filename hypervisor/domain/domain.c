/* SPDX-License-Identifier: MIT */
/*
 * The table of domains, references, creation. A domain is in the table from its creation until its last reference goes;
 * the table's own reference is dropped when teardown has given everything back. Lookups take a reference under the table
 * lock and never from zero. Locks: LOCK_DOMAIN_TABLE.
 */
#include "domain/domain.h"

#include "common/errno.h"
#include "common/string.h"
#include "debug/console.h"
#include "debug/panic.h"
#include "domain/privilege.h"
#include "domain/table.h"
#include "mm/frame_ref.h"
#include "mm/hv_alloc.h"
#include "mm/map.h"
#include "x86/percpu.h"
#include "x86/time.h"

#define HASH_BUCKETS 256u
#define IDS          ((uint32_t)DOMID_FIRST_RESERVED)

struct domain_hooks domain_hooks;

static struct spinlock table_lock = SPINLOCK_INIT("domain table", LOCK_DOMAIN_TABLE);
static struct domain *bucket[HASH_BUCKETS]; /* chains by hash_next; lock: table */
static uint64_t id_used[(IDS + 63) / 64];   /* ids in the table; lock: table */
static unsigned int nr_domains;             /* lock: table */
static uint32_t last_id;                    /* that next_id() has given; lock: table */

static bool id_taken(uint32_t id)
{
    return id_used[id / 64] >> id % 64 & 1;
}

static struct domain **chain_of(uint32_t id)
{
    return &bucket[id % HASH_BUCKETS];
}

static struct domain *find_locked(uint32_t id)
{
    struct domain *d = *chain_of(id);

    while (d && d->id != id) {
        d = d->hash_next;
    }
    return d;
}

struct domain *domain_get(struct domain *d)
{
    __atomic_fetch_add(&d->refs, 1, __ATOMIC_RELAXED);
    return d;
}

/* A reference unless there is none left to share. */
static bool try_get(struct domain *d)
{
    uint32_t refs = __atomic_load_n(&d->refs, __ATOMIC_RELAXED);

    while (refs) {
        if (__atomic_compare_exchange_n(&d->refs, &refs, refs + 1, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
            return true;
        }
    }
    return false;
}

struct domain *domain_get_by_id(domid_t id)
{
    struct domain *d;

    if (id == DOMID_SELF) {
        return domain_get(current_domain());
    }
    if (id >= IDS) {
        return NULL;
    }
    spin_lock(&table_lock);
    d = find_locked(id);
    if (d && (d->life == DOMAIN_DEAD || !try_get(d))) {
        d = NULL;
    }
    spin_unlock(&table_lock);
    return d;
}

int domain_get_controlled(domid_t id, struct domain **d)
{
    *d = domain_get_by_id(id);
    if (!*d) {
        return -ESRCH;
    }
    if (*d != current_domain() && !may_control(current_domain(), *d)) {
        domain_put(*d);
        return -EPERM;
    }
    return 0;
}

struct domain *domain_next(domid_t first)
{
    struct domain *d = NULL;

    spin_lock(&table_lock);
    for (uint32_t id = first; id < IDS && !d; id++) {
        if (id % 64 == 0 && !id_used[id / 64]) {
            id += 63;
            continue;
        }
        if (id_taken(id)) {
            d = find_locked(id);
            d = d && d->life != DOMAIN_DEAD && try_get(d) ? d : NULL;
        }
    }
    spin_unlock(&table_lock);
    return d;
}

unsigned int domain_count(void)
{
    return nr_domains;
}

static void remove_from_table(struct domain *d)
{
    struct domain **link;

    spin_lock(&table_lock);
    for (link = chain_of(d->id); *link != d; link = &(*link)->hash_next) {
    }
    *link = d->hash_next;
    id_used[d->id / 64] &= ~(1ul << d->id % 64);
    nr_domains--;
    spin_unlock(&table_lock);
}

/* Nothing refers to it any more: give back what units kept for latecomers, and the domain itself. */
static void domain_free(struct domain *d)
{
    for (const struct domain_unit *const *u = __domain_units_end; u-- > __domain_units_start;) {
        if ((*u)->free) {
            (*u)->free(d);
        }
    }
    for (unsigned int i = 0; i < d->max_vcpus; i++) {
        vcpu_free(d->vcpu[i]);
    }
    hv_free(d->e820);
    hv_free(d->vcpu);
    hv_free(d);
}

void domain_put(struct domain *d)
{
    if (__atomic_sub_fetch(&d->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        remove_from_table(d);
        mm_owner_retire(&d->mm);
        domain_free(d);
        if (domain_hooks.gone) {
            domain_hooks.gone();
        }
    }
}

/*
 * Upwards from the last one: a restarted domain is told from what it was by its number. From 1 again behind 256 numbers, or as many
 * more as leave every other one free: what is kept by number (page_info.c: owners) is made for 256 at a time, and stays.
 */
static uint32_t next_id(void)
{
    uint32_t end = MIN((nr_domains / 128 + 1) * 256, IDS);

    for (uint32_t tries = 1; tries < end; tries++) {
        last_id = last_id < end - 1 ? last_id + 1 : 1;
        if (!id_taken(last_id)) {
            return last_id;
        }
    }
    return IDS;
}

/* The id asked for, or the next free one. Reserves it in the table. */
static int table_add(struct domain *d, domid_t asked)
{
    uint32_t id;
    int rc = 0;

    spin_lock(&table_lock);
    id = asked < IDS ? asked : next_id();
    if (id >= IDS) {
        rc = -ENOSPC;
    } else if (id_taken(id)) {
        rc = -EEXIST;
    } else {
        d->id = (domid_t)id;
        id_used[id / 64] |= 1ul << id % 64;
        d->hash_next = *chain_of(id);
        *chain_of(id) = d;
        nr_domains++;
    }
    spin_unlock(&table_lock);
    return rc;
}

static int make_shared_info(struct domain *d)
{
    int rc;

    d->shared_info = hv_alloc_pages(1);
    if (!d->shared_info) {
        return -ENOMEM;
    }
    rc = hv_frame_share(&d->mm, d->shared_info, true);
    if (rc) {
        hv_free_pages(d->shared_info, 1);
        d->shared_info = NULL;
        return rc;
    }
    d->shared_info_mfn = mfn_of_hv(d->shared_info);
    for (unsigned int i = 0; i < XEN_LEGACY_MAX_VCPUS; i++) {
        d->shared_info->vcpu_info[i].evtchn_upcall_mask = 1;
    }
    return 0;
}

static int start_units(struct domain *d)
{
    const struct domain_unit *const *u;
    int rc = 0;

    for (u = __domain_units_start; u < __domain_units_end && rc == 0; u++) {
        rc = (*u)->init ? (*u)->init(d) : 0;
    }
    return rc;
}

static void fill_from_config(struct domain *d, const struct domain_config *cfg)
{
    d->refs = 1;
    d->life = DOMAIN_BUILDING;
    d->control = cfg->control;
    d->hardware = cfg->hardware;
    d->boot = cfg->boot;
    d->max_vcpus = (uint16_t)cfg->max_vcpus;
    d->max_evtchn_port = cfg->max_evtchn_port;
    d->max_grant_frames = cfg->max_grant_frames;
    d->max_maptrack_frames = cfg->max_maptrack_frames;
    d->create_flags = cfg->flags;
    d->ssidref = cfg->ssidref;
    memcpy(d->handle, cfg->handle, sizeof(d->handle));
    d->controller_paused = 1;
    d->pause_count = 1;
    d->created_ns = now_ns();
    spin_init(&d->domctl_lock, "domctl", LOCK_DOMCTL);
    spin_init(&d->event_lock, "event", LOCK_EVENT);
}

int domain_create(const struct domain_config *cfg, struct domain **out)
{
    struct domain *d;
    int rc;

    if (cfg->max_vcpus == 0 || cfg->max_vcpus > DOMAIN_MAX_VCPUS || (cfg->id >= IDS && cfg->id != DOMID_INVALID && cfg->id != 0xffff)) {
        return -EINVAL;
    }
    d = hv_alloc(sizeof(*d));
    if (!d) {
        return -ENOMEM;
    }
    fill_from_config(d, cfg);
    d->life = DOMAIN_DEAD; /* not to be found yet */
    d->vcpu = hv_alloc(sizeof(*d->vcpu) * d->max_vcpus);
    rc = d->vcpu ? table_add(d, cfg->id) : -ENOMEM;
    if (rc) {
        hv_free(d->vcpu);
        hv_free(d);
        return rc;
    }
    rc = mm_owner_init(&d->mm, d->id, d->control, d->hardware);
    if (rc) {
        remove_from_table(d);
        hv_free(d->vcpu);
        hv_free(d);
        return rc;
    }
    rc = make_shared_info(d);
    rc = rc ? rc : start_units(d);
    d->life = DOMAIN_BUILDING;
    if (rc) {
        /* Units' kill functions undo what their init did, and bear that it did nothing. */
        while (domain_kill(d) == -ERESTART) {
        }
        return rc;
    }
    *out = d;
    return 0;
}
