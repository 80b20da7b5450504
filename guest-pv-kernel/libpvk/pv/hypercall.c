/* SPDX-License-Identifier: MIT */
/*
 * The recording hypercall, and the names of all hypercalls.
 */
#include "pvk/pv/hypercall.h"

#include "common/compiler.h"
#include "common/format.h"
#include "libpvk/core/backend.h"
#include "libpvk/core/symbols.h"

#define MAX_ERRNO 4095

struct hypercall_failure hypercall_last_failure = {.nr = -1};

long hypercall(unsigned nr, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
    long rc = hypercall_raw(nr, a1, a2, a3, a4, a5);

    if (unlikely(rc < 0 && rc >= -MAX_ERRNO)) {
        /* Two CPUs may mix their records: it is a hint for a reader, and each field is written whole. */
        hypercall_last_failure = (struct hypercall_failure){
            .nr = (int)nr,
            .rc = rc,
            .args = {a1, a2, a3, a4, a5},
            .caller = (uint64_t)(uintptr_t)__builtin_return_address(0),
            .count = hypercall_last_failure.count + 1,
        };
    }
    return rc;
}

const char *hypercall_name(unsigned nr)
{
    static const char *const names[] = {
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
        [__HYPERVISOR_hvm_op] = "hvm_op",
        [__HYPERVISOR_sysctl] = "sysctl",
        [__HYPERVISOR_domctl] = "domctl",
    };

    return nr < ARRAY_SIZE(names) && names[nr] != NULL ? names[nr] : "?";
}

void backend_print_last_failure(void)
{
    const struct hypercall_failure *f = &hypercall_last_failure;
    char line[200];
    const char *caller;
    uint64_t offset = 0;
    int len;

    if (f->nr < 0) {
        len = format(line, sizeof(line), "  no hypercall has failed\n");
    } else {
        caller = symbol_lookup(f->caller, &offset);
        len = format(
            line, sizeof(line),
            "  last failed hypercall: %s(%#lx, %#lx, %#lx, %#lx, %#lx) = %ld, from %s+%#lx\n",
            hypercall_name((unsigned)f->nr), f->args[0], f->args[1], f->args[2], f->args[3],
            f->args[4], f->rc, caller != NULL ? caller : "?", offset);
    }
    backend_console_panic_write(line, MIN((size_t)len, sizeof(line) - 1));
}
