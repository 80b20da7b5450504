/* SPDX-License-Identifier: MIT */
/*
 * Which domains are to be made at boot: a flattened device tree in the form of hyperlaunch (/chosen/hypervisor) or of
 * dom0less (/chosen children), read into one array. Pure but for one copy of the tree, which the result points into.
 * The tree is hostile: it is checked whole before it is read; domains, warnings and sizes are bounded.
 */
#ifndef LIBXENO_LAUNCH_H
#define LIBXENO_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libxeno/xeno.h"

#define LAUNCH_MAX_DOMAINS  64u
#define LAUNCH_MAX_BYTES    (1u << 20)
#define LAUNCH_MAX_WARNINGS 64u
#define LAUNCH_NAME_MAX     64u
#define LAUNCH_DOMID_ANY    UINT32_MAX

/* Bits of `capabilities`, as dom0less numbers them. */
#define LAUNCH_CONTROL  (1u << 0)
#define LAUNCH_HARDWARE (1u << 1)
#define LAUNCH_XENSTORE (1u << 2)

/* Either name, or (name NULL) index, counted from 1: the first module behind the boot domain. index 0: no module. */
struct launch_module {
    const char *name;
    uint32_t index;
};

struct launch_domain {
    char name[LAUNCH_NAME_MAX];
    uint32_t domid;            /* LAUNCH_DOMID_ANY: the next free one; 0 if and only if it has LAUNCH_CONTROL */
    struct launch_module kernel, ramdisk;
    const char *cmdline;       /* NULL: none is given here, the kernel module's own arguments hold */
    uint64_t memory_mib;
    uint32_t cpus;
    uint32_t capabilities;
    bool console;              /* hyperlaunch: it is to have the machine's console */
    bool has_uuid;
    uint8_t uuid[16];
};

struct launch {
    struct launch_domain domain[LAUNCH_MAX_DOMAINS];
    unsigned int nr;           /* 1 or more */
    void *tree;
};

/*
 * Read a tree of `size` bytes; it may lie at any alignment and is not needed afterwards. 0, or -1 with one line
 * "/node/path: property: what, what to do" in err and nothing to free. warn(ctx, line) is called for what is ignored.
 */
int launch_parse(struct launch *out, const void *tree, size_t size, void (*warn)(void *ctx, const char *line), void *ctx,
                 struct xeno_error *err);
void launch_free(struct launch *l);

#endif
