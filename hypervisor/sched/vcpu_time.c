/* SPDX-License-Identifier: MIT */
/*
 * The books of time that a guest sees: vcpu_time_info with its version protocol, wall clock, runstate. Guest memory is
 * only written; areas registered by guest address are written while that guest's address space is loaded and may fault.
 */
#include "common/compiler.h"
#include "mm/guest_copy.h"
#include "sched/sched.h"
#include "sched/sched_private.h"
#include "x86/cpu.h"
#include "x86/percpu.h"
#include "x86/time.h"

/* Odd version: being written. The guest retries until it reads the same even version before and after. */
static void write_time(struct vcpu_time_info *t, const struct vcpu_time_info *src, uint32_t version)
{
    WRITE_ONCE(t->version, version | 1);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    t->tsc_timestamp = src->tsc_timestamp;
    t->system_time = src->system_time;
    t->tsc_to_system_mul = src->tsc_to_system_mul;
    t->tsc_shift = src->tsc_shift;
    t->flags = src->flags;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    WRITE_ONCE(t->version, (version | 1) + 1);
}

void vcpu_time_update(struct vcpu *v)
{
    uint64_t tsc = rdtsc();
    struct vcpu_time_info t = {.tsc_timestamp = tsc,
                               .system_time = ns_of_tsc(tsc),
                               .tsc_to_system_mul = tsc_scale.mul_frac,
                               .tsc_shift = tsc_scale.shift};

    v->time_version += 2;
    write_time(&v->info->time, &t, v->time_version);
    if (gva_raw(v->time_area) && v->guest_kernel) {
        t.version = v->time_version + 2;
        if (guest_write(v->time_area, &t, sizeof(t))) {
            v->time_area = gva_make(0); /* it was mapped when it was registered: the guest has taken it away */
        }
    }
}

void domain_wallclock_update(struct domain *d)
{
    struct shared_info *s = d->shared_info;
    uint64_t ns = wallclock_boot_ns() + (uint64_t)(d->time_offset_s * 1000000000l);
    uint32_t version = READ_ONCE(s->wc_version);

    WRITE_ONCE(s->wc_version, version | 1);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    s->wc_sec = (uint32_t)(ns / 1000000000u);
    s->wc_sec_hi = (uint32_t)(ns / 1000000000u >> 32);
    s->wc_nsec = (uint32_t)(ns % 1000000000u);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    WRITE_ONCE(s->wc_version, (version | 1) + 1);
}

void runstate_change(struct vcpu *v, int state, uint64_t now)
{
    struct vcpu_runstate_info *r = &v->runstate;

    if (r->state != state) {
        r->time[r->state] += now - r->state_entry_time;
        r->state = state;
        r->state_entry_time = now;
    }
}

/* With VMASST_TYPE_runstate_update_flag the top bit of the entry time marks an update under way. */
#define UPDATE_FLAG (1ul << 63)

void runstate_area_update(struct vcpu *v)
{
    struct vcpu_runstate_info r = v->runstate;
    bool flag = v->domain->vm_assist & (1ul << VMASST_TYPE_runstate_update_flag);

    if (!gva_raw(v->runstate_area) || !v->guest_kernel) {
        return; /* in user mode the kernel's areas need not be mapped: the next switch in kernel mode writes them */
    }
    if (flag) {
        r.state_entry_time |= UPDATE_FLAG;
        if (guest_write_field(v->runstate_area, struct vcpu_runstate_info, state_entry_time, r.state_entry_time)) {
            return;
        }
    }
    if (guest_write(v->runstate_area, &r, sizeof(r))) {
        return;
    }
    if (flag) {
        r.state_entry_time &= ~UPDATE_FLAG;
        if (guest_write_field(v->runstate_area, struct vcpu_runstate_info, state_entry_time, r.state_entry_time)) {
            return;
        }
    }
}

void vcpu_runstate_get(const struct vcpu *v, struct vcpu_runstate_info *out)
{
    *out = v->runstate;
    out->time[out->state] += now_ns() - out->state_entry_time;
}

uint64_t vcpu_cpu_time_ns(const struct vcpu *v)
{
    struct vcpu_runstate_info r;

    vcpu_runstate_get(v, &r);
    return r.time[RUNSTATE_running];
}
