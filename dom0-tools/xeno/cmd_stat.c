/* SPDX-License-Identifier: MIT */
/*
 * xeno stat: what each vCPU of a domain has asked of the hypervisor and where time went. Counts are exact; times are TSC
 * ticks turned into microseconds, where the hypervisor measures them.
 */
#include <stdlib.h>
#include <xen/version.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "common/string.h"
#include "xeno/xeno_cli.h"

#define MAX_COUNTERS 128u

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
    "divide error", "debug",    "NMI",     "breakpoint", "overflow", "bound",  "undefined opcode",   "no FPU",     "double fault",
    [10] = "bad TSS", "no segment", "stack fault", "general protection", "page fault", [16] = "x87", "alignment", "machine check",
    "SIMD",           [32] = "device interrupt", "timer and IPI",
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

static const char *name_of(const xenolith_counter_t *k)
{
    const struct names *n = k->kind < ARRAY_SIZE(kinds) ? &kinds[k->kind] : NULL;

    return n && k->index < n->nr && n->name[k->index] ? n->name[k->index] : "?";
}

static const char *kind_of(const xenolith_counter_t *k)
{
    return k->kind < ARRAY_SIZE(kinds) && kinds[k->kind].kind ? kinds[k->kind].kind : "?";
}

static void print_vcpu(struct cli *c, uint32_t vcpu, const xenolith_counter_t *k, long nr, uint64_t tsc_khz, bool json, bool first)
{
    if (json) {
        cli_print(c, "%s    {\"vcpu\": %u, \"counters\": [", first ? "" : ",\n", vcpu);
    }
    for (long i = 0; i < nr; i++) {
        uint64_t us = tsc_khz ? k[i].tsc / (tsc_khz / 1000 ? tsc_khz / 1000 : 1) : 0;

        if (json) {
            cli_print(c, "%s\n        {\"kind\": \"%s\", \"index\": %u, \"name\": \"%s\", \"count\": %lu, \"tsc\": %lu, \"us\": %lu}",
                      i ? "," : "", kind_of(&k[i]), k[i].index, name_of(&k[i]), k[i].count, k[i].tsc, us);
        } else {
            cli_print(c, "%5u %-10s %4u %-30s %12lu %12lu\n", vcpu, kind_of(&k[i]), k[i].index, name_of(&k[i]), k[i].count, us);
        }
    }
    if (json) {
        cli_print(c, "]}");
    }
}

int cmd_stat(struct cli *c, int argc, char **argv)
{
    bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
    xenolith_counter_t *k;
    long domid, rc = 0;
    uint64_t khz;

    if (argc != 2 + json) {
        return cli_usage(c, "stat");
    }
    domid = cli_domid(c, "stat", argv[1 + json]);
    if (domid < 0) {
        return 1;
    }
    k = malloc(MAX_COUNTERS * sizeof(*k));
    if (!k) {
        return cli_error(c, "stat", "the control domain is out of memory");
    }
    if (!json) {
        cli_print(c, "%5s %-10s %4s %-30s %12s %12s\n", "vCPU", "kind", "nr", "what", "count", "time/us");
    } else {
        cli_print(c, "[\n");
    }
    for (uint32_t vcpu = 0;; vcpu++) {
        rc = xeno_counters(&c->m->x, (uint32_t)domid, vcpu, k, MAX_COUNTERS, &khz);
        if (rc < 0) {
            break;
        }
        print_vcpu(c, vcpu, k, rc, khz, json, vcpu == 0);
    }
    if (json) {
        cli_print(c, "\n]\n");
    }
    free(k);
    return rc == -ENOSYS ? cli_error(c, "stat", "this hypervisor keeps no counters: they are Xenolith's") : 0;
}
