/* SPDX-License-Identifier: MIT */
/*
 * A domain's configuration out of xl.cfg pairs: a table of keys with type, place, range. Keys that xl knows and this tool
 * has no use for are accepted in silence; others are warned about with the nearest known key.
 */
#ifndef LIBXENO_CFG_DOMAIN_CFG_H
#define LIBXENO_CFG_DOMAIN_CFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libxeno/cfg/cfg.h"
#include "libxeno/cfg/disk_cfg.h"
#include "libxeno/cfg/vif_cfg.h"

#define DOMAIN_NAME_MAX 64

/* In the order of their names in domain_action_text(). */
enum domain_action {
    ACTION_DESTROY,
    ACTION_PRESERVE,
    ACTION_RESTART,
    ACTION_RENAME_RESTART,
    ACTION_COREDUMP_DESTROY,
    ACTION_COREDUMP_RESTART,
    NR_ACTIONS
};

/* 0: not said, the hypervisor's default. */
struct domain_limits {
    int64_t event_channels, grant_frames, maptrack_frames;
};

struct domain_cfg {
    char name[DOMAIN_NAME_MAX];
    char kernel[256], ramdisk[256];
    char cmdline[1024]; /* cmdline=, or root= and extra= */
    char root[128], extra[1024];
    char uuid[40];
    char cpus[128];
    char type[8], engine[8]; /* "pv" or "full"; of the latter: "svm", "trap" */
    int64_t scan; /* trap: code is scanned before it runs; -1: not said, which is 1 */
    struct domain_disk disk[DOMAIN_DISKS];
    struct domain_vif vif[DOMAIN_VIFS];
    uint32_t nr_vifs;
    int64_t memory_mib, maxmem_mib, vcpus, maxvcpus, cpu_weight, cap;
    struct domain_limits limits;
    enum domain_action on_poweroff, on_reboot, on_crash;
    uint64_t affinity;  /* out of cpus=: a mask, 0: all */
    uint8_t uuid_bytes[16];
    uint32_t domid;     /* no key sets it; 0: the next free one */
};

/* warn(ctx, line) is called for each warning. 0, or -1 with one line in err. */
int domain_cfg_read(struct cfg *c, struct domain_cfg *out, void (*warn)(void *ctx, const char *line), void *ctx, char *err,
                    size_t err_size);

const char *domain_action_text(enum domain_action a);

/* "0-3,5,^1" or "all" (mask 0) as a mask of CPUs 0 to 63. 0 or -1. */
int domain_cpus_parse(const char *s, uint64_t *mask);

/* Is this fit to be a name? 0, or -1 with the reason. */
int domain_name_check(const char *name, char *err, size_t err_size);

/* The configuration as text that domain_cfg_read() reads back: bytes it takes, as snprintf() counts. */
int domain_cfg_write(const struct domain_cfg *d, char *buf, size_t size);

#endif
