/* SPDX-License-Identifier: MIT */
/*
 * KIND: hostile
 * MODELS: yes
 * Where the hypervisor may be told to enter the guest, and where not: trap table, callbacks, segment bases, debug registers,
 * assists. Addresses that are not canonical fault in ring 0 when they are loaded, so every one has to be refused before.
 */
#include <xen/nmi.h>

#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"

#define NOT_CANONICAL 0x0000800000000000ul

static void nothing(void)
{
}

static const char *trap(uint8_t vector, uint16_t cs, uint64_t address)
{
    struct trap_info table[2] = {{.vector = vector, .cs = cs, .address = address}, {0}};

    return test_rc(hc_set_trap_table(table));
}

static void traps(void)
{
    test_note("trap 200: %s", trap(200, 0xe033, HC_ARG(nothing)));
    test_note("trap at an address that is not canonical: %s", trap(200, 0xe033, NOT_CANONICAL));
    test_note("trap at the top of the gap: %s", trap(200, 0xe033, 0xffff7ffffffffffful));
    test_note("trap with another selector of mine: %s", trap(200, 0x10, HC_ARG(nothing)));
    test_note("trap table at no address: %s", test_rc(hc_set_trap_table((const struct trap_info *)NOT_CANONICAL)));
    test_note("trap table in the hypervisor's range: %s",
              test_rc(hc_set_trap_table((const struct trap_info *)0xffff830000000000ul)));
}

static const char *callback(uint16_t type, uint64_t address)
{
    struct callback_register reg = {.type = type, .flags = CALLBACKF_mask_events, .address = address};

    return test_rc(hc_callback_op(CALLBACKOP_register, &reg));
}

static const char *uncallback(uint16_t type)
{
    struct callback_unregister reg = {.type = type};

    return test_rc(hc_callback_op(CALLBACKOP_unregister, &reg));
}

static void callbacks(void)
{
    struct xennmi_callback nmi = {.handler_address = HC_ARG(nothing)};

    test_note("failsafe: %s", callback(CALLBACKTYPE_failsafe, HC_ARG(nothing)));
    test_note("failsafe at no address: %s", callback(CALLBACKTYPE_failsafe, NOT_CANONICAL));
    test_note("event at no address: %s", callback(CALLBACKTYPE_event, NOT_CANONICAL));
    test_note("syscall at no address: %s", callback(CALLBACKTYPE_syscall, NOT_CANONICAL));
    test_note("syscall32: %s", callback(CALLBACKTYPE_syscall32, HC_ARG(nothing)));
    test_note("type 6: %s", callback(6, HC_ARG(nothing)));
    test_note("type 77: %s", callback(77, HC_ARG(nothing)));
    test_note("nmi: %s", callback(CALLBACKTYPE_nmi, HC_ARG(nothing)));
    test_note("nmi at no address: %s", callback(CALLBACKTYPE_nmi, NOT_CANONICAL));
    test_note("no event any more: %s", uncallback(CALLBACKTYPE_event));
    test_note("no syscall any more: %s", uncallback(CALLBACKTYPE_syscall));
    test_note("no nmi any more: %s", uncallback(CALLBACKTYPE_nmi));
    test_note("no type 77 any more: %s", uncallback(77));
    test_note("operation 2: %s", test_rc(hc_callback_op(2, NULL)));
    test_note("argument at no address: %s", test_rc(hc_callback_op(CALLBACKOP_register, (void *)NOT_CANONICAL)));
    test_note("nmi_op register: %s", test_rc(hypercall(__HYPERVISOR_nmi_op, XENNMI_register_callback, HC_ARG(&nmi), 0, 0, 0)));
    nmi.handler_address = NOT_CANONICAL;
    test_note("nmi_op at no address: %s", test_rc(hypercall(__HYPERVISOR_nmi_op, XENNMI_register_callback, HC_ARG(&nmi), 0, 0, 0)));
    test_note("nmi_op unregister: %s", test_rc(hypercall(__HYPERVISOR_nmi_op, XENNMI_unregister_callback, 0, 0, 0, 0)));
    test_note("nmi_op 2: %s", test_rc(hypercall(__HYPERVISOR_nmi_op, 2, 0, 0, 0, 0)));
}

static void bases(void)
{
    test_note("FS base: %s", test_rc(hc_set_segment_base(SEGBASE_FS, 0x123456)));
    test_note("FS base that is not canonical: %s", test_rc(hc_set_segment_base(SEGBASE_FS, NOT_CANONICAL)));
    test_note("user GS base: %s", test_rc(hc_set_segment_base(SEGBASE_GS_USER, 0x123456)));
    test_note("user GS base that is not canonical: %s", test_rc(hc_set_segment_base(SEGBASE_GS_USER, NOT_CANONICAL)));
    test_note("kernel GS base that is not canonical: %s", test_rc(hc_set_segment_base(SEGBASE_GS_KERNEL, NOT_CANONICAL)));
    test_note("user GS selector 0: %s", test_rc(hc_set_segment_base(SEGBASE_GS_USER_SEL, 0)));
    test_note("user GS selector without a descriptor: %s", test_rc(hc_set_segment_base(SEGBASE_GS_USER_SEL, 0x5b)));
    test_note("user GS selector of the hypervisor's code: %s", test_rc(hc_set_segment_base(SEGBASE_GS_USER_SEL, 0xe008)));
    test_note("user GS selector of its task state: %s", test_rc(hc_set_segment_base(SEGBASE_GS_USER_SEL, 0xe040)));
    test_note("user GS selector with high bits: %s", test_rc(hc_set_segment_base(SEGBASE_GS_USER_SEL, 0x10000)));
    test_note("base 4: %s", test_rc(hc_set_segment_base(4, 0)));
}

static void debug_registers(void)
{
    unsigned reg;

    for (reg = 0; reg < 9; reg++) {
        test_note("DR%u = 0: %s", reg, test_rc(hc_set_debugreg(reg, 0)));
        test_note("DR%u in the hypervisor's range: %s", reg, test_rc(hc_set_debugreg(reg, 0xffff830000000000ul)));
        test_note("DR%u not canonical: %s", reg, test_rc(hc_set_debugreg(reg, NOT_CANONICAL)));
    }
    test_note("DR7 with general detect: %s", test_rc(hc_set_debugreg(7, 0x2400)));
    test_note("DR7 with an I/O breakpoint: %s", test_rc(hc_set_debugreg(7, 0x20401)));
    test_note("DR7 off: %s", test_rc(hc_set_debugreg(7, 0x400)));
    test_check(hc_set_debugreg(3, 0x1000) == 0 && hc_get_debugreg(3) == 0x1000, "DR3 keeps its value");
    test_note("DR6: %lx", hc_get_debugreg(6));
    test_note("DR7: %lx", hc_get_debugreg(7));
    test_note("DR8: %s", test_rc(hc_get_debugreg(8)));
}

static void assists(void)
{
    unsigned type;

    for (type = 0; type < 70; type++) {
        long rc = hc_vm_assist(VMASST_CMD_enable, type);

        if (type < 8 || type == 32 || type == 33 || type > 62) {
            test_note("assist %u on: %s", type, test_rc(rc));
        }
        if (rc == 0) {
            test_check(hc_vm_assist(VMASST_CMD_disable, type) == 0, "assist %u off", type);
        }
    }
    test_note("assist command 2: %s", test_rc(hc_vm_assist(2, 0)));
}

void test_main(void)
{
    traps();
    callbacks();
    bases();
    debug_registers();
    assists();
    test_note("stack at no address: %s", test_rc(hc_stack_switch(0xe02b, (void *)NOT_CANONICAL)));
    test_note("task switch: %s, %s", test_rc(hc_fpu_taskswitch(1)), test_rc(hc_fpu_taskswitch(0)));
}
