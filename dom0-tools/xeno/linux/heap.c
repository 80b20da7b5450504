/* SPDX-License-Identifier: MIT */
/*
 * The heap of a program that lives for one command. musl's asks the kernel for each larger piece and gives it back at once: two calls,
 * three page faults and two cleared pages a piece, which were a fifteenth of all that a create takes. Here pieces lie side by side.
 * Invariant: below `top` there is block behind block up to the region's beginning; no two that are free lie side by side, and none
 * that is free lies below `top`. One thread.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/compiler.h"

#define GRAIN  16u
#define FIRST  262144u           /* memory that is not written to costs nothing */
#define REGION ((size_t)1 << 20) /* a further one */
#define LARGE  131072u           /* by itself: it goes back to the kernel */
#define USED   1u
#define ALONE  2u
#define FLAGS  (USED | ALONE)

struct block {
    size_t below;               /* size of the block below, if that is free; else 0 */
    size_t size;                /* with this head; and flags */
    struct block *next, **link; /* of a free one */
};
#define HEAD offsetof(struct block, next)

static _Alignas(GRAIN) char first[FIRST];
static char *top = first, *end = first + FIRST;
static struct block *unused;

static struct block *behind(struct block *b)
{
    return (struct block *)(void *)((char *)b + (b->size & ~(size_t)FLAGS));
}

static void take_out(struct block *b)
{
    *b->link = b->next;
    if (b->next) {
        b->next->link = b->link;
    }
}

static void put_in(struct block *b)
{
    b->next = unused;
    b->link = &unused;
    if (unused) {
        unused->link = &b->next;
    }
    unused = b;
    behind(b)->below = b->size;
}

static void *map(size_t n)
{
    void *va = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return va == MAP_FAILED ? NULL : va;
}

/* What is left of the last region stays unused, behind a block that is never free. */
static bool add_region(void)
{
    char *more = map(REGION);

    if (more) {
        *(struct block *)(void *)top = (struct block){.size = HEAD | USED};
        top = more;
        end = more + REGION;
    }
    return more;
}

static struct block *from_top(size_t size)
{
    struct block *b;

    /* There is always room for one more head. */
    if (size > (size_t)(end - top) - sizeof(*b) && !add_region()) {
        return NULL;
    }
    b = (struct block *)(void *)top;
    top += size;
    *b = (struct block){.size = size | USED};
    return b;
}

static struct block *from_unused(size_t size)
{
    struct block *b = unused;

    while (b && b->size < size) {
        b = b->next;
    }
    if (!b) {
        return NULL;
    }
    take_out(b);
    if (b->size - size >= sizeof(*b)) {
        struct block *rest = (struct block *)(void *)((char *)b + size);

        *rest = (struct block){.size = b->size - size};
        put_in(rest);
        b->size = size;
    } else {
        behind(b)->below = 0;
    }
    b->size |= USED;
    return b;
}

static struct block *alone(size_t size)
{
    struct block *b = map(size);

    if (b) {
        b->size = size | USED | ALONE;
    }
    return b;
}

static void *piece(size_t n)
{
    size_t size = MAX(ALIGN_UP(n + HEAD, (size_t)GRAIN), sizeof(struct block));
    struct block *b = NULL;

    if (n < LARGE) {
        b = from_unused(size);
        b = b ? b : from_top(size);
    } else if (n < PTRDIFF_MAX) {
        b = alone(size);
    }
    if (!b) {
        errno = ENOMEM;
        return NULL;
    }
    return (char *)b + HEAD;
}

void *malloc(size_t n)
{
    return piece(n);
}

static struct block *block_of(void *p)
{
    struct block *b = (struct block *)(void *)((char *)p - HEAD);

    if (!(b->size & USED)) {
        abort(); /* freed before: nothing in here can be trusted any more */
    }
    return b;
}

void free(void *p)
{
    int was = errno;
    struct block *b;

    if (!p) {
        return;
    }
    b = block_of(p);
    if (b->size & ALONE) {
        munmap(b, b->size & ~(size_t)FLAGS);
        errno = was;
        return;
    }
    b->size &= ~(size_t)FLAGS;
    if (b->below) {
        struct block *below = (struct block *)(void *)((char *)b - b->below);

        take_out(below);
        below->size += b->size;
        b = below;
    }
    if ((char *)behind(b) == top) {
        top = (char *)b;
        return;
    }
    if (!(behind(b)->size & USED)) {
        take_out(behind(b));
        b->size += behind(b)->size;
    }
    put_in(b);
}

void *calloc(size_t nr, size_t size)
{
    size_t n;
    void *p = NULL;

    if (__builtin_mul_overflow(nr, size, &n)) {
        errno = ENOMEM;
    } else {
        p = piece(n);
    }
    return p ? memset(p, 0, n) : NULL;
}

void *realloc(void *p, size_t n)
{
    void *more = piece(n);

    if (p && more) {
        memcpy(more, p, MIN(n, (block_of(p)->size & ~(size_t)FLAGS) - HEAD));
        free(p);
    }
    return more;
}
