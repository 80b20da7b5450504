/* SPDX-License-Identifier: MIT */
/*
 * vCPUs: created down, with the units' parts; destroyed with their domain only. The structure is freed with the domain's last
 * reference, because others may still look at d->vcpu[i].
 */
#include "domain/vcpu.h"

#include <stddef.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "debug/trace.h"
#include "domain/domain.h"
#include "domain/table.h"
#include "mm/hv_alloc.h"
#include "x86/fpu.h"
#include "x86/percpu.h"

/* Where the info of a vCPU beyond the shared page's 32 points until the guest registers a place: nobody reads it. */
static struct vcpu_info nowhere;

static void units_kill(struct vcpu *v, const struct domain_unit *const *end)
{
    while (end-- > __domain_units_start) {
        if ((*end)->vcpu_kill) {
            (*end)->vcpu_kill(v);
        }
    }
}

int vcpu_create(struct domain *d, unsigned int id)
{
    const struct domain_unit *const *u;
    struct vcpu *v;
    int rc = 0;

    if (id >= d->max_vcpus) {
        return -EINVAL;
    }
    if (d->vcpu[id]) {
        return -EEXIST;
    }
    v = hv_alloc(sizeof(*v));
    if (!v) {
        return -ENOMEM;
    }
    v->domain = d;
    v->id = (uint16_t)id;
    v->info = id < XEN_LEGACY_MAX_VCPUS ? &d->shared_info->vcpu_info[id] : &nowhere;
    v->info_frame = MFN_INVALID;
    v->pause_flags = VPF_DOWN | (d->pause_count ? VPF_PAUSED : 0);
    v->affinity_hard = v->affinity_soft = ~0ul;
    v->counters = hv_alloc(sizeof(*v->counters));
    v->fpu = hv_alloc(fpu_area_size());
    if (!v->counters || !v->fpu) {
        vcpu_free(v);
        return -ENOMEM;
    }
    v->counters->domain = d->id;
    v->counters->vcpu = (uint16_t)id;
    fpu_area_reset(v->fpu);
    for (u = __domain_units_start; u < __domain_units_end; u++) {
        rc = (*u)->vcpu_init ? (*u)->vcpu_init(v) : 0;
        if (rc) {
            units_kill(v, u);
            vcpu_free(v);
            return rc;
        }
    }
    __atomic_store_n(&d->vcpu[id], v, __ATOMIC_RELEASE);
    return 0;
}

void vcpu_destroy(struct vcpu *v)
{
    if (!v->ended) {
        v->ended = true;
        units_kill(v, __domain_units_end);
    }
}

void vcpu_free(struct vcpu *v)
{
    if (v) {
        hv_free(v->fpu);
        hv_free(v->counters);
        hv_free(v);
    }
}

void vcpu_mark(struct vcpu *v, uint32_t value)
{
    uint8_t traced = v->counters->traced;
    struct vcpu *other;
    unsigned int i;

    if (!traced) {
        return;
    }
    trace_write(v->counters, XENOLITH_TRACE_MARK, 0, value);
    traced |= traced & XENOLITH_TRACE_ARMED ? XENOLITH_TRACE_CROSSINGS : 0;
    for_each_vcpu (v->domain, other, i) {
        trace_counters(other->counters);
        WRITE_ONCE(other->counters->traced, value == XENOLITH_MARK_STOP ? 0 : traced);
    }
}
