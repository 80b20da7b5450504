/* SPDX-License-Identifier: MIT */
/*
 * The store's memory: one region that may be a file, in which everything that must outlive the process is kept. Objects
 * refer to one another by offset. An operation is a scope: each word that it overwrites is noted first, so that a failure,
 * or the next process after a kill at any instruction, puts all of it back.
 * Invariant: outside a scope nr_undo is 0; live words change through XS_SET() or after xs_note() alone. Pure.
 */
#ifndef XENOSTORED_ARENA_H
#define XENOSTORED_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/compiler.h"

/* An object's offset in granules of 8 bytes; 0: none. */
typedef uint32_t xs_ref;

#define XS_SLAB_BYTES 16384u
#define XS_CLASSES    40u
/* The largest object: a message of 4096 bytes or a watch with path and token fit. */
#define XS_ALLOC_MAX 8192u

struct xs_undo {
    uint64_t at; /* byte offset of an aligned word */
    uint64_t old;
};

/* At offset 0 of the region. */
struct xs_arena_head {
    uint64_t magic;
    uint32_t nr_undo;
    xs_ref root;   /* the user's first object */
    uint64_t top;  /* bytes from here on were never part of a slab */
    uint64_t used; /* bytes in live objects */
    xs_ref limbo;  /* freed in this scope: the old content is still needed if it is taken back */
    xs_ref free_slabs;          /* singly linked by next */
    xs_ref partial[XS_CLASSES]; /* slabs with room, doubly linked */
};

/* The process's view. grow callbacks make room for at least that much in all, or return false. */
struct xs_arena {
    struct xs_arena_head *head;
    struct xs_undo *undo;
    uint64_t bytes;       /* of the region that may be touched */
    uint32_t undo_length; /* entries that may be touched */
    bool (*grow)(struct xs_arena *arena, uint64_t bytes);
    bool (*grow_undo)(struct xs_arena *arena, uint32_t entries);
    void *ctx;
};

/*
 * Use a region of arena->bytes (aligned to 8 bytes, at least two slabs) and an undo log. An empty (zero) region is set up;
 * in one that has content, what a killed process left half done is undone. -EINVAL: not such a region.
 */
int xs_arena_attach(struct xs_arena *arena) __must_check;

/* A new object, 8-byte aligned, content undefined; 0 if there is no room. Needs no notes until the scope's end. */
xs_ref xs_alloc(struct xs_arena *arena, size_t bytes) __must_check;
/* Content and reference stay valid until the scope ends. */
void xs_free(struct xs_arena *arena, xs_ref ref);

/* End the scope: keep its effects (what was freed can be had again only now), or take them back. */
void xs_commit(struct xs_arena *arena);
void xs_rollback(struct xs_arena *arena);

/* Room for some hundred more notes: xs_alloc() asks by itself, loops that only change words must. */
bool xs_reserve(struct xs_arena *arena) __must_check;

/* Keep the old value of the aligned word around at. */
void xs_note(struct xs_arena *arena, const void *at);

#define XS_SET(arena, field, value)                                                                \
    do {                                                                                           \
        xs_note(arena, &(field));                                                                  \
        (field) = (value);                                                                         \
    } while (0)

static inline void *xs_at(const struct xs_arena *arena, xs_ref ref)
{
    return ref ? (char *)arena->head + (uint64_t)ref * 8 : NULL;
}

static inline xs_ref xs_ref_of(const struct xs_arena *arena, const void *object)
{
    return (xs_ref)((uint64_t)((const char *)object - (const char *)arena->head) / 8);
}

#endif
