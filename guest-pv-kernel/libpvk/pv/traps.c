/* SPDX-License-Identifier: MIT */
/*
 * Tells the hypervisor where to enter the kernel: one entry point an exception, and the event, system call and failsafe
 * callbacks. Invariant: every entry masks events, so that the fault address and the frame are read before anything else runs.
 */
#include "libpvk/pv/traps.h"

#include "libpvk/core/backend.h"
#include "libpvk/core/cpu.h"
#include "libpvk/core/user.h"
#include "libpvk/pv/entry.h"
#include "pvk/pv/hypercall.h"

#define TRAP_MASKS_EVENTS                                                                          \
    4 /* bit 2 of trap_info.flags; bits 0-1: who may raise it with an int instruction */

/* entry.S */
void entry_0(void), entry_1(void), entry_2(void), entry_3(void), entry_4(void), entry_5(void),
    entry_6(void), entry_7(void), entry_8(void), entry_9(void), entry_10(void), entry_11(void),
    entry_12(void), entry_13(void), entry_14(void), entry_15(void), entry_16(void), entry_17(void),
    entry_18(void), entry_19(void), entry_20(void), entry_21(void), entry_128(void);

#define TRAP(nr, dpl)                                                                              \
    {                                                                                              \
        nr, (dpl) | TRAP_MASKS_EVENTS, FLAT_KERNEL_CS, (uintptr_t)entry_##nr                       \
    }

const struct trap_info pv_trap_table[] = {
    TRAP(0, 0),  TRAP(1, 0),  TRAP(2, 0),  TRAP(3, 3),  TRAP(4, 3),   TRAP(5, 0),
    TRAP(6, 0),  TRAP(7, 0),  TRAP(8, 0),  TRAP(9, 0),  TRAP(10, 0),  TRAP(11, 0),
    TRAP(12, 0), TRAP(13, 0), TRAP(14, 0), TRAP(15, 0), TRAP(16, 0),  TRAP(17, 0),
    TRAP(18, 0), TRAP(19, 0), TRAP(20, 0), TRAP(21, 0), TRAP(128, 3), {0, 0, 0, 0},
};

static void register_callback(uint16_t type, void (*entry)(void), uint16_t flags)
{
    struct callback_register reg = {.type = type, .flags = flags, .address = (uintptr_t)entry};
    long rc = hc_callback_op(CALLBACKOP_register, &reg);

    ASSERT(rc == 0);
}

void pv_traps_init_cpu(void)
{
    long rc = hc_set_trap_table(pv_trap_table);

    ASSERT(rc == 0);
    register_callback(CALLBACKTYPE_event, entry_event, 0);
    register_callback(CALLBACKTYPE_failsafe, entry_failsafe, CALLBACKF_mask_events);
    register_callback(CALLBACKTYPE_syscall, entry_syscall, CALLBACKF_mask_events);
}

uint64_t backend_fault_address(void)
{
    return ((struct vcpu_info *)this_cpu()->vcpu_info)->arch.cr2;
}

void backend_fix_syscall_regs(struct trap_regs *regs)
{
    user_regs_init(regs);
}
