/* SPDX-License-Identifier: MIT */
/*
 * Mapping a frame costs more than filling it, so frames are mapped many at a time, side by side, and those that would be
 * filled with zeros, which they are already, not at all: half of an unpacked Linux, whose sections are aligned generously.
 * Invariant: what is written is data to us, of which nothing is checked; so it may be read twice, and change meanwhile.
 */
#include "libxeno/copy_in.h"

#include <stdlib.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "common/string.h"
#include "common/typed_int.h"

#define WINDOW_PAGES 256u
#define BLOCK        256u

struct window {
    uint64_t mfn[WINDOW_PAGES];
    struct piece {
        const uint8_t *from; /* NULL: zeros */
        uint32_t at, n;
    } piece[WINDOW_PAGES];
    unsigned int nr;
};

/* Block by block, so that a page with something in it is known by its first one. What is not aligned is not looked at. */
static bool is_zero(const uint8_t *p, uint64_t n)
{
    typedef uint64_t pair __attribute__((vector_size(16), may_alias));
    uint64_t some = (uintptr_t)p % sizeof(pair);

    for (; some == 0 && n >= BLOCK; p += BLOCK, n -= BLOCK) {
        const pair *v = (const pair *)p;
        pair all = v[0] | v[1] | v[2] | v[3] | v[4] | v[5] | v[6] | v[7] | v[8] | v[9] | v[10] | v[11] | v[12] | v[13] | v[14] | v[15];

        some = all[0] | all[1];
    }
    for (; some == 0 && n; n--) {
        some = *p++;
    }
    return some == 0;
}

static int write_window(const struct copy_target *to, struct window *w)
{
    const struct xeno_transport *t = to->x->t;
    uint8_t *va = w->nr ? t->map_foreign(t->ctx, to->domid, w->mfn, w->nr) : NULL;

    if (!va) {
        return w->nr ? -ENOMEM : 0;
    }
    for (unsigned int i = 0; i < w->nr; i++) {
        const struct piece *p = &w->piece[i];
        uint8_t *page = va + (uint64_t)i * PAGE_SIZE + p->at;

        if (p->from) {
            memcpy(page, p->from, p->n);
        } else {
            memset(page, 0, p->n);
        }
    }
    t->unmap_foreign(t->ctx, va, w->nr);
    w->nr = 0;
    return 0;
}

int xeno_copy_in(const struct copy_target *to, uint64_t paddr, const void *from, uint64_t n)
{
    struct window *w = malloc(sizeof(*w));
    const uint8_t *bytes = from;
    int rc = 0;

    if (!w) {
        return -ENOMEM;
    }
    w->nr = 0;
    for (uint64_t done = 0; rc == 0 && done < n;) {
        uint64_t pfn = (paddr + done) >> PAGE_SHIFT, at = (paddr + done) % PAGE_SIZE, part = MIN(PAGE_SIZE - at, n - done);

        if (!to->zeroed || (bytes && !is_zero(bytes + done, part))) {
            w->mfn[w->nr] = to->mfn ? to->mfn[pfn] : pfn;
            w->piece[w->nr++] = (struct piece){.from = bytes ? bytes + done : NULL, .at = (uint32_t)at, .n = (uint32_t)part};
        }
        done += part;
        if (w->nr == WINDOW_PAGES || done == n) {
            rc = write_window(to, w);
        }
    }
    free(w);
    return rc;
}

int xeno_copy_file_in(const struct copy_target *to, uint64_t paddr, const void *file, uint64_t offset, uint64_t n)
{
    const struct xeno_transport *t = to->x->t;
    const uint8_t *bytes = t->file_bytes ? t->file_bytes(t->ctx, file) : file;
    int rc = xeno_copy_in(to, paddr, bytes + offset, n);

    return rc == 0 && t->file_intact ? t->file_intact(t->ctx, file) : rc;
}
