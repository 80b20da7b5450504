/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls: the raw call, the recording call, and one typed wrapper a hypercall. A wrapper returns what the hypervisor
 * returned: 0 or more, or -errno. The last failure of each kind of call is remembered for the crash report.
 */
#ifndef PVK_PV_HYPERCALL_H
#define PVK_PV_HYPERCALL_H

#include <stdint.h>

#include <xen/xen.h>

#include <xen/callback.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#include "common/typed_int.h"

extern char hypercall_page[];

/*
 * The bare call: number nr, arguments in rdi rsi rdx r10 r8, result in rax. The argument registers may come back changed.
 * Nothing is recorded: for measurements, and for callers that expect failure.
 */
static inline long hypercall_raw(unsigned nr, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                                 uint64_t a5)
{
    register uint64_t r10 __asm__("r10") = a4;
    register uint64_t r8 __asm__("r8") = a5;
    long rc = (long)(uintptr_t)hypercall_page + (long)nr * 32;

    __asm__ volatile("call *%[rc]"
                     : [rc] "+a"(rc), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8)
                     :
                     : "memory", "cc");
    return rc;
}

/* The same out of line; a result from -4095 to -1 is recorded together with the arguments and the caller. */
long hypercall(unsigned nr, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5);

/* The record of the last hypercall that failed; nr is -1 before the first failure. */
struct hypercall_failure {
    int nr;
    long rc;
    uint64_t args[5];
    uint64_t caller;
    uint64_t count; /* failures so far */
};
extern struct hypercall_failure hypercall_last_failure;

/* Name of a hypercall number; "?" if it has none. */
const char *hypercall_name(unsigned nr);

#define HC_ARG(x) ((uint64_t)(uintptr_t)(x))

static inline long hc_set_trap_table(const struct trap_info *table)
{
    return hypercall(__HYPERVISOR_set_trap_table, HC_ARG(table), 0, 0, 0, 0);
}

static inline long hc_mmu_update(const struct mmu_update *reqs, unsigned count, unsigned *done,
                                 unsigned domid)
{
    return hypercall(__HYPERVISOR_mmu_update, HC_ARG(reqs), count, HC_ARG(done), domid, 0);
}

static inline long hc_mmuext_op(const struct mmuext_op *ops, unsigned count, unsigned *done,
                                unsigned domid)
{
    return hypercall(__HYPERVISOR_mmuext_op, HC_ARG(ops), count, HC_ARG(done), domid, 0);
}

static inline long hc_update_va_mapping(const void *va, uint64_t pte, unsigned flags)
{
    return hypercall(__HYPERVISOR_update_va_mapping, HC_ARG(va), pte, flags, 0, 0);
}

static inline long hc_update_va_mapping_otherdomain(const void *va, uint64_t pte, unsigned flags,
                                                    unsigned domid)
{
    return hypercall(__HYPERVISOR_update_va_mapping_otherdomain, HC_ARG(va), pte, flags, domid, 0);
}

static inline long hc_set_gdt(const uint64_t *frames, unsigned nr_entries)
{
    return hypercall(__HYPERVISOR_set_gdt, HC_ARG(frames), nr_entries, 0, 0, 0);
}

static inline long hc_update_descriptor(maddr_t where, uint64_t descriptor)
{
    return hypercall(__HYPERVISOR_update_descriptor, maddr_raw(where), descriptor, 0, 0, 0);
}

static inline long hc_stack_switch(unsigned ss, const void *sp)
{
    return hypercall(__HYPERVISOR_stack_switch, ss, HC_ARG(sp), 0, 0, 0);
}

static inline long hc_fpu_taskswitch(unsigned set)
{
    return hypercall(__HYPERVISOR_fpu_taskswitch, set, 0, 0, 0, 0);
}

static inline long hc_set_debugreg(unsigned reg, uint64_t value)
{
    return hypercall(__HYPERVISOR_set_debugreg, reg, value, 0, 0, 0);
}

static inline long hc_get_debugreg(unsigned reg)
{
    return hypercall(__HYPERVISOR_get_debugreg, reg, 0, 0, 0, 0);
}

static inline long hc_memory_op(unsigned cmd, void *arg)
{
    return hypercall(__HYPERVISOR_memory_op, cmd, HC_ARG(arg), 0, 0, 0);
}

static inline long hc_multicall(struct multicall_entry *calls, unsigned count)
{
    return hypercall(__HYPERVISOR_multicall, HC_ARG(calls), count, 0, 0, 0);
}

static inline long hc_xen_version(unsigned cmd, void *arg)
{
    return hypercall(__HYPERVISOR_xen_version, cmd, HC_ARG(arg), 0, 0, 0);
}

static inline long hc_console_io(unsigned cmd, size_t count, const void *buf)
{
    return hypercall(__HYPERVISOR_console_io, cmd, count, HC_ARG(buf), 0, 0);
}

static inline long hc_grant_table_op(unsigned cmd, void *ops, unsigned count)
{
    return hypercall(__HYPERVISOR_grant_table_op, cmd, HC_ARG(ops), count, 0, 0);
}

static inline long hc_vm_assist(unsigned cmd, unsigned type)
{
    return hypercall(__HYPERVISOR_vm_assist, cmd, type, 0, 0, 0);
}

static inline long hc_vcpu_op(unsigned cmd, unsigned vcpu, void *arg)
{
    return hypercall(__HYPERVISOR_vcpu_op, cmd, vcpu, HC_ARG(arg), 0, 0);
}

static inline long hc_set_segment_base(unsigned which, uint64_t base)
{
    return hypercall(__HYPERVISOR_set_segment_base, which, base, 0, 0, 0);
}

static inline long hc_sched_op(unsigned cmd, void *arg)
{
    return hypercall(__HYPERVISOR_sched_op, cmd, HC_ARG(arg), 0, 0, 0);
}

static inline long hc_callback_op(unsigned cmd, void *arg)
{
    return hypercall(__HYPERVISOR_callback_op, cmd, HC_ARG(arg), 0, 0, 0);
}

static inline long hc_event_channel_op(unsigned cmd, void *arg)
{
    return hypercall(__HYPERVISOR_event_channel_op, cmd, HC_ARG(arg), 0, 0, 0);
}

static inline long hc_physdev_op(unsigned cmd, void *arg)
{
    return hypercall(__HYPERVISOR_physdev_op, cmd, HC_ARG(arg), 0, 0, 0);
}

/* For domains that control others; the structures are in <xen/domctl.h>, <xen/sysctl.h> and <xen/platform.h>. */
static inline long hc_domctl(void *op)
{
    return hypercall(__HYPERVISOR_domctl, HC_ARG(op), 0, 0, 0, 0);
}

static inline long hc_sysctl(void *op)
{
    return hypercall(__HYPERVISOR_sysctl, HC_ARG(op), 0, 0, 0, 0);
}

static inline long hc_platform_op(void *op)
{
    return hypercall(__HYPERVISOR_platform_op, HC_ARG(op), 0, 0, 0, 0);
}

static inline long hc_set_timer_op(uint64_t deadline_ns)
{
    return hypercall(__HYPERVISOR_set_timer_op, deadline_ns, 0, 0, 0, 0);
}

#endif
