/* SPDX-License-Identifier: MIT */
/*
 * A domain's memory as a core file. Which frames are its own is asked of the hypervisor, frame by frame of the machine, and what
 * each is to the guest of the machine-to-physical table: the guest's own lists may be anything. Frames of zeros become holes.
 * Frames are mapped for reading only, as page tables must be. The caller has paused the domain, or it has ended.
 */
#include "libxeno/linux/dump_core.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "common/compiler.h"
#include "libxeno/linux/core_file.h"

#define PAGE         4096u
#define CHUNK_FRAMES (1ul << 18) /* whose entries fill 2 MiB of the table */
#define CHUNK_PAGES  512u
#define ASKED        1024u       /* frames a call */
#define WINDOW       64u
#define MAX_VCPUS    8192u

struct dump {
    struct xeno_linux *l;
    struct xeno x;
    uint32_t domid;
    struct core_frame *frame; /* [room] */
    uint64_t nr, room;
    uint64_t *table_mfns, nr_chunks; /* the table's 2 MiB pieces */
    uint64_t budget;                 /* bytes that may still be written */
    int fd;
};

/* ---- which frames ---- */

static int find_table(struct dump *d, uint64_t max_page)
{
    d->nr_chunks = (max_page + CHUNK_FRAMES - 1) / CHUNK_FRAMES;
    d->table_mfns = calloc(d->nr_chunks, sizeof(*d->table_mfns));
    return d->table_mfns ? (int)xeno_m2p_frames(&d->x, d->table_mfns, (uint32_t)d->nr_chunks)
                         : -ENOMEM;
}

/* The frames first … first+n-1 of the machine that are the domain's. pfns: the table's piece. */
static int take_owned(struct dump *d, uint64_t first, uint64_t n, const uint64_t *pfns)
{
    xen_pfn_t kind[ASKED];
    long rc;

    for (uint64_t i = 0; i < n; i++) {
        kind[i] = first + i;
    }
    rc = xeno_frame_kinds(&d->x, d->domid, kind, n);
    if (rc) {
        return (int)rc;
    }
    for (uint64_t i = 0; i < n; i++) {
        uint32_t k = (uint32_t)kind[i] & XEN_DOMCTL_PFINFO_LTAB_MASK;

        if (k == XEN_DOMCTL_PFINFO_XTAB || k == XEN_DOMCTL_PFINFO_BROKEN || d->nr == d->room) {
            continue;
        }
        d->frame[d->nr++] =
            (struct core_frame){.pfn = pfns[(first + i) % CHUNK_FRAMES], .mfn = first + i};
    }
    return 0;
}

static int find_frames(struct dump *d)
{
    long max_page = xeno_max_page(&d->x);
    int rc = max_page < 0 ? (int)max_page : find_table(d, (uint64_t)max_page);

    for (uint64_t c = 0; rc == 0 && c < d->nr_chunks; c++) {
        uint64_t mfns[CHUNK_PAGES], *pfns, end = MIN((c + 1) * CHUNK_FRAMES, (uint64_t)max_page);
        uint64_t nr = (end % CHUNK_FRAMES ? end % CHUNK_FRAMES : CHUNK_FRAMES) * sizeof(*pfns);

        nr = (nr + PAGE - 1) / PAGE; /* the last piece may be a short one */
        for (uint64_t i = 0; i < nr; i++) {
            mfns[i] = d->table_mfns[c] + i;
        }
        pfns = xeno_linux_map_readonly(d->l, DOMID_XEN, mfns, nr);
        if (!pfns) {
            return -EFAULT;
        }
        for (uint64_t at = c * CHUNK_FRAMES; rc == 0 && at < end; at += ASKED) {
            rc = take_owned(d, at, MIN((uint64_t)ASKED, end - at), pfns);
        }
        munmap(pfns, nr * PAGE);
    }
    return rc;
}

/* ---- writing ---- */

static int put(struct dump *d, uint64_t at, const void *data, size_t n)
{
    const char *from = data;

    if (n > d->budget) {
        return -ENOSPC;
    }
    d->budget -= n;
    while (n) {
        ssize_t done = pwrite(d->fd, from, n, (off_t)at);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return done < 0 ? -errno : -EIO;
        }
        from += done;
        at += (uint64_t)done;
        n -= (size_t)done;
    }
    return 0;
}

static bool is_zero(const uint64_t *page)
{
    uint64_t any = 0;

    for (size_t i = 0; i < PAGE / sizeof(*page); i++) {
        any |= page[i];
    }
    return any == 0;
}

static int put_window(struct dump *d, uint64_t at, uint64_t first, uint64_t n)
{
    uint64_t mfns[WINDOW];
    uint8_t *va;
    int rc = 0;

    for (uint64_t i = 0; i < n; i++) {
        mfns[i] = d->frame[first + i].mfn;
    }
    va = xeno_linux_map_readonly(d->l, d->domid, mfns, n);
    if (!va) {
        return -EFAULT;
    }
    for (uint64_t i = 0; rc == 0 && i < n; i++) {
        const uint8_t *page = va + i * PAGE;

        rc = is_zero((const uint64_t *)page) ? 0 : put(d, at + (first + i) * PAGE, page, PAGE);
    }
    munmap(va, n * PAGE);
    return rc;
}

/* A vCPU that has never been started has no context: zeros. */
static int put_contexts(struct dump *d, uint64_t at, uint32_t nr_vcpus)
{
    vcpu_guest_context_t *ctx = malloc(sizeof(*ctx));
    int rc = ctx ? 0 : -ENOMEM;

    for (uint32_t v = 0; rc == 0 && v < nr_vcpus; v++) {
        if (xeno_domain_get_context(&d->x, d->domid, v, ctx) == 0) {
            rc = put(d, at + v * sizeof(*ctx), ctx, sizeof(*ctx));
        }
    }
    free(ctx);
    return rc;
}

static int put_shared_info(struct dump *d, uint64_t at, uint64_t mfn)
{
    void *page = xeno_linux_map_readonly(d->l, d->domid, &mfn, 1);
    int rc = page ? put(d, at, page, PAGE) : -EFAULT;

    if (page) {
        munmap(page, PAGE);
    }
    return rc;
}

static void ask_version(struct xeno *x, struct core_version *v)
{
    long version = xeno_version(x, XENVER_version, NULL);

    memset(v, 0, sizeof(*v));
    v->major = (uint64_t)version >> 16;
    v->minor = (uint64_t)version & 0xffff;
    xeno_version(x, XENVER_extraversion, v->extra);
    xeno_version(x, XENVER_compile_info, &v->compile);
    xeno_version(x, XENVER_capabilities, v->capabilities);
    xeno_version(x, XENVER_changeset, v->changeset);
    xeno_version(x, XENVER_platform_parameters, &v->platform);
    v->page_size = PAGE;
}

static int put_all(struct dump *d, const struct xen_domctl_getdomaininfo *info)
{
    uint32_t nr_vcpus = info->max_vcpu_id + 1;
    uint8_t head[CORE_HEAD_MAX];
    struct core_version version;
    struct core_layout at;
    int rc;

    ask_version(&d->x, &version);
    core_file_head(&version, nr_vcpus, d->nr, head, &at);
    rc = ftruncate(d->fd, (off_t)at.end) ? -errno : put(d, 0, head, at.head_bytes);
    rc = rc ? rc : put_contexts(d, at.contexts, nr_vcpus);
    rc = rc ? rc : put_shared_info(d, at.shared_info, info->shared_info_frame);
    rc = rc ? rc : put(d, at.frames, d->frame, d->nr * sizeof(*d->frame));
    for (uint64_t i = 0; rc == 0 && i < d->nr; i += WINDOW) {
        rc = put_window(d, at.pages, i, MIN(d->nr - i, (uint64_t)WINDOW));
    }
    return rc;
}

/*
 * A file system that has no size of its own lies in memory: half of what is free, so that a guest's core, however often it
 * crashes, takes the control domain's memory from nobody. Others say themselves when they are full.
 */
static uint64_t room_for(int fd)
{
    struct statvfs v;
    struct sysinfo s;

    if (fstatvfs(fd, &v) || v.f_blocks || sysinfo(&s)) {
        return UINT64_MAX;
    }
    return (uint64_t)s.freeram * s.mem_unit / 2;
}

/* As xl has them, and as tools look for them. */
static int by_pfn(const void *a, const void *b)
{
    uint64_t x = ((const struct core_frame *)a)->pfn, y = ((const struct core_frame *)b)->pfn;

    return (x > y) - (x < y);
}

static int dump(struct dump *d, const char *path, struct xeno_error *err)
{
    struct xen_domctl_getdomaininfo info;
    int rc = (int)xeno_domain_info(&d->x, d->domid, &info);

    if (rc) {
        return xeno_fail(err, "domain %u: %s", d->domid, strerror(-rc));
    }
    if (info.flags & XEN_DOMINF_hvm_guest || info.max_vcpu_id >= MAX_VCPUS) {
        return xeno_fail(err, "domain %u: core files are those of paravirtualized domains", d->domid);
    }
    d->room = info.tot_pages;
    d->frame = malloc(d->room * sizeof(*d->frame));
    rc = d->frame ? find_frames(d) : -ENOMEM;
    if (rc) {
        return xeno_fail(err, "domain %u: its frames cannot be listed: %s", d->domid, strerror(-rc));
    }
    qsort(d->frame, d->nr, sizeof(*d->frame), by_pfn);
    d->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (d->fd < 0) {
        return xeno_fail(err, "%s: %s", path, strerror(errno));
    }
    d->budget = room_for(d->fd);
    rc = put_all(d, &info);
    if (close(d->fd) && rc == 0) {
        rc = -errno;
    }
    if (rc) {
        unlink(path);
        return rc == -EFAULT ? xeno_fail(err, "domain %u: its memory cannot be mapped: has it gone?", d->domid)
                             : xeno_fail(err, "%s: %s", path, strerror(-rc));
    }
    return 0;
}

int linux_dump_core(struct xeno_linux *l, uint32_t domid, const char *path, struct xeno_error *err)
{
    struct dump d = {.l = l, .x = {.t = &l->t}, .domid = domid, .fd = -1};
    int rc = dump(&d, path, err);

    free(d.frame);
    free(d.table_mfns);
    return rc;
}
