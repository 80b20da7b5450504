/* SPDX-License-Identifier: MIT */
/*
 * What the memory room knows of a domain: identity, its page list and limits, its page-table lock,
 * and the CPUs that may hold its translations. Embedded in struct domain; mm/ lies below domain/
 * and sees nothing else of it.
 */
#ifndef MM_MM_OWNER_H
#define MM_MM_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/compiler.h"
#include "common/typed_int.h"
#include "mm/pt_check.h"
#include "x86/lock.h"

struct page_info;

struct mm_owner {
    /* const after creation */
    uint16_t id;     /* domid */
    bool privileged; /* may name foreign domains in memory operations */
    bool io_access;  /* may map frames that are not RAM, and use cache attributes there */
    struct pt_rules rules;

    bool dying; /* no new references; set once, under lock and pages_lock */

    /*
     * lock (LOCK_MM): zero to one and back of page-table types of this domain's frames, and the open
     * work: the table being checked with its parents, and the tables whose entries are being
     * released. Frame indexes, linked by work_next; PAGE_IDX_NONE is the end.
     */
    struct spinlock lock;
    uint32_t promote_top;
    uint32_t dismiss_top;

    /* CPUs on which one of its page tables is loaded: set before CR3 is, cleared after another was. */
    uint64_t running_cpus;

    /* pages_lock (LOCK_PAGES); lists are linked by frame index, PAGE_IDX_NONE is the end */
    struct spinlock pages_lock;
    uint32_t page_list_head;     /* frames of the domain */
    uint32_t released_list_head; /* given up by it, but someone still refers to them */
    uint32_t xen_list_head;      /* lent by the hypervisor: shared_info, grant frames */
    bool relisted;               /* teardown: the released list has been gone through */
    uint64_t tot_pages;          /* on the first two lists */
    uint64_t max_pages;
    void (*emptied)(struct mm_owner *o); /* called once, when the last frame has gone */

    uint64_t outstanding_pages; /* claimed, not yet populated; heap's lock */
};

/*
 * `io_access` is given by whoever creates the domain; memory limits are 0 until set. Registers it
 * for the lookup.
 */
int mm_owner_init(struct mm_owner *o, uint16_t id, bool privileged, bool io_access) __must_check;
/* Take it out of the lookup: nothing of it is left. */
void mm_owner_retire(struct mm_owner *o);

/* The owner for an id, NULL if none: the hypervisor's table that page_info's owner indexes. */
struct mm_owner *mm_owner_lookup(uint16_t id);

/*
 * Stop a domain from getting or keeping memory, and give it all back; -ERESTART when it wants to be
 * called again. Its vCPUs have given up their roots and descriptor frames. 0: done, except for
 * frames that others still refer to.
 */
int mm_owner_relinquish(struct mm_owner *o) __must_check;

/*
 * True: no frame is left. False: `fn` will be called when the last one goes (any CPU, the caller's
 * locks unknown).
 */
bool mm_owner_when_empty(struct mm_owner *o, void (*fn)(struct mm_owner *o));

#endif
