/* SPDX-License-Identifier: MIT */
/*
 * What to do with an exception that arrived from guest mode: emulate what a PV guest may fault on, deliver the rest to
 * its kernel as a machine would.
 */
#include "debug/counters.h"
#include "pv/emul.h"
#include "pv/msr_policy.h"
#include "pv/pv.h"
#include "x86/cpu.h"
#include "x86/layout.h"
#include "x86/upcalls.h"

static void page_fault(struct vcpu *v, uint32_t error_code, uint64_t cr2)
{
    bool guest_range = cr2 < HV_VIRT_START || cr2 >= HV_VIRT_END;

    if (v->guest_kernel && guest_range && (error_code & (PFEC_P | PFEC_W | PFEC_R | PFEC_I)) == (PFEC_P | PFEC_W) &&
        emul_page_table_write(v, cr2)) {
        return;
    }
    if (unlikely((error_code & (PFEC_P | PFEC_U)) == PFEC_P) && guest_range && emul_return(v)) {
        return;
    }
    pv_inject_exception(v, VEC_PF, error_code, cr2);
}

static void debug_exception(struct vcpu *v)
{
    v->pv.debugreg[6] = read_dr6();
    write_dr6(DR6_POLICY_FIXED);
    pv_inject_exception(v, VEC_DB, 0, 0);
}

static void device_not_available(struct vcpu *v)
{
    /* Only CR0.TS that the guest set itself leads here; it finds the flag clear, as after its own clts. */
    pv_set_ts(v, false);
    pv_inject_exception(v, VEC_NM, 0, 0);
}

void upcall_guest_exception(struct vcpu *v, uint32_t vector, uint64_t cr2)
{
    uint32_t error_code = v->regs.error_code;

    COUNT(v, trap, vector);
    if (likely(vector == VEC_PF)) {
        page_fault(v, error_code, cr2);
        return;
    }
    switch (vector) {
    case VEC_GP:
        /* An index in the error code means a selector or, for int n, a gate: emulators give the latter wrongly. */
        if (!emul_privileged(v)) {
            pv_inject_gp(v, error_code);
        }
        break;
    case VEC_UD:
        if (!emul_invalid_opcode(v)) {
            pv_inject_ud(v);
        }
        break;
    case VEC_DB:
        debug_exception(v);
        break;
    case VEC_NM:
        device_not_available(v);
        break;
    default:
        pv_inject_exception(v, vector, error_code, 0);
        break;
    }
}
