/* SPDX-License-Identifier: MIT */
/* What the hypervisor counts, by name: hypercalls, traps, events, exits. */
#include "xeno/counter_names.h"

#include <stddef.h>
#include <xen/version.h>
#include <xen/xenolith.h>

#include "common/compiler.h"

/* By hypercall number (ABI: xen.h). */
static const char *const hypercalls[] = {
    [__HYPERVISOR_set_trap_table] = "set_trap_table",
    [__HYPERVISOR_mmu_update] = "mmu_update",
    [__HYPERVISOR_set_gdt] = "set_gdt",
    [__HYPERVISOR_stack_switch] = "stack_switch",
    [__HYPERVISOR_set_callbacks] = "set_callbacks",
    [__HYPERVISOR_fpu_taskswitch] = "fpu_taskswitch",
    [__HYPERVISOR_platform_op] = "platform_op",
    [__HYPERVISOR_set_debugreg] = "set_debugreg",
    [__HYPERVISOR_get_debugreg] = "get_debugreg",
    [__HYPERVISOR_update_descriptor] = "update_descriptor",
    [__HYPERVISOR_memory_op] = "memory_op",
    [__HYPERVISOR_multicall] = "multicall",
    [__HYPERVISOR_update_va_mapping] = "update_va_mapping",
    [__HYPERVISOR_set_timer_op] = "set_timer_op",
    [__HYPERVISOR_xen_version] = "xen_version",
    [__HYPERVISOR_console_io] = "console_io",
    [__HYPERVISOR_grant_table_op] = "grant_table_op",
    [__HYPERVISOR_vm_assist] = "vm_assist",
    [__HYPERVISOR_update_va_mapping_otherdomain] = "update_va_mapping_otherdomain",
    [__HYPERVISOR_iret] = "iret",
    [__HYPERVISOR_vcpu_op] = "vcpu_op",
    [__HYPERVISOR_set_segment_base] = "set_segment_base",
    [__HYPERVISOR_mmuext_op] = "mmuext_op",
    [__HYPERVISOR_nmi_op] = "nmi_op",
    [__HYPERVISOR_sched_op] = "sched_op",
    [__HYPERVISOR_callback_op] = "callback_op",
    [__HYPERVISOR_event_channel_op] = "event_channel_op",
    [__HYPERVISOR_physdev_op] = "physdev_op",
    [__HYPERVISOR_sysctl] = "sysctl",
    [__HYPERVISOR_domctl] = "domctl",
    [63] = "unknown",
};

static const char *const traps[] = {
    "divide error",
    "debug",
    "NMI",
    "breakpoint",
    "overflow",
    "bound",
    "undefined opcode",
    "no FPU",
    "double fault",
    [10] = "bad TSS",
    "no segment",
    "stack fault",
    "general protection",
    "page fault",
    [16] = "x87",
    "alignment",
    "machine check",
    "SIMD",
    [32] = "device interrupt",
    "timer and IPI",
};

static const char *const events[] = {
    [XENOLITH_EVENT_EMUL_CLI_STI] = "cli, sti",
    [XENOLITH_EVENT_EMUL_PORT] = "port access",
    [XENOLITH_EVENT_EMUL_MSR] = "MSR access",
    [XENOLITH_EVENT_EMUL_CR] = "control register",
    [XENOLITH_EVENT_EMUL_CPUID] = "CPUID",
    [XENOLITH_EVENT_EMUL_PTE] = "page-table store",
    [XENOLITH_EVENT_EMUL_OTHER] = "other instruction",
    [XENOLITH_EVENT_SYSCALL] = "system call",
    [XENOLITH_EVENT_UPCALL] = "event delivered",
    [XENOLITH_EVENT_EXCEPTION_BOUNCE] = "exception delivered",
    [XENOLITH_EVENT_FAILSAFE] = "failsafe callback",
    [XENOLITH_EVENT_CONTEXT_SWITCH] = "switched to",
    [XENOLITH_EVENT_HC_RESTART] = "hypercall continued",
};

static const char *const exits[] = {
    [XENOLITH_EXIT_INTERRUPT] = "interrupt of the machine",
    [XENOLITH_EXIT_WINDOW] = "interrupt window",
    [XENOLITH_EXIT_HALT] = "halt",
    [XENOLITH_EXIT_CPUID] = "CPUID",
    [XENOLITH_EXIT_MSR] = "MSR access",
    [XENOLITH_EXIT_PORT] = "port access",
    [XENOLITH_EXIT_MEMORY] = "device memory",
    [XENOLITH_EXIT_EXCEPTION] = "exception",
    [XENOLITH_EXIT_DEBUG_REGISTER] = "debug register",
    [XENOLITH_EXIT_SHUTDOWN] = "triple fault",
    [XENOLITH_EXIT_OTHER] = "other exit",
    [XENOLITH_EXIT_DEVICE_MODEL] = "device model",
    [XENOLITH_EXIT_INJECTED] = "interrupt delivered",
    [XENOLITH_EXIT_SHADOW] = "shadow page table",
    [XENOLITH_EXIT_PRIVILEGED] = "privileged instruction",
    [XENOLITH_EXIT_FLAGS] = "interrupt flag",
    [XENOLITH_EXIT_CONTROL] = "control register",
    [XENOLITH_EXIT_SYSCALL] = "system call",
    [XENOLITH_EXIT_CODE] = "code",
};

struct names {
    const char *kind;
    const char *const *name;
    size_t nr;
};

static const struct names kinds[] = {
    [XENOLITH_COUNT_HYPERCALL] = {"hypercall", hypercalls, ARRAY_SIZE(hypercalls)},
    [XENOLITH_COUNT_TRAP] = {"trap", traps, ARRAY_SIZE(traps)},
    [XENOLITH_COUNT_EVENT] = {"event", events, ARRAY_SIZE(events)},
    [XENOLITH_COUNT_EXIT] = {"exit", exits, ARRAY_SIZE(exits)},
};

const char *counter_name(unsigned int kind, unsigned int index)
{
    const struct names *n = kind < ARRAY_SIZE(kinds) ? &kinds[kind] : NULL;

    return n && index < n->nr && n->name[index] ? n->name[index] : "?";
}

const char *counter_kind(unsigned int kind)
{
    return kind < ARRAY_SIZE(kinds) && kinds[kind].kind ? kinds[kind].kind : "?";
}
