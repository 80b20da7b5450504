/* SPDX-License-Identifier: MIT */
/*
 * Building one domain. On failure nothing is left: no domain, no frame, no mapping; err says why in one line.
 */
#ifndef LIBXENO_BUILD_H
#define LIBXENO_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libxeno/xeno.h"

struct domain_limits;

struct xeno_build_config {
    const char *name;          /* for messages */
    const char *kernel_name;   /* what the operator called the image */
    const void *kernel;
    size_t kernel_size;
    const void *ramdisk;       /* NULL: none */
    size_t ramdisk_size;
    const char *cmdline;
    uint64_t memory_mib;
    uint64_t max_memory_mib;   /* how far it may be let grow; less than memory_mib: not at all */
    uint32_t vcpus;
    uint32_t domid;            /* 0 for the control domain (boot domain only), DOMID_INVALID: any */
    bool control;              /* domid 0: start_info says so */
    const struct dom0_vga_console_info *screen; /* what it inherits; NULL: none */
    uint32_t weight, cap;      /* 0 weight: default */
    uint64_t affinity;         /* CPU mask, 0: all */
    const struct domain_limits *limits; /* NULL: the defaults (libxeno/cfg/domain_cfg.h) */
    uint8_t uuid[16];
    bool start_paused;         /* leave it paused */
    const char *engine;        /* NULL: paravirtualized; else what runs a fully virtualized one: "svm", "trap" */
    bool no_scan;              /* trap: code is not scanned before it runs */
};

struct xeno_built {
    uint32_t domid;
    uint32_t console_port, store_port; /* the domain's ends */
    uint64_t console_mfn, store_mfn;
};

/* What the operator sets a domain's memory by: in a configuration file, or on the command line of the boot. */
static inline const char *xeno_build_memory_key(const struct xeno_build_config *cfg)
{
    return cfg->control ? "dom0-memory" : "memory=";
}

/* The steps that all kinds share: is there memory for it, and does it come zeroed; a domain with its vCPUs, placement and limits. 0 or -1. */
int xeno_build_check_memory(struct xeno *x, const struct xeno_build_config *cfg, bool *zeroed, struct xeno_error *err);
int xeno_build_create(struct xeno *x, const struct xeno_build_config *cfg, struct xen_domctl_createdomain *c, uint64_t most_pages,
                      uint32_t *domid, struct xeno_error *err);

/* A fully virtualized domain (cfg->engine). 0 or -1. */
int xeno_build_full(struct xeno *x, const struct xeno_build_config *cfg, struct xeno_built *out, struct xeno_error *err);

/* A PV domain. 0 or -1. */
int xeno_build(struct xeno *x, const struct xeno_build_config *cfg, struct xeno_built *out, struct xeno_error *err);

#endif
