/* SPDX-License-Identifier: MIT */
/*
 * Control operations on a domain as a whole: create, destroy, pause, information, small settings.
 */
#include "common/errno.h"
#include "common/string.h"
#include "debug/console.h"
#include "domain/privilege.h"
#include "full/full.h"
#include "hypercall/domctl.h"
#include "sched/sched.h"
#include "x86/cpu.h"
#include "x86/percpu.h"
#include "x86/time.h"

#define TSC_MODE_NATIVE 2 /* never emulated: what every domain has here */

/* Flags that a domain may be created with; the rest is for kinds of domains that are not there. */
#define CDF_PV_OK   (XEN_DOMCTL_CDF_xs_domain)
#define CDF_FULL_OK (CDF_PV_OK | XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap | XENOLITH_CDF_NO_SCAN)
/* Devices that every fully virtualized domain has in the hypervisor; others are asked for in vain. */
#define EMULATED    (XEN_X86_EMU_LAPIC | XEN_X86_EMU_PIC | XEN_X86_EMU_PIT)

static int kind_check(const struct xen_domctl_createdomain *c)
{
    bool full = c->flags & XEN_DOMCTL_CDF_hvm;

    if (c->flags & ~(full ? CDF_FULL_OK : CDF_PV_OK) || c->iommu_opts || c->vmtrace_size ||
        (full && c->arch.emulation_flags != EMULATED)) {
        return -EINVAL;
    }
    return full && !full_engine_for(c->flags) ? -EOPNOTSUPP : 0;
}

int64_t domctl_createdomain(struct domain *unused, struct xen_domctl *op)
{
    const struct xen_domctl_createdomain *c = &op->u.createdomain;
    struct domain *by = current_domain(), *d;
    struct domain_config cfg = {.id = op->domain,
                                .max_vcpus = c->max_vcpus,
                                .max_evtchn_port = c->max_evtchn_port,
                                .max_grant_frames = (uint32_t)c->max_grant_frames,
                                .max_maptrack_frames = (uint32_t)c->max_maptrack_frames,
                                .flags = c->flags,
                                .ssidref = c->ssidref};
    int rc;

    (void)unused;
    rc = kind_check(c);
    if (rc) {
        return rc;
    }
    /* Domain 0 is the control and hardware domain that the boot domain hands the machine to. */
    if (cfg.id == 0) {
        if (!by->boot || c->flags & XEN_DOMCTL_CDF_hvm) {
            return -EPERM;
        }
        cfg.control = cfg.hardware = true;
    } else if (cfg.id >= DOMAIN_BOOT_ID) {
        cfg.id = DOMID_INVALID;
    }
    memcpy(cfg.handle, c->handle, sizeof(cfg.handle));
    rc = domain_create(&cfg, &d);
    if (rc == 0) {
        op->domain = d->id;
    }
    return rc;
}

int64_t domctl_destroydomain(struct domain *d, struct xen_domctl *op)
{
    (void)op;
    return domain_kill(d);
}

int64_t domctl_pausedomain(struct domain *d, struct xen_domctl *op)
{
    (void)op;
    if (d->life >= DOMAIN_DYING) {
        return -EINVAL;
    }
    __atomic_fetch_add(&d->controller_paused, 1, __ATOMIC_SEQ_CST);
    domain_pause(d);
    return 0;
}

int64_t domctl_unpausedomain(struct domain *d, struct xen_domctl *op)
{
    enum domain_life building = DOMAIN_BUILDING;
    uint32_t n = __atomic_load_n(&d->controller_paused, __ATOMIC_SEQ_CST);

    (void)op;
    do {
        if (n == 0 || d->life >= DOMAIN_DYING) {
            return -EINVAL;
        }
    } while (!__atomic_compare_exchange_n(&d->controller_paused, &n, n - 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    if (__atomic_compare_exchange_n(&d->life, &building, DOMAIN_RUNNING, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        domain_wallclock_update(d);
    }
    domain_unpause(d);
    return 0;
}

/* blocked: all vCPUs that are up wait; running: one of them is on a CPU. */
static uint32_t activity_flags(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    uint32_t flags = XEN_DOMINF_blocked;
    struct vcpu *v;
    unsigned int i;

    for_each_vcpu(d, v, i) {
        uint32_t pf = __atomic_load_n(&v->pause_flags, __ATOMIC_ACQUIRE);

        info->max_vcpu_id = i;
        info->cpu_time += vcpu_cpu_time_ns(v);
        if (pf & VPF_DOWN) {
            continue;
        }
        info->nr_online_vcpus++;
        if (!(pf & (VPF_BLOCKED | VPF_POLLING))) {
            flags &= ~XEN_DOMINF_blocked;
        }
        if (v->running) {
            flags |= XEN_DOMINF_running;
        }
    }
    return flags;
}

void domain_info_fill(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    memset(info, 0, sizeof(*info));
    info->domain = d->id;
    info->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
    info->flags = activity_flags(d, info);
    info->flags |= d->life >= DOMAIN_DYING ? XEN_DOMINF_dying : 0;
    info->flags |= d->life == DOMAIN_SHUTDOWN ? XEN_DOMINF_shutdown | (uint32_t)d->shutdown_code << XEN_DOMINF_shutdownshift : 0;
    info->flags |= d->controller_paused ? XEN_DOMINF_paused : 0;
    info->flags |= d->debugger_attached ? XEN_DOMINF_debugged : 0;
    info->flags |= d->create_flags & XEN_DOMCTL_CDF_xs_domain ? XEN_DOMINF_xs_domain : 0;
    info->flags |= d->full ? XEN_DOMINF_hvm_guest : 0;
    info->flags |= d->create_flags & XEN_DOMCTL_CDF_hap ? XEN_DOMINF_hap : 0;
    info->tot_pages = d->mm.tot_pages;
    info->max_pages = d->mm.max_pages;
    info->outstanding_pages = d->mm.outstanding_pages;
    info->shared_info_frame = mfn_raw(d->shared_info_mfn);
    info->ssidref = d->ssidref;
    memcpy(info->handle, d->handle, sizeof(info->handle));
    info->gpaddr_bits = cpu_features.phys_bits;
}

/* The domain named, or the next one above it: libxc walks the list with it. */
int64_t domctl_getdomaininfo(struct domain *unused, struct xen_domctl *op)
{
    domid_t id = op->domain == DOMID_SELF ? current_domain()->id : op->domain;
    struct domain *d = domain_next(id);

    (void)unused;
    if (!d) {
        return -ESRCH;
    }
    domain_info_fill(d, &op->u.getdomaininfo);
    op->domain = d->id;
    domain_put(d);
    return 0;
}

int64_t domctl_resumedomain(struct domain *d, struct xen_domctl *op)
{
    (void)op;
    domain_resume(d);
    return 0;
}

int64_t domctl_setdomainhandle(struct domain *d, struct xen_domctl *op)
{
    memcpy(d->handle, op->u.setdomainhandle.handle, sizeof(d->handle));
    return 0;
}

int64_t domctl_setdebugging(struct domain *d, struct xen_domctl *op)
{
    d->debugger_attached = op->u.setdebugging.enable;
    return 0;
}

int64_t domctl_settimeoffset(struct domain *d, struct xen_domctl *op)
{
    d->time_offset_s = op->u.settimeoffset.time_offset_seconds;
    domain_wallclock_update(d);
    return 0;
}

/* Only 64-bit domains exist. */
int64_t domctl_set_address_size(struct domain *d, struct xen_domctl *op)
{
    (void)d;
    return op->u.address_size.size == 64 ? 0 : -EINVAL;
}

int64_t domctl_get_address_size(struct domain *d, struct xen_domctl *op)
{
    (void)d;
    op->u.address_size.size = 64;
    return 0;
}

/* The TSC is never emulated, so the modes that allow that are accepted and "always emulate" is not. */
int64_t domctl_settscinfo(struct domain *d, struct xen_domctl *op)
{
    (void)d;
    return op->u.tsc_info.tsc_mode == 0 || op->u.tsc_info.tsc_mode == TSC_MODE_NATIVE ? 0 : -EOPNOTSUPP;
}

int64_t domctl_gettscinfo(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_tsc_info *t = &op->u.tsc_info;

    memset(t, 0, sizeof(*t));
    t->tsc_mode = TSC_MODE_NATIVE;
    t->gtsc_khz = (uint32_t)tsc_khz;
    t->elapsed_nsec = now_ns() - d->created_ns;
    return 0;
}
