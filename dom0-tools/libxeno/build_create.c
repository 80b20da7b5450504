/* SPDX-License-Identifier: MIT */
/*
 * What every kind of domain is made with: id, vCPUs, placement, limits, share. On failure nothing is left.
 */
#include "common/compiler.h"
#include "common/errno.h"
#include "common/format.h"
#include "common/string.h"
#include "libxeno/build.h"
#include "libxeno/cfg/domain_cfg.h"

#define EVTCHN_PORTS_MAX 1023 /* as xl's default for max_event_channels */
#define MIB_PAGES        256u
#define DEFAULT_WEIGHT   256u
#define CONTROL_LEAST    128u /* MiB that a control domain is not advised to go below */

static int fail(const struct xeno_build_config *cfg, struct xeno_error *err, const char *what,
                long rc)
{
    return xeno_fail(err, "%s: cannot %s: %s", cfg->name, what, xeno_errno_text(rc));
}

int xeno_build_check_memory(struct xeno *x, const struct xeno_build_config *cfg, bool *zeroed,
                            struct xeno_error *err)
{
    struct xen_sysctl_physinfo phys;
    struct xen_domctl_getdomaininfo own;
    long rc = xeno_physinfo(x, &phys);
    uint64_t free_mib, own_mib, missing;
    char try[48] = "";

    if (rc) {
        return fail(cfg, err, "read the machine's free memory", rc);
    }
    *zeroed = phys.capabilities & XENOLITH_PHYSCAP_ZEROED;
    free_mib = (phys.free_pages - MIN(phys.free_pages, phys.outstanding_pages)) / MIB_PAGES;
    if (cfg->memory_mib <= free_mib) {
        return 0;
    }
    if (cfg->control) {
        return xeno_fail(err, "%s: needs %lu MiB, %lu MiB of the machine are free: lower %s",
                         cfg->name, cfg->memory_mib, free_mib, xeno_build_memory_key(cfg));
    }
    if (xeno_domain_info(x, x->t->own_domid, &own)) {
        own.tot_pages = 0;
    }
    own_mib = own.tot_pages / MIB_PAGES;
    missing = cfg->memory_mib - free_mib;
    if (x->t->gives_memory && own_mib >= missing + CONTROL_LEAST) {
        format(try, sizeof(try), "try 'xeno mem-set %u %lu', ", x->t->own_domid, own_mib - missing);
    }
    return xeno_fail(
        err,
        "%s: needs %lu MiB, %lu MiB are free (the control domain has %lu MiB): %sdestroy a domain or lower memory=",
        cfg->name, cfg->memory_mib, free_mib, own_mib, try);
}

static int set_up(struct xeno *x, const struct xeno_build_config *cfg, uint64_t most_pages,
                  uint32_t domid, struct xeno_error *err)
{
    long rc = xeno_domain_max_vcpus(x, domid, cfg->vcpus);

    if (rc) {
        return fail(cfg, err, "create its vCPUs", rc);
    }
    for (uint32_t i = 0; cfg->affinity && i < cfg->vcpus; i++) {
        rc = xeno_vcpu_set_affinity(x, domid, i, cfg->affinity);
        if (rc) {
            return rc == -EINVAL
                       ? xeno_fail(err, "%s: cpus= names no CPU of this machine", cfg->name)
                       : fail(cfg, err, "pin its vCPUs", rc);
        }
    }
    rc = xeno_domain_max_mem(x, domid, most_pages * 4);
    if (rc) {
        return fail(cfg, err, "set its memory limit", rc);
    }
    if (cfg->weight || cfg->cap) {
        rc = xeno_domain_set_sched(x, domid, cfg->weight ? cfg->weight : DEFAULT_WEIGHT, cfg->cap);
    }
    if (rc == -EINVAL) {
        return xeno_fail(
            err, "%s: cpu_weight (1-65535) or cap (percent, at most 100 a vCPU) out of range",
            cfg->name);
    }
    return rc ? fail(cfg, err, "set its share of the CPUs", rc) : 0;
}

static int32_t or_default(int64_t limit, int32_t def)
{
    return limit ? (int32_t)limit : def;
}

int xeno_build_create(struct xeno *x, const struct xeno_build_config *cfg,
                      struct xen_domctl_createdomain *c, uint64_t most_pages, uint32_t *domid,
                      struct xeno_error *err)
{
    static const struct domain_limits none;
    const struct domain_limits *l = cfg->limits ? cfg->limits : &none;
    long rc;

    c->max_vcpus = cfg->vcpus;
    c->max_evtchn_port = (uint32_t)or_default(l->event_channels, EVTCHN_PORTS_MAX);
    c->max_grant_frames = or_default(l->grant_frames, -1);
    c->max_maptrack_frames = or_default(l->maptrack_frames, -1);
    memcpy(c->handle, cfg->uuid, sizeof(c->handle));
    *domid = cfg->domid;
    rc = xeno_domain_create(x, domid, c);
    if (rc == -EOPNOTSUPP && c->flags & XEN_DOMCTL_CDF_hvm) {
        return xeno_fail(err,
                         "%s: engine=\"%s\": this machine cannot run it: it needs a CPU with %s",
                         cfg->name, cfg->engine,
                         strcmp(cfg->engine, "svm") == 0 ? "SVM and nested paging"
                                                         : "SYSCALL and no-execute pages");
    }
    if (rc) {
        return fail(cfg, err, "create the domain", rc);
    }
    rc = set_up(x, cfg, most_pages, *domid, err);
    if (rc) {
        xeno_domain_destroy(x, *domid);
    }
    return (int)rc;
}
