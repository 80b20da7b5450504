/* SPDX-License-Identifier: MIT */
/*
 * What the shadow tables and the scanned code of a domain share. Everything here is under the domain's lock.
 * Invariant: the engine's bits of a physmap leaf say what a guest frame is used for: a page table that is shadowed, code that has
 * been scanned, and which shadows of level 1 may map it writable (a hint that may be too much, never too little).
 */
#ifndef FULL_TRAP_SHADOW_H
#define FULL_TRAP_SHADOW_H

#include "full/trap/trap.h"

#define SHADOW_SLOTS   256u
#define SHADOW_BUCKETS 256u
#define CODE_SLOTS     256u

#define TAG_TABLE      (1ul << 9)
#define TAG_CODE       (1ul << 10)
#define TAG_WRITABLE   (1ul << 11) /* by the shadow in TAG_SLOT */
#define TAG_MANY       (1ul << 62) /* and by others */
#define TAG_SLOT_MASK  (0xfful << 52)
#define TAG_OF_SLOT(n) ((uint64_t)(n) << 52)
#define TAG_SLOT(leaf) ((leaf) >> 52 & 0xff)

_Static_assert(((TAG_TABLE | TAG_CODE | TAG_WRITABLE | TAG_MANY | TAG_SLOT_MASK) &
                ~PHYSMAP_ENGINE_BITS) == 0,
               "tags are where the engine's bits are");

struct shadow {
    uint64_t key; /* gfn, level, view; 0: unused */
    uint64_t *page;
    uint16_t next; /* of the same bucket, 0: none */
};

/* A page of code that has been scanned. */
struct code {
    uint64_t gfn1; /* 0: unused */
    uint8_t *copy; /* with what traps in the place of what does not; NULL: the page is as it was */
    uint16_t slot; /* the shadow of level 1 that maps it executable, 0: none */
    bool many;     /* and others */
};

/* What is known of a page of code by its address: where other pages lead to, for good, and what its last scan has found. */
struct entries {
    uint64_t page1; /* address / PAGE_SIZE + 1; 0: unused */
    uint64_t gfn;   /* where it was scanned */
    uint64_t in[PAGE_SIZE / 64], found[PAGE_SIZE / 64];
};
#define ENTRIES_SLOTS 64u

struct shadows {
    struct full_domain *fd;
    bool scan;
    uint32_t nr, used, hint;
    uint64_t generation; /* of reset() */
    uint16_t bucket[SHADOW_BUCKETS];
    struct shadow slot[SHADOW_SLOTS];      /* 0 is unused */
    struct code code[CODE_SLOTS];          /* by the frame number's low bits */
    struct entries entries[ENTRIES_SLOTS]; /* by the page's low bits */
};
#define SHADOWS_PAGES ((unsigned int)((sizeof(struct shadows) + PAGE_SIZE - 1) / PAGE_SIZE))

void trap_shadow_reset(struct shadows *sh);
void trap_write_protect(struct shadows *sh, uint64_t *leaf);
/* The guest writes the frame: what was made of its contents is forgotten. */
void trap_protection_end(struct shadows *sh, uint64_t gfn, uint64_t *leaf);
/* The level 1 entry for an address under the vCPU's root, or NULL. */
uint64_t *trap_shadow_entry(struct vcpu *v, uint64_t linear);

/* ---- code.c ---- */
/* The page is scanned as what runs at `linear`, if it has not been. False: no memory. */
bool trap_code_ensure(struct vcpu *v, uint64_t linear, uint64_t gfn, uint64_t *leaf);
/* What to map for execution by this shadow, and that it is mapped there is noted. */
uint64_t trap_code_frame(struct shadows *sh, uint64_t gfn, uint64_t frame, unsigned int slot);
/* It changes: nobody executes it any more. */
void trap_code_forget(struct shadows *sh, uint64_t gfn, uint64_t *leaf);
void trap_code_reset(struct shadows *sh);
/* Does the instruction at rip lie on this guest frame? */
bool trap_runs_on(struct vcpu *v, uint64_t gfn);

#endif
