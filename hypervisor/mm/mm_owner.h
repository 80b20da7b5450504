/* SPDX-License-Identifier: MIT */
/*
 * What the memory room knows of a domain: identity, its page list and limits, its page-table lock, and the CPUs that
 * may hold its translations. Embedded in struct domain; mm/ lies below domain/ and sees nothing else of it.
 */
#ifndef MM_MM_OWNER_H
#define MM_MM_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/list.h"
#include "common/typed_int.h"
#include "x86/lock.h"

struct page_info;

struct mm_owner {
    uint16_t id;          /* domid; const */
    bool privileged;      /* may name foreign domains in memory operations; const after creation */
    bool io_access;       /* may map frames that are not RAM and use cache attributes; const after creation */
    bool dying;           /* no new references; set once, under lock and pages_lock */
    struct spinlock lock; /* LOCK_MM: page-table type transitions of this domain's frames */
    uint64_t running_cpus; /* CPUs on which one of its page tables is loaded now; set and cleared by sched/ atomically */

    struct spinlock pages_lock; /* LOCK_PAGES; guards the rest */
    uint32_t page_list_head;    /* frames of the domain, linked by frame index; 0xffffffff is the end */
    uint32_t xen_list_head;     /* frames shared with it by the hypervisor (shared_info, grant frames) */
    uint64_t tot_pages;
    uint64_t max_pages;
    uint64_t outstanding_pages; /* claimed, not yet populated */
    /* teardown progress, see mm/teardown.h */
    uint8_t relinquish_stage;
};

void mm_owner_init(struct mm_owner *o, uint16_t id, bool privileged);

/* The owner for an id, NULL if none: the hypervisor's table that page_info.owner indexes. */
struct mm_owner *mm_owner_lookup(uint16_t id);

/* Stop a domain from getting or keeping memory, and give it all back; -ERESTART when it wants to be called again. */
int mm_owner_relinquish(struct mm_owner *o);

#endif
