/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own memory: objects of a few sizes cut from frames, or whole frames. A frame of objects keeps its book in
 * its page_info (order: size class, nr_held: objects in use, work_next: first free one), so objects fill it entirely.
 * Invariant: a frame without an object in use goes back at once, so what was allocated and freed leaves no trace.
 */
#include "mm/hv_alloc.h"

#include "common/compiler.h"
#include "common/string.h"
#include "debug/panic.h"
#include "mm/heap.h"
#include "mm/map.h"
#include "x86/lock.h"

/* Multiples of 64 from 64 on (save areas want that), chosen to waste little of a frame each. */
static const uint16_t class_bytes[] = {16,  32,  64,  128,  192,  256,  384,
                                       512, 640, 832, 1024, 1344, 2048, 4096};
#define NR_CLASSES  ARRAY_SIZE(class_bytes)
#define CLASS_FRAME (NR_CLASSES - 1)

/* page_info.flags of such frames */
#define HVF_OBJECTS 1u
#define HVF_FRAMES  2u

#define NO_OBJECT   0xffffffffu

static struct spinlock lock = SPINLOCK_INIT("hv_alloc", LOCK_HEAP);
/* Frames of each class that have a free object, linked by next and prev. */
static uint32_t partial[NR_CLASSES] = {[0 ... NR_CLASSES - 1] = PAGE_IDX_NONE};
static uint64_t bytes_out;

void hv_charge(int64_t bytes)
{
    __atomic_add_fetch(&bytes_out, (uint64_t)bytes, __ATOMIC_RELAXED);
}

uint64_t hv_alloc_bytes(void)
{
    return __atomic_load_n(&bytes_out, __ATOMIC_RELAXED);
}

void *hv_alloc_pages(unsigned int nr)
{
    unsigned int order = nr > 1 ? 32u - (unsigned int)__builtin_clz(nr - 1) : 0;
    uint32_t first;

    if (nr == 0) {
        return NULL;
    }
    first = heap_alloc(NULL, order, 32);
    if (first == PAGE_IDX_NONE) {
        return NULL;
    }
    if ((1u << order) > nr) {
        heap_free(first + nr, (1u << order) - nr, true);
    }
    page_of_idx(first)->flags = HVF_FRAMES;
    hv_charge((int64_t)nr * PAGE_SIZE);
    return map_frame_pinned(mfn_make(first));
}

void hv_free_pages(void *p, unsigned int nr)
{
    uint32_t first;

    if (!p) {
        return;
    }
    first = (uint32_t)mfn_raw(mfn_of_hv(p));
    memset(p, 0, (size_t)nr * PAGE_SIZE);
    page_of_idx(first)->flags = 0;
    unmap_frame_pinned(p);
    heap_free(first, nr, true);
    hv_charge(-(int64_t)nr * PAGE_SIZE);
}

static unsigned int class_of(size_t bytes)
{
    unsigned int c = 0;

    while (class_bytes[c] < bytes) {
        c++;
    }
    return c;
}

/* Take an object of the first partial frame: the free ones are chained by their first four bytes. */
static void *take_object(unsigned int c)
{
    struct page_info *pg = page_of_idx(partial[c]);
    uint8_t *frame = map_frame_pinned(page_mfn(pg));
    void *object = frame + pg->work_next;

    memcpy(&pg->work_next, object, sizeof(pg->work_next));
    pg->nr_held++;
    if (pg->work_next == NO_OBJECT) {
        page_list_unlink(&partial[pg->order], pg);
    }
    return object;
}

/* A fresh frame, all its objects free. */
static bool add_frame(unsigned int c)
{
    uint32_t idx = heap_alloc(NULL, 0, 32);
    unsigned int n = PAGE_SIZE / class_bytes[c];
    struct page_info *pg;
    uint8_t *frame;

    if (idx == PAGE_IDX_NONE) {
        return false;
    }
    pg = page_of_idx(idx);
    frame = map_frame_pinned(mfn_make(idx));
    pg->order = (uint8_t)c;
    pg->nr_held = 0;
    pg->flags = HVF_OBJECTS;
    pg->work_next = 0;
    while (n-- > 0) {
        uint32_t next = (n + 1) * class_bytes[c] + class_bytes[c] <= PAGE_SIZE
                            ? (n + 1) * class_bytes[c]
                            : NO_OBJECT;

        memcpy(frame + n * class_bytes[c], &next, sizeof(next));
    }
    spin_lock(&lock);
    page_list_push(&partial[pg->order], pg);
    spin_unlock(&lock);
    return true;
}

void *hv_alloc(size_t bytes)
{
    unsigned int c;
    void *object = NULL;

    if (bytes > PAGE_SIZE) {
        return NULL;
    }
    c = class_of(bytes);
    if (c == CLASS_FRAME) {
        return hv_alloc_pages(1);
    }
    while (!object) {
        spin_lock(&lock);
        if (partial[c] != PAGE_IDX_NONE) {
            object = take_object(c);
        }
        spin_unlock(&lock);
        if (!object && !add_frame(c)) {
            return NULL;
        }
    }
    memset(object, 0, class_bytes[c]);
    hv_charge(class_bytes[c]);
    return object;
}

void hv_free(void *p)
{
    struct page_info *pg;
    uint32_t offset;
    bool empty;

    if (!p) {
        return;
    }
    pg = page_of_mfn(mfn_of_hv(p));
    if (pg->flags == HVF_FRAMES) {
        hv_free_pages(p, 1);
        return;
    }
    offset = (uint32_t)((uintptr_t)p & (PAGE_SIZE - 1));
    ASSERT(pg->flags == HVF_OBJECTS && pg->nr_held > 0 && offset % class_bytes[pg->order] == 0);
    hv_charge(-(int64_t)class_bytes[pg->order]);
    spin_lock(&lock);
    if (pg->work_next == NO_OBJECT) {
        page_list_push(&partial[pg->order], pg);
    }
    memcpy(p, &pg->work_next, sizeof(pg->work_next));
    pg->work_next = offset;
    empty = --pg->nr_held == 0;
    if (empty) {
        page_list_unlink(&partial[pg->order], pg);
        pg->flags = 0;
    }
    spin_unlock(&lock);
    if (empty) {
        void *frame = map_frame_pinned(page_mfn(pg));

        memset(frame, 0, PAGE_SIZE);
        unmap_frame_pinned(frame);
        heap_free(page_idx(pg), 1, true);
    }
}
