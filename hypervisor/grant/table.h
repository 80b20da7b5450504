/* SPDX-License-Identifier: MIT */
/*
 * A domain's grant table as the hypervisor keeps it, private to grant/. Guarded by its lock (LOCK_GRANT); no operation
 * ever holds two domains' grant locks, and page-table work is done with none held.
 */
#ifndef GRANT_TABLE_H
#define GRANT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/grant_table.h>

#include "domain/domain.h"

#define ENTRIES_PER_FRAME (PAGE_SIZE / sizeof(struct grant_entry_v1))
#define ACTIVE_PER_CHUNK  64u
#define MAPTRACK_PER_PAGE (PAGE_SIZE / sizeof(struct maptrack))

/* What we know of a grant that is in use: who uses it how often. The frame has one general reference while pins > 0. */
struct active {
    mfn_t mfn;
    uint16_t domid;
    uint16_t readers;
    uint16_t writers;
};

/* One mapping that this domain holds of another's grant; a reference on the granting domain is held while in use. */
struct maptrack {
    struct domain *granter; /* NULL: free */
    uint32_t ref;           /* or the next free handle */
    uint16_t flags;         /* GNTMAP_* that are still mapped */
    uint16_t busy;          /* an unmap is under way on some CPU */
};

/* A frame of entries that the guest writes, and our records of it in chunks that appear when they are first used. */
struct grant_frame {
    struct grant_entry_v1 *shared;
    struct active *chunk[ENTRIES_PER_FRAME / ACTIVE_PER_CHUNK];
};

struct grant_table {
    struct spinlock lock;
    bool dead;                   /* frames are gone; entries may not be touched */
    uint32_t nr_frames, max_frames;
    struct grant_frame **frames; /* [max_frames], allocated as the table grows; kept until the domain is freed */
    uint32_t max_maptrack_pages, nr_maptrack_pages;
    struct maptrack **maptrack;  /* [max_maptrack_pages], from the first mapping on */
    uint32_t maptrack_free;      /* head of the free list, MAPTRACK_END */
    uint32_t maptrack_kill;      /* teardown progress */
};

#define MAPTRACK_END UINT32_MAX

/* The in-use record of a reference that is pinned: it is there, and its frame is fixed meanwhile. */
static inline struct active *grant_active(const struct grant_table *t, uint32_t ref)
{
    return &t->frames[ref / ENTRIES_PER_FRAME]->chunk[ref % ENTRIES_PER_FRAME / ACTIVE_PER_CHUNK][ref % ACTIVE_PER_CHUNK];
}

/* A pin for `domid` on a grant of d: flags marked, frame referenced. GNTST_*; *mfn is the frame. */
int grant_pin(struct domain *d, uint32_t ref, uint16_t domid, bool write, mfn_t *mfn);
void grant_unpin(struct domain *d, uint32_t ref, bool write);

/* The batch operations, one element each: status in the element. */
void grant_map_one(struct gnttab_map_grant_ref *op);
void grant_unmap_one(struct gnttab_unmap_grant_ref *op);
void grant_copy_one(struct gnttab_copy *op);

/* Release what a dying domain has mapped; -ERESTART. */
int grant_maptrack_release(struct domain *d);

#endif
