/* SPDX-License-Identifier: MIT */
/*
 * Thin decoders of the calls that set up and leave a PV guest's entry points: traps, callbacks, descriptor tables, stacks,
 * segment bases, debug registers. Each reads its argument once; the rules are those of pv/.
 */
#include <xen/callback.h>
#include <xen/nmi.h>
#include <xen/xen.h>

#include "common/errno.h"
#include "domain/domain.h"
#include "hypercall/hypercall.h"
#include "mm/guest_copy.h"
#include "pv/callbacks.h"
#include "pv/iret.h"
#include "pv/pv.h"
#include "pv/segments.h"
#include "x86/entry.h"
#include "x86/percpu.h"

#define DESCRIPTORS_PER_FRAME 512u

int64_t hc_set_trap_table(uint64_t table)
{
    struct vcpu *v = current_vcpu();
    struct trap_info info;

    if (!table) {
        trap_clear_all(v);
        return 0;
    }
    /* The list ends with address 0, and only the guest knows where: a preemption point after every entry. */
    for (;; table += sizeof(info)) {
        int rc = guest_read(&info, gva_make(table), sizeof(info));

        if (rc) {
            return rc;
        }
        if (!info.address) {
            return 0;
        }
        rc = trap_set(v, &info);
        if (rc) {
            return rc;
        }
        if (preempt_pending()) {
            return hc_continue_set_trap_table(table + sizeof(info));
        }
    }
}

int64_t hc_set_gdt(uint64_t list, uint64_t entries)
{
    uint64_t raw[GDT_GUEST_PAGES];
    mfn_t frames[GDT_GUEST_PAGES];
    uint32_t nr_ents = (uint32_t)entries;
    uint32_t nr = (nr_ents + DESCRIPTORS_PER_FRAME - 1) / DESCRIPTORS_PER_FRAME;
    int rc;

    if (nr_ents > FIRST_RESERVED_GDT_ENTRY) {
        return -EINVAL;
    }
    rc = guest_read(raw, gva_make(list), nr * sizeof(raw[0]));
    if (rc) {
        return rc;
    }
    for (uint32_t i = 0; i < nr; i++) {
        frames[i] = mfn_make(raw[i]);
    }
    return pv_set_gdt(current_vcpu(), frames, nr_ents);
}

int64_t hc_update_descriptor(uint64_t where, uint64_t desc)
{
    return pv_update_descriptor(current_vcpu(), maddr_make(where), desc);
}

int64_t hc_stack_switch(uint64_t ss, uint64_t sp)
{
    struct vcpu *v = current_vcpu();

    /* The stack is checked when something is pushed on it; its selector is the flat one whatever is asked for. */
    v->pv.kernel_ss = segment_fix_selector((uint16_t)ss);
    v->pv.kernel_sp = sp;
    return 0;
}

/* The old call answers 0 whatever it was given; what cannot be an entry point leaves the callback as it was. */
int64_t hc_set_callbacks(uint64_t event, uint64_t failsafe, uint64_t syscall)
{
    struct vcpu *v = current_vcpu();

    (void)callback_register(v, CALLBACKTYPE_event, 0, event);
    (void)callback_register(v, CALLBACKTYPE_failsafe, 0, failsafe);
    (void)callback_register(v, CALLBACKTYPE_syscall, 0, syscall);
    return 0;
}

int64_t hc_callback_op(uint64_t cmd, uint64_t arg)
{
    struct callback_register reg;
    struct callback_unregister unreg;
    int rc;

    switch ((uint32_t)cmd) {
    case CALLBACKOP_register:
        rc = guest_read(&reg, gva_make(arg), sizeof(reg));
        return rc ? rc : callback_register(current_vcpu(), reg.type, reg.flags, reg.address);
    case CALLBACKOP_unregister:
        rc = guest_read(&unreg, gva_make(arg), sizeof(unreg));
        return rc ? rc : callback_unregister(current_vcpu(), unreg.type);
    default:
        return -ENOSYS;
    }
}

int64_t hc_nmi_op(uint64_t cmd, uint64_t arg)
{
    struct xennmi_callback nmi;
    int rc;

    switch ((uint32_t)cmd) {
    case XENNMI_register_callback:
        rc = guest_read(&nmi, gva_make(arg), sizeof(nmi));
        return rc ? rc : callback_register(current_vcpu(), CALLBACKTYPE_nmi, 0, nmi.handler_address);
    case XENNMI_unregister_callback:
        return callback_unregister(current_vcpu(), CALLBACKTYPE_nmi);
    default:
        return -ENOSYS;
    }
}

int64_t hc_fpu_taskswitch(uint64_t set)
{
    pv_set_ts(current_vcpu(), (uint32_t)set != 0);
    return 0;
}

int64_t hc_set_debugreg(uint64_t reg, uint64_t value)
{
    return pv_debugreg_set(current_vcpu(), (uint32_t)reg, value);
}

int64_t hc_get_debugreg(uint64_t reg)
{
    uint64_t value;
    int rc = pv_debugreg_get(current_vcpu(), (uint32_t)reg, &value);

    return rc ? rc : (int64_t)value;
}

int64_t hc_set_segment_base(uint64_t which, uint64_t base)
{
    return pv_set_segment_base(current_vcpu(), (uint32_t)which, base);
}

int64_t hc_vm_assist(uint64_t cmd, uint64_t type)
{
    struct domain *d = current_vcpu()->domain;
    struct vcpu *v;
    unsigned int i;
    uint64_t bit;

    if ((uint32_t)type >= 64) {
        return -EINVAL;
    }
    bit = 1ul << (uint32_t)type;
    if (!(bit & PV_VM_ASSIST_VALID)) {
        return -EINVAL;
    }
    switch ((uint32_t)cmd) {
    case VMASST_CMD_enable:
        __atomic_fetch_or(&d->vm_assist, bit, __ATOMIC_RELAXED);
        break;
    case VMASST_CMD_disable:
        __atomic_fetch_and(&d->vm_assist, ~bit, __ATOMIC_RELAXED);
        break;
    default:
        return -ENOSYS;
    }
    for_each_vcpu(d, v, i) {
        pv_slow_paths_update(v);
    }
    return 0;
}

/* What was in the guest's frame is rax now, so it is also the result. */
int64_t hc_iret(void)
{
    struct vcpu *v = current_vcpu();

    pv_iret(v);
    return (int64_t)v->regs.rax;
}
