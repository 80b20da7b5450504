/* SPDX-License-Identifier: MIT */
/*
 * A hypervisor in a process, as far as libxeno asks: domains, frames with owners, event channels, and a pin that walks the
 * tables itself. It refuses what a real one would, knows who maps what (frames that nobody maps are poisoned for ASan),
 * and can fail any single operation. What the code under test may never do aborts.
 */
#ifndef TESTS_UNIT_FAKE_HV_H
#define TESTS_UNIT_FAKE_HV_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/arch-x86/xen.h>
#include <xen/domctl.h>
#include <xen/xen.h>

#include "libxeno/transport.h"

#define FHV_FRAMES     24576u /* 96 MiB */
#define FHV_FIRST_MFN  0x200u
#define FHV_DOMAINS    32u
#define FHV_PORTS      16u
#define FHV_FILES      8u
#define FHV_OWN_DOMID  0u
#define FHV_WINDOW     256u
#define FHV_FREE       UINT32_MAX

struct fhv_port {
    bool used, bound;
    uint32_t remote;
    void (*fn)(void *arg); /* the control domain's handler, once bound */
    void *arg;
    unsigned int notified; /* how often the control domain has notified the guest */
};

struct fhv_domain {
    bool used, paused, context_set;
    uint32_t flags;             /* XEN_DOMINF_*: what a test sets (shutdown and its reason) */
    uint32_t max_vcpus, vcpus, weight, cap;
    uint64_t max_pages, tot_pages;
    uint64_t affinity;          /* of the last vCPU that it was set for */
    uint32_t pinned_vcpus;      /* how many it was set for */
    uint64_t shared_mfn, grant_mfn, l4_mfn, hypercall_mfn;
    uint8_t handle[16];
    struct fhv_port port[FHV_PORTS];
    vcpu_guest_context_t context;
};

struct fhv_file {
    const char *path;
    const void *data;
    size_t size;
    int open;
};

/* Several frames mapped side by side: a copy, written back when it is unmapped. */
struct fhv_window {
    uint8_t *copy;
    size_t nr;
    uint64_t mfn[FHV_WINDOW];
};

struct fhv {
    struct xeno_transport t;
    uint8_t *memory;
    struct {
        uint32_t owner;         /* FHV_FREE */
        uint32_t mapped;
        uint64_t pfn;           /* machine-to-physical */
    } frame[FHV_FRAMES];
    struct fhv_domain domain[FHV_DOMAINS];
    uint32_t next_domid;
    struct fhv_file file[FHV_FILES];
    struct fhv_window window[4];
    unsigned int mappings, bindings, locks;
    uint64_t ops;               /* operations so far that can fail: all but undoing */
    uint64_t fail_at;           /* the one that fails, counted from 1; 0: none */
    uint64_t top;               /* no frame at or above is free */
    uint64_t outstanding;       /* pages that physinfo says are claimed */
    bool dirty;                 /* a domain's frames come as they are, not zeroed, as Xen's may */
    bool no_superpages;
    uint64_t chunk;             /* populate gives at most so many extents at a time; 0: all */
    unsigned int restarts;      /* destroy answers -ERESTART so often first */
    long destroy_fails;         /* what destroy answers, 0: it works */
};

void fhv_init(struct fhv *f);
void fhv_free(struct fhv *f);
void fhv_add_file(struct fhv *f, const char *path, const void *data, size_t size);

uint64_t fhv_free_pages(const struct fhv *f);
/* Nothing of any domain is left: frames, mappings, bindings, open files, locks. */
bool fhv_is_clean(const struct fhv *f);

/* The guest's eyes: n bytes at va through the tables of vCPU 0; false where nothing is mapped. */
bool fhv_guest_read(const struct fhv *f, uint32_t domid, uint64_t va, void *buf, size_t n);
bool fhv_guest_write(struct fhv *f, uint32_t domid, uint64_t va, const void *buf, size_t n);
/* The frame behind va and whether it is writable; MFN_INVALID_RAW if not mapped. */
uint64_t fhv_guest_mfn(const struct fhv *f, uint32_t domid, uint64_t va, bool *writable);
/* A frame's content whoever owns it, into buf of a page; and back. */
void fhv_frame_read(const struct fhv *f, uint64_t mfn, void *buf);
void fhv_frame_write(struct fhv *f, uint64_t mfn, const void *buf);

/* The guest notifies the control domain. */
void fhv_guest_notify(struct fhv *f, uint32_t domid, uint32_t port);
/* The domain ends by itself, with a SHUTDOWN_* reason. */
void fhv_guest_ends(struct fhv *f, uint32_t domid, unsigned int reason);

/* ---- between its own two files ---- */
/* What no caller may do, whatever the guest does. */
void fhv_never(bool broken, const char *what);
/* Counts an operation: is it the one that shall fail? */
bool fhv_fails(struct fhv *f);
/* The index of a frame number; FHV_FRAMES if there is none. */
uint64_t fhv_index(uint64_t mfn);
bool fhv_owns(const struct fhv *f, uint32_t domid, uint64_t mfn);
/* The index of a new frame, or the first of 512; FHV_FRAMES if there is none. */
uint64_t fhv_single_frame(struct fhv *f, uint32_t domid);
uint64_t fhv_super_frame(struct fhv *f, uint32_t domid);
/* Validate a tree of tables as the real one does: 0 or -EINVAL. */
long fhv_pin(struct fhv *f, uint32_t domid, uint64_t mfn);
long fhv_hypercall(void *ctx, unsigned int nr, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4);

#endif
