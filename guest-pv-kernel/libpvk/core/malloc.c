/* SPDX-License-Identifier: MIT */
/*
 * malloc: one free list a power of two up to half a page, whole pages above. Each block is preceded by a 16-byte header that
 * tells its class. Blocks of a class never go back to the page allocator: a small kernel's needs repeat.
 */
#include <stdlib.h>
#include <stdint.h>
#include <string.h>

#include "pvk/memory.h"
#include "pvk/spinlock.h"
#include "pvk/traps.h"

#define MIN_SHIFT  5                        /* smallest block: 32 bytes with its header */
#define NR_CLASSES (PAGE_SHIFT - MIN_SHIFT) /* largest: 2 KiB */
#define MAGIC_USED 0x6d616c6c75736564ul     /* "malluse" + 'd': found in front of a block in use */
#define MAGIC_FREE 0x6d616c6c66726565ul

struct header {
    uint64_t magic;
    uint32_t class; /* below NR_CLASSES: free list; else page order + NR_CLASSES */
    uint32_t pad;
};

struct free_block {
    struct header header;
    struct free_block *next;
};

static struct spinlock lock;
static struct free_block *free_lists[NR_CLASSES]; /* lock: lock */

static unsigned class_of(size_t size)
{
    unsigned class = 0;

    while (class < NR_CLASSES && ((size_t)1 << (class + MIN_SHIFT)) < size) {
        class ++;
    }
    return class;
}

static size_t usable(const struct header *h)
{
    if (h->class < NR_CLASSES) {
        return ((size_t)1 << (h->class + MIN_SHIFT)) - sizeof(*h);
    }
    return ((size_t)PAGE_SIZE << (h->class - NR_CLASSES)) - sizeof(*h);
}

/* Cut a page into blocks of the class; false if there is no page. */
static bool refill(unsigned class)
{
    size_t size = (size_t)1 << (class + MIN_SHIFT);
    char *page = page_alloc(0);

    if (page == NULL) {
        return false;
    }
    for (size_t at = 0; at < PAGE_SIZE; at += size) {
        struct free_block *block = (struct free_block *)(page + at);

        block->header = (struct header){.magic = MAGIC_FREE, .class = class};
        block->next = free_lists[class];
        free_lists[class] = block;
    }
    return true;
}

static void *malloc_small(unsigned class)
{
    irq_state was = spin_lock(&lock);
    struct free_block *block;

    if (free_lists[class] == NULL && !refill(class)) {
        spin_unlock(&lock, was);
        return NULL;
    }
    block = free_lists[class];
    free_lists[class] = block->next;
    block->header.magic = MAGIC_USED;
    spin_unlock(&lock, was);
    return &block->header + 1;
}

void *malloc(size_t size)
{
    size_t total = size + sizeof(struct header);
    unsigned class = class_of(total);
    unsigned order = 0;
    struct header *h;

    if (total < size) {
        return NULL;
    }
    if (class < NR_CLASSES) {
        return malloc_small(class);
    }
    while (order < 40 && ((size_t)PAGE_SIZE << order) < total) {
        order++;
    }
    h = page_alloc(order);
    if (h == NULL) {
        return NULL;
    }
    *h = (struct header){.magic = MAGIC_USED, .class = order + NR_CLASSES};
    return h + 1;
}

void free(void *p)
{
    struct header *h = (struct header *)p - 1;
    irq_state was;

    if (p == NULL) {
        return;
    }
    ASSERT(h->magic == MAGIC_USED); /* not from malloc, freed twice, or overrun by its neighbour */
    h->magic = MAGIC_FREE;
    if (h->class >= NR_CLASSES) {
        page_free(h, h->class - NR_CLASSES);
        return;
    }
    was = spin_lock(&lock);
    ((struct free_block *)h)->next = free_lists[h->class];
    free_lists[h->class] = (struct free_block *)h;
    spin_unlock(&lock, was);
}

void *calloc(size_t count, size_t size)
{
    size_t total;
    void *p;

    if (__builtin_mul_overflow(count, size, &total)) {
        return NULL;
    }
    p = malloc(total);
    if (p != NULL) {
        memset(p, 0, total);
    }
    return p;
}

void *realloc(void *old, size_t size)
{
    size_t had;
    void *p;

    if (old == NULL) {
        return malloc(size);
    }
    had = usable((struct header *)old - 1);
    if (size <= had) {
        return old;
    }
    p = malloc(size);
    if (p != NULL) {
        memcpy(p, old, had);
        free(old);
    }
    return p;
}

char *strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);

    if (copy != NULL) {
        memcpy(copy, text, size);
    }
    return copy;
}
