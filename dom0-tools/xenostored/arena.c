/* SPDX-License-Identifier: MIT */
/*
 * Slabs of 16 KiB, each with objects of one size class, and the undo log. A slab without objects goes back to the common
 * list, so that no pattern of sizes makes the region grow for ever.
 * Invariant: an entry of the log is complete before nr_undo counts it, and counted before the word changes.
 */
#include "xenostored/arena.h"

#include <stdlib.h>
#include <string.h>

#include "common/errno.h"

#define MAGIC 0x3265726f74536558ull
/* Between two allocations no caller notes more words than this. */
#define UNDO_RESERVE 512u

struct slab {
    xs_ref next, prev; /* in partial[], or next in free_slabs */
    xs_ref free;       /* first free object; its first word is the next one */
    uint16_t fresh;    /* objects that were handed out once: those behind were never used */
    uint16_t used;
    uint32_t class;
    uint32_t capacity;
};

/* A kill finds memory as the instructions left it: the compiler's order is all that matters. */
static void in_order(void)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static unsigned int class_of(size_t bytes)
{
    unsigned int shift = 7;

    if (bytes <= 128) {
        return bytes <= 8 ? 0 : (unsigned int)(bytes - 1) / 8;
    }
    while (bytes > (256ull << (shift - 7))) {
        shift++;
    }
    return 16 + (shift - 7) * 4 + (unsigned int)((bytes - (1ull << shift) - 1) >> (shift - 2));
}

static uint32_t class_bytes(unsigned int class)
{
    unsigned int shift;

    if (class < 16) {
        return (class + 1) * 8;
    }
    shift = 7 + (class - 16) / 4;
    return (1u << shift) + (((class - 16) % 4 + 1) << (shift - 2));
}

void xs_note(struct xs_arena *arena, const void *at)
{
    struct xs_arena_head *head = arena->head;
    uint64_t offset = (uint64_t)((const char *)at - (const char *)head) & ~7ull;
    uint32_t n = head->nr_undo;

    /* xs_alloc() keeps UNDO_RESERVE entries in hand; what lies outside could not be put back by the next process. */
    if (n >= arena->undo_length || offset > arena->bytes - 8) {
        abort();
    }
    arena->undo[n].at = offset;
    memcpy(&arena->undo[n].old, (const char *)head + offset, 8);
    in_order();
    head->nr_undo = n + 1;
    in_order();
}

void xs_rollback(struct xs_arena *arena)
{
    struct xs_arena_head *head = arena->head;

    /* Restarted anywhere, this does the same again. */
    for (uint32_t n = head->nr_undo; n > 0; n--) {
        memcpy((char *)head + arena->undo[n - 1].at, &arena->undo[n - 1].old, 8);
        in_order();
        head->nr_undo = n - 1;
        in_order();
    }
}

static bool undo_is_sane(const struct xs_arena *arena)
{
    if (arena->head->nr_undo > arena->undo_length) {
        return false;
    }
    for (uint32_t n = 0; n < arena->head->nr_undo; n++) {
        if (arena->undo[n].at % 8 || arena->undo[n].at > arena->bytes - 8) {
            return false;
        }
    }
    return true;
}

int xs_arena_attach(struct xs_arena *arena)
{
    struct xs_arena_head *head = arena->head;

    if (arena->bytes < 2ull * XS_SLAB_BYTES || arena->undo_length < 8 * UNDO_RESERVE) {
        return -EINVAL;
    }
    if (head->magic == 0) {
        memset(head, 0, sizeof(*head));
        head->top = XS_SLAB_BYTES;
        in_order();
        head->magic = MAGIC;
        return 0;
    }
    if (head->magic != MAGIC || head->top > arena->bytes || !undo_is_sane(arena)) {
        return -EINVAL;
    }
    xs_rollback(arena);
    xs_commit(arena); /* it may have been killed while it emptied the limbo */
    return 0;
}

static struct slab *slab_at(const struct xs_arena *arena, xs_ref ref)
{
    return xs_at(arena, ref);
}

static void partial_add(struct xs_arena *arena, struct slab *slab)
{
    xs_ref *first = &arena->head->partial[slab->class];
    struct slab *next = slab_at(arena, *first);
    xs_ref ref = xs_ref_of(arena, slab);

    XS_SET(arena, slab->next, *first);
    slab->prev = 0; /* shares a word with next */
    if (next) {
        XS_SET(arena, next->prev, ref);
    }
    XS_SET(arena, *first, ref);
}

static void partial_del(struct xs_arena *arena, struct slab *slab)
{
    struct slab *next = slab_at(arena, slab->next);

    if (next) {
        XS_SET(arena, next->prev, slab->prev);
    }
    if (slab->prev) {
        XS_SET(arena, slab_at(arena, slab->prev)->next, slab->next);
    } else {
        XS_SET(arena, arena->head->partial[slab->class], slab->next);
    }
}

static struct slab *slab_new(struct xs_arena *arena, unsigned int class)
{
    struct xs_arena_head *head = arena->head;
    struct slab *slab;

    if (head->free_slabs) {
        slab = slab_at(arena, head->free_slabs);
        XS_SET(arena, head->free_slabs, slab->next);
        xs_note(arena, &slab->next); /* the list must be as it was after a rollback */
    } else {
        if (head->top + XS_SLAB_BYTES > arena->bytes &&
            (!arena->grow || !arena->grow(arena, head->top + XS_SLAB_BYTES))) {
            return NULL;
        }
        slab = (struct slab *)((char *)head + head->top);
        XS_SET(arena, head->top, head->top + XS_SLAB_BYTES);
    }
    *slab = (struct slab){
        .class = class, .capacity = (XS_SLAB_BYTES - (uint32_t)sizeof(*slab)) / class_bytes(class)};
    partial_add(arena, slab);
    return slab;
}

bool xs_reserve(struct xs_arena *arena)
{
    uint32_t used = arena->head->nr_undo;

    return arena->undo_length - used >= UNDO_RESERVE ||
           (arena->grow_undo && arena->grow_undo(arena, used + 2 * UNDO_RESERVE));
}

xs_ref xs_alloc(struct xs_arena *arena, size_t bytes)
{
    struct xs_arena_head *head = arena->head;
    unsigned int class;
    struct slab *slab;
    xs_ref ref;

    if (bytes > XS_ALLOC_MAX || !xs_reserve(arena)) {
        return 0;
    }
    class = class_of(bytes);
    slab = head->partial[class] ? slab_at(arena, head->partial[class]) : slab_new(arena, class);
    if (!slab) {
        return 0;
    }
    xs_note(arena, &slab->free); /* and fresh and used: one word */
    if (slab->free) {
        ref = slab->free;
        xs_note(arena, xs_at(arena, ref));
        memcpy(&slab->free, xs_at(arena, ref), sizeof(slab->free));
    } else {
        ref = xs_ref_of(arena, slab) + (uint32_t)(sizeof(*slab) / 8) +
              slab->fresh * (class_bytes(class) / 8);
        slab->fresh++;
    }
    slab->used++;
    XS_SET(arena, head->used, head->used + class_bytes(class));
    if (slab->used == slab->capacity) {
        partial_del(arena, slab);
    }
    return ref;
}

void xs_free(struct xs_arena *arena, xs_ref ref)
{
    void *object = xs_at(arena, ref);

    xs_note(arena, object);
    memcpy(object, &arena->head->limbo, sizeof(xs_ref));
    XS_SET(arena, arena->head->limbo, ref);
}

static void free_now(struct xs_arena *arena, xs_ref ref)
{
    struct slab *slab = slab_at(arena, ref & ~(XS_SLAB_BYTES / 8 - 1));
    void *object = xs_at(arena, ref);

    xs_note(arena, object);
    memcpy(object, &slab->free, sizeof(xs_ref));
    xs_note(arena, &slab->free);
    slab->free = ref;
    slab->used--;
    XS_SET(arena, arena->head->used, arena->head->used - class_bytes(slab->class));
    if (slab->used + 1u == slab->capacity) {
        partial_add(arena, slab);
    }
    /* One empty slab a class stays: a client that asks and gets one reply at a time uses it again and again. */
    if (slab->used == 0 && (slab->next || slab->prev)) {
        partial_del(arena, slab);
        XS_SET(arena, slab->next, arena->head->free_slabs);
        XS_SET(arena, arena->head->free_slabs, xs_ref_of(arena, slab));
    }
}

static void end_scope(struct xs_arena *arena)
{
    in_order();
    arena->head->nr_undo = 0;
    in_order();
}

void xs_commit(struct xs_arena *arena)
{
    struct xs_arena_head *head = arena->head;

    end_scope(arena);
    while (head->limbo) {
        xs_ref ref = head->limbo;

        xs_note(arena, &head->limbo);
        memcpy(&head->limbo, xs_at(arena, ref), sizeof(xs_ref));
        free_now(arena, ref);
        end_scope(arena);
    }
}
