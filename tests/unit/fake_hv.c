/* SPDX-License-Identifier: MIT */
/*
 * See fake_hv.h. Single frames are given from the top down and 2 MiB pieces from the bottom up, so that a frame's number says
 * nothing about its place in the domain; new frames are zero, as the hypervisor's scrubbing makes them, unless it is told not to.
 */
#include "tests/unit/fake_hv.h"

#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "common/typed_int.h"

#define SUPER 512u

void fhv_never(bool broken, const char *what)
{
    if (broken) {
        fprintf(stderr, "fake hypervisor: %s\n", what);
        abort();
    }
}

bool fhv_fails(struct fhv *f)
{
    return ++f->ops == f->fail_at;
}

/* ---- frames ---- */

static uint8_t *frame_bytes(const struct fhv *f, uint64_t index)
{
    return f->memory + index * PAGE_SIZE;
}

uint64_t fhv_index(uint64_t mfn)
{
    return mfn >= FHV_FIRST_MFN && mfn - FHV_FIRST_MFN < FHV_FRAMES ? mfn - FHV_FIRST_MFN : FHV_FRAMES;
}

bool fhv_owns(const struct fhv *f, uint32_t domid, uint64_t mfn)
{
    uint64_t i = fhv_index(mfn);

    return i < FHV_FRAMES && f->frame[i].owner == domid;
}

void fhv_frame_read(const struct fhv *f, uint64_t mfn, void *buf)
{
    uint64_t i = fhv_index(mfn);

    fhv_never(i == FHV_FRAMES, "a frame that does not exist was read");
    ASAN_UNPOISON_MEMORY_REGION(frame_bytes(f, i), PAGE_SIZE);
    memcpy(buf, frame_bytes(f, i), PAGE_SIZE);
    if (!f->frame[i].mapped) {
        ASAN_POISON_MEMORY_REGION(frame_bytes(f, i), PAGE_SIZE);
    }
}

void fhv_frame_write(struct fhv *f, uint64_t mfn, const void *buf)
{
    uint64_t i = fhv_index(mfn);

    fhv_never(i == FHV_FRAMES, "a frame that does not exist was written");
    ASAN_UNPOISON_MEMORY_REGION(frame_bytes(f, i), PAGE_SIZE);
    memcpy(frame_bytes(f, i), buf, PAGE_SIZE);
    if (!f->frame[i].mapped) {
        ASAN_POISON_MEMORY_REGION(frame_bytes(f, i), PAGE_SIZE);
    }
}

static void take_frame(struct fhv *f, uint64_t i, uint32_t domid)
{
    static const uint8_t zero[PAGE_SIZE];

    f->frame[i].owner = domid;
    f->frame[i].pfn = MFN_INVALID_RAW;
    fhv_frame_write(f, FHV_FIRST_MFN + i, zero);
}

/* The index of a new frame, FHV_FRAMES if there is none. */
uint64_t fhv_single_frame(struct fhv *f, uint32_t domid)
{
    while (f->top && f->frame[f->top - 1].owner != FHV_FREE) {
        f->top--;
    }
    if (!f->top) {
        return FHV_FRAMES;
    }
    take_frame(f, f->top - 1, domid);
    return f->top - 1;
}

uint64_t fhv_super_frame(struct fhv *f, uint32_t domid)
{
    for (uint64_t base = 0; !f->no_superpages && base + SUPER <= FHV_FRAMES; base += SUPER) {
        uint64_t n = 0;

        while (n < SUPER && f->frame[base + n].owner == FHV_FREE) {
            n++;
        }
        if (n == SUPER) {
            for (n = 0; n < SUPER; n++) {
                take_frame(f, base + n, domid);
            }
            return base;
        }
    }
    return FHV_FRAMES;
}

uint64_t fhv_free_pages(const struct fhv *f)
{
    uint64_t n = 0;

    for (uint64_t i = 0; i < FHV_FRAMES; i++) {
        n += f->frame[i].owner == FHV_FREE;
    }
    return n;
}

/* ---- the guest's tables ---- */

static uint64_t table_entry(const struct fhv *f, uint64_t mfn, uint64_t slot)
{
    uint64_t i = fhv_index(mfn), e;

    fhv_never(i == FHV_FRAMES, "a table in a frame that does not exist");
    ASAN_UNPOISON_MEMORY_REGION(frame_bytes(f, i), PAGE_SIZE);
    memcpy(&e, frame_bytes(f, i) + slot * sizeof(e), sizeof(e));
    if (!f->frame[i].mapped) {
        ASAN_POISON_MEMORY_REGION(frame_bytes(f, i), PAGE_SIZE);
    }
    return e;
}

struct pin {
    const struct fhv *f;
    uint32_t domid;
    uint8_t type[FHV_FRAMES];     /* level of a table, 0: none */
    bool writable[FHV_FRAMES];
};

/* One table and all below it; false if the real one would refuse. */
static bool pin_table(struct pin *p, uint64_t mfn, unsigned int level)
{
    uint64_t at = fhv_index(mfn);

    if (!fhv_owns(p->f, p->domid, mfn) || (p->type[at] && p->type[at] != level)) {
        return false;
    }
    if (p->type[at]) {
        return true;
    }
    p->type[at] = (uint8_t)level;
    for (uint64_t slot = 0; slot < 512; slot++) {
        uint64_t e = table_entry(p->f, mfn, slot), to = e >> 12 & 0xfffffffffful;

        if (!(e & 1)) {
            continue;
        }
        if (!(e & 4) || e & 0x180 || e >> 52 || (level == 4 && slot >= 256 && slot < 272)) {
            return false; /* no USER, a large or global page, reserved bits, the hypervisor's slots */
        }
        if (level > 1 ? !pin_table(p, to, level - 1) : !fhv_owns(p->f, p->domid, to)) {
            return false;
        }
        if (level == 1 && e & 2) {
            p->writable[fhv_index(to)] = true;
        }
    }
    return true;
}

long fhv_pin(struct fhv *f, uint32_t domid, uint64_t mfn)
{
    struct pin *p = calloc(1, sizeof(*p));
    bool ok;

    p->f = f;
    p->domid = domid;
    ok = pin_table(p, mfn, 4);
    for (uint64_t i = 0; i < FHV_FRAMES; i++) {
        ok = ok && !(p->type[i] && p->writable[i]);
    }
    free(p);
    if (ok) {
        f->domain[domid].l4_mfn = mfn;
    }
    return ok ? 0 : -EINVAL;
}

uint64_t fhv_guest_mfn(const struct fhv *f, uint32_t domid, uint64_t va, bool *writable)
{
    uint64_t mfn = f->domain[domid].l4_mfn, e = 0;

    for (unsigned int shift = 39; shift >= 12; shift -= 9) {
        e = table_entry(f, mfn, va >> shift & 511);
        if (!(e & 1)) {
            return MFN_INVALID_RAW;
        }
        mfn = e >> 12 & 0xfffffffffful;
    }
    if (writable) {
        *writable = e & 2;
    }
    return mfn;
}

/* To or from the guest, page by page. */
static bool guest_access(struct fhv *f, uint32_t domid, uint64_t va, uint8_t *buf, size_t n, bool write)
{
    while (n) {
        size_t off = va % PAGE_SIZE, chunk = MIN(n, (size_t)PAGE_SIZE - off);
        uint8_t page[PAGE_SIZE];
        bool writable = false;
        uint64_t mfn = fhv_guest_mfn(f, domid, va, &writable);

        if (mfn == MFN_INVALID_RAW || (write && !writable)) {
            return false;
        }
        fhv_frame_read(f, mfn, page);
        if (write) {
            memcpy(page + off, buf, chunk);
            fhv_frame_write(f, mfn, page);
        } else {
            memcpy(buf, page + off, chunk);
        }
        va += chunk;
        buf += chunk;
        n -= chunk;
    }
    return true;
}

bool fhv_guest_read(const struct fhv *f, uint32_t domid, uint64_t va, void *buf, size_t n)
{
    return guest_access((struct fhv *)(uintptr_t)f, domid, va, buf, n, false);
}

bool fhv_guest_write(struct fhv *f, uint32_t domid, uint64_t va, const void *buf, size_t n)
{
    return guest_access(f, domid, va, (uint8_t *)(uintptr_t)buf, n, true);
}

/* ---- transport ---- */

static void *map_window(struct fhv *f, const uint64_t *mfns, size_t nr)
{
    struct fhv_window *w = f->window;

    while (w->copy) {
        fhv_never(++w == f->window + 4, "it keeps more windows mapped than it can need");
    }
    w->copy = calloc(nr, PAGE_SIZE);
    fhv_never(!w->copy || nr > FHV_WINDOW, "a window that it has no room for");
    w->nr = nr;
    for (size_t i = 0; i < nr; i++) {
        w->mfn[i] = mfns[i];
        fhv_frame_read(f, mfns[i], w->copy + i * PAGE_SIZE);
        f->frame[fhv_index(mfns[i])].mapped++;
    }
    f->mappings++;
    return w->copy;
}

static void *do_map(void *ctx, uint32_t domid, const uint64_t *mfns, size_t nr)
{
    struct fhv *f = ctx;
    uint64_t at = fhv_index(mfns[0]);

    if (fhv_fails(f)) {
        return NULL;
    }
    for (size_t i = 0; i < nr; i++) {
        if (!fhv_owns(f, domid, mfns[i])) {
            return NULL;
        }
    }
    if (nr > 1) {
        return map_window(f, mfns, nr);
    }
    f->frame[at].mapped++;
    f->mappings++;
    ASAN_UNPOISON_MEMORY_REGION(frame_bytes(f, at), PAGE_SIZE);
    return frame_bytes(f, at);
}

static bool unmap_window(struct fhv *f, const uint8_t *va, size_t nr)
{
    struct fhv_window *w = f->window;

    while (w < f->window + 4 && (!w->copy || w->copy != va)) {
        w++;
    }
    if (w == f->window + 4) {
        return false;
    }
    fhv_never(w->nr != nr, "it unmaps another number of frames than it mapped");
    for (size_t i = 0; i < nr; i++) {
        f->frame[fhv_index(w->mfn[i])].mapped--;
        fhv_frame_write(f, w->mfn[i], w->copy + i * PAGE_SIZE);
    }
    free(w->copy);
    w->copy = NULL;
    f->mappings--;
    return true;
}

static void do_unmap(void *ctx, void *va, size_t nr)
{
    struct fhv *f = ctx;
    uint64_t at = (uint64_t)((uint8_t *)va - f->memory) / PAGE_SIZE;

    if (unmap_window(f, va, nr)) {
        return;
    }
    fhv_never(nr != 1 || at >= FHV_FRAMES || !f->frame[at].mapped, "unmapped what is not mapped");
    f->mappings--;
    if (--f->frame[at].mapped == 0) {
        ASAN_POISON_MEMORY_REGION(frame_bytes(f, at), PAGE_SIZE);
    }
}

/* Our port is 100 * domid + the domain's. */
static struct fhv_port *port_of(struct fhv *f, uint32_t port)
{
    fhv_never(port / 100 >= FHV_DOMAINS || port % 100 >= FHV_PORTS, "a port that was never given out");
    return &f->domain[port / 100].port[port % 100];
}

static long do_bind(void *ctx, uint32_t domid, uint32_t remote_port, void (*fn)(void *arg), void *arg)
{
    struct fhv *f = ctx;
    struct fhv_port *p = port_of(f, domid * 100 + remote_port);

    if (fhv_fails(f)) {
        return -ENOSPC;
    }
    if (!p->used || p->bound || p->remote != FHV_OWN_DOMID) {
        return -EINVAL;
    }
    p->bound = true;
    p->fn = fn;
    p->arg = arg;
    f->bindings++;
    return (long)(domid * 100 + remote_port);
}

static void do_unbind(void *ctx, uint32_t port)
{
    struct fhv *f = ctx;
    struct fhv_port *p = port_of(f, port);

    fhv_never(!p->bound, "unbound what is not bound");
    p->bound = false;
    f->bindings--;
}

static void do_notify(void *ctx, uint32_t port)
{
    struct fhv_port *p = port_of(ctx, port);

    fhv_never(!p->bound, "notified through a port that is not bound");
    p->notified++;
}

static int do_open(void *ctx, const char *path, const void **data, size_t *size)
{
    struct fhv *f = ctx;

    if (fhv_fails(f)) {
        return -EIO;
    }
    for (unsigned int i = 0; i < FHV_FILES; i++) {
        if (f->file[i].path && strcmp(f->file[i].path, path) == 0) {
            f->file[i].open++;
            *data = f->file[i].data;
            *size = f->file[i].size;
            return 0;
        }
    }
    return -ENOENT;
}

static void do_close(void *ctx, const void *data, size_t size)
{
    struct fhv *f = ctx;

    for (unsigned int i = 0; i < FHV_FILES; i++) {
        if (f->file[i].data == data && f->file[i].size == size && f->file[i].open) {
            f->file[i].open--;
            return;
        }
    }
    fhv_never(true, "closed what is not open");
}

static void do_lock(void *ctx)
{
    struct fhv *f = ctx;

    fhv_never(f->locks++ != 0, "the lock was taken twice");
}

static void do_unlock(void *ctx)
{
    struct fhv *f = ctx;

    fhv_never(f->locks-- != 1, "an unlock too many");
}

void fhv_init(struct fhv *f)
{
    memset(f, 0, sizeof(*f));
    f->t = (struct xeno_transport){.ctx = f,
                                   .own_domid = FHV_OWN_DOMID,
                                   .hypercall = fhv_hypercall,
                                   .map_foreign = do_map,
                                   .unmap_foreign = do_unmap,
                                   .event_bind = do_bind,
                                   .event_unbind = do_unbind,
                                   .event_notify = do_notify,
                                   .file_open = do_open,
                                   .file_close = do_close,
                                   .lock = do_lock,
                                   .unlock = do_unlock};
    f->memory = aligned_alloc(PAGE_SIZE, (size_t)FHV_FRAMES * PAGE_SIZE);
    fhv_never(!f->memory, "out of memory");
    ASAN_POISON_MEMORY_REGION(f->memory, (size_t)FHV_FRAMES * PAGE_SIZE);
    for (uint64_t i = 0; i < FHV_FRAMES; i++) {
        f->frame[i].owner = FHV_FREE;
    }
    f->domain[FHV_OWN_DOMID] = (struct fhv_domain){.used = true, .vcpus = 1, .tot_pages = 64 * 256};
    f->next_domid = 1;
    f->top = FHV_FRAMES;
}

void fhv_free(struct fhv *f)
{
    ASAN_UNPOISON_MEMORY_REGION(f->memory, (size_t)FHV_FRAMES * PAGE_SIZE);
    free(f->memory);
}

void fhv_add_file(struct fhv *f, const char *path, const void *data, size_t size)
{
    for (unsigned int i = 0; i < FHV_FILES; i++) {
        if (!f->file[i].path) {
            f->file[i] = (struct fhv_file){.path = path, .data = data, .size = size};
            return;
        }
    }
    fhv_never(true, "no room for another file");
}

bool fhv_is_clean(const struct fhv *f)
{
    bool clean = fhv_free_pages(f) == FHV_FRAMES && !f->mappings && !f->bindings && !f->locks;

    for (uint32_t i = 0; i < FHV_DOMAINS; i++) {
        clean = clean && (i == FHV_OWN_DOMID || !f->domain[i].used);
    }
    for (unsigned int i = 0; i < FHV_FILES; i++) {
        clean = clean && !f->file[i].open;
    }
    return clean;
}

void fhv_guest_notify(struct fhv *f, uint32_t domid, uint32_t port)
{
    struct fhv_port *p = &f->domain[domid].port[port];

    if (p->bound) {
        p->fn(p->arg);
    }
}

void fhv_guest_ends(struct fhv *f, uint32_t domid, unsigned int reason)
{
    f->domain[domid].flags = XEN_DOMINF_shutdown | reason << XEN_DOMINF_shutdownshift;
}
