/* SPDX-License-Identifier: MIT */
/*
 * Proves at compile time that the numbers of pv/asm.h are those of the ABI headers and of the C structures. No code.
 */
#include <stddef.h>

#include <xen/xen.h>

#include "libpvk/core/cpu.h"
#include "libpvk/pv/asm.h"
#include "pvk/regs.h"

_Static_assert(HC_STACK_SWITCH == __HYPERVISOR_stack_switch, "hypercall number");
_Static_assert(HC_IRET == __HYPERVISOR_iret, "hypercall number");
_Static_assert(REGS_RAX == offsetof(struct trap_regs, rax), "frame layout");
_Static_assert(REGS_R11 == offsetof(struct trap_regs, r11), "frame layout");
_Static_assert(REGS_RCX == offsetof(struct trap_regs, rcx), "frame layout");
_Static_assert(REGS_ERROR == offsetof(struct trap_regs, error_code), "frame layout");
_Static_assert(REGS_VECTOR == offsetof(struct trap_regs, vector), "frame layout");
_Static_assert(REGS_RIP == offsetof(struct trap_regs, rip), "frame layout");
_Static_assert(REGS_CS == offsetof(struct trap_regs, cs), "frame layout");

/* The iret hypercall's view of the same frame begins at rax; its `flags` word is our error code and vector. */
_Static_assert(sizeof(struct iret_context) == sizeof(struct trap_regs) - REGS_RAX, "iret frame");
_Static_assert(offsetof(struct iret_context, rip) == REGS_RIP - REGS_RAX, "iret frame");
_Static_assert(offsetof(struct iret_context, flags) == REGS_ERROR - REGS_RAX, "iret frame");
_Static_assert(PVK_MAX_CPUS <= XEN_LEGACY_MAX_VCPUS,
               "vcpu_info of each CPU lies in the shared info page");
