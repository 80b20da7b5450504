/* SPDX-License-Identifier: MIT */
/*
 * vcpu_op: bringing vCPUs up and down, their timers, and the places where a guest wants its vCPU's information. The vCPU is
 * named by number; timers can be set for the calling one only.
 */
#include <xen/vcpu.h>

#include "common/errno.h"
#include "event/event.h"
#include "hypercall/hypercall.h"
#include "mm/guest_copy.h"
#include "mm/hv_alloc.h"
#include "pv/pv.h"
#include "sched/sched.h"
#include "sched/vcpu_timer.h"
#include "x86/percpu.h"
#include "x86/time.h"

#define PERIOD_MIN_NS 1000000ul /* ABI: periods under 1 ms are refused */

static int64_t op_initialise(struct vcpu *v, gva_t arg)
{
    struct vcpu_guest_context *ctx = hv_alloc_pages(PV_CONTEXT_PAGES);
    uint8_t none = 0;
    int rc = ctx ? guest_read(ctx, arg, sizeof(*ctx)) : -ENOMEM;

    /* Whoever swaps 0 for 1 sets the context; the value is 2 once it is complete. */
    if (rc == 0 && !__atomic_compare_exchange_n(&v->initialised, &none, 1, false, __ATOMIC_ACQ_REL,
                                                __ATOMIC_ACQUIRE)) {
        rc = -EEXIST;
    } else if (rc == 0) {
        rc = pv_context_set(v, ctx);
        __atomic_store_n(&v->initialised, rc ? 0 : VCPU_INITIALISED, __ATOMIC_RELEASE);
    }
    hv_free_pages(ctx, PV_CONTEXT_PAGES);
    return rc == -ERESTART ? hc_continue_vcpu_op(VCPUOP_initialise, v->id, gva_raw(arg)) : rc;
}

static int64_t op_up(struct vcpu *v)
{
    if (__atomic_load_n(&v->initialised, __ATOMIC_ACQUIRE) != VCPU_INITIALISED) {
        return -EINVAL;
    }
    sched_wake(v, VPF_DOWN);
    return 0;
}

static int64_t op_get_runstate(const struct vcpu *v, gva_t arg)
{
    struct vcpu_runstate_info r;

    vcpu_runstate_get(v, &r);
    return guest_write(arg, &r, sizeof(r));
}

static int64_t op_register_runstate(struct vcpu *v, gva_t arg)
{
    struct vcpu_register_runstate_memory_area a;
    struct vcpu_runstate_info r;
    int rc = guest_read(&a, arg, sizeof(a));

    if (rc) {
        return rc;
    }
    if (!guest_range_ok(gva_make(a.addr.p), sizeof(r))) {
        return -EFAULT;
    }
    v->runstate_area = gva_make(a.addr.p);
    if (v == current_vcpu() && gva_raw(v->runstate_area)) {
        vcpu_runstate_get(v, &r);
        /* An address that is not mapped now may be later: the ABI lets it be registered. */
        (void)!guest_write(v->runstate_area, &r, sizeof(r));
    }
    return 0;
}

static int64_t op_register_time(struct vcpu *v, gva_t arg)
{
    struct vcpu_register_time_memory_area a;
    int rc = guest_read(&a, arg, sizeof(a));

    if (rc) {
        return rc;
    }
    if (!guest_range_ok(gva_make(a.addr.p), sizeof(struct vcpu_time_info))) {
        return -EFAULT;
    }
    v->time_area = gva_make(a.addr.p);
    if (v == current_vcpu()) {
        vcpu_time_update(v);
    }
    return 0;
}

static int64_t op_set_periodic(struct vcpu *v, gva_t arg)
{
    struct vcpu_set_periodic_timer t;
    int rc = guest_read(&t, arg, sizeof(t));

    if (rc) {
        return rc;
    }
    if (t.period_ns < PERIOD_MIN_NS || t.period_ns > INT64_MAX) {
        return -EINVAL;
    }
    vcpu_periodic_set(v, t.period_ns);
    return 0;
}

static int64_t op_set_singleshot(struct vcpu *v, gva_t arg)
{
    struct vcpu_set_singleshot_timer t;
    int rc = guest_read(&t, arg, sizeof(t));

    if (rc) {
        return rc;
    }
    if ((t.flags & VCPU_SSHOTTMR_future) && t.timeout_abs_ns < now_ns()) {
        return -ETIME;
    }
    vcpu_singleshot_set(v, t.timeout_abs_ns);
    return 0;
}

static int64_t op_register_info(struct vcpu *v, gva_t arg)
{
    struct vcpu_register_vcpu_info r;
    int rc = guest_read(&r, arg, sizeof(r));

    if (rc) {
        return rc;
    }
    rc = vcpu_info_register(v, mfn_make(r.mfn), r.offset);
    if (rc == 0) {
        vcpu_time_update(v);
    }
    return rc;
}

/* What works on the calling vCPU only: -EINVAL for another one. */
static int64_t own_timer_op(uint32_t cmd, struct vcpu *v, gva_t arg)
{
    if (v != current_vcpu()) {
        return -EINVAL;
    }
    switch (cmd) {
    case VCPUOP_set_periodic_timer:
        return op_set_periodic(v, arg);
    case VCPUOP_stop_periodic_timer:
        vcpu_periodic_stop(v);
        return 0;
    case VCPUOP_set_singleshot_timer:
        return op_set_singleshot(v, arg);
    default:
        vcpu_singleshot_stop(v);
        return 0;
    }
}

int64_t hc_vcpu_op(uint64_t cmd, uint64_t vcpu_id, uint64_t arg)
{
    const struct domain *d = current_domain();
    uint32_t id = (uint32_t)vcpu_id;
    struct vcpu *v = id < d->max_vcpus ? d->vcpu[id] : NULL;
    gva_t at = gva_make(arg);

    if (!v) {
        return -ENOENT;
    }
    switch ((uint32_t)cmd) {
    case VCPUOP_initialise:
        return op_initialise(v, at);
    case VCPUOP_up:
        return op_up(v);
    case VCPUOP_down:
        sched_sleep_nosync(v, VPF_DOWN);
        return 0;
    case VCPUOP_is_up:
        return !(__atomic_load_n(&v->pause_flags, __ATOMIC_ACQUIRE) & VPF_DOWN);
    case VCPUOP_get_runstate_info:
        return op_get_runstate(v, at);
    case VCPUOP_register_runstate_memory_area:
        return op_register_runstate(v, at);
    case VCPUOP_set_periodic_timer:
    case VCPUOP_stop_periodic_timer:
    case VCPUOP_set_singleshot_timer:
    case VCPUOP_stop_singleshot_timer:
        return own_timer_op((uint32_t)cmd, v, at);
    case VCPUOP_register_vcpu_info:
        return op_register_info(v, at);
    case VCPUOP_register_vcpu_time_memory_area:
        return op_register_time(v, at);
    default:
        return -ENOSYS;
    }
}
