/* SPDX-License-Identifier: MIT */
/*
 * Registration of a guest's entry points. The trap table is kept in groups of 32 vectors, allocated when one of them is
 * set first: a kernel has the exceptions and perhaps int 0x80, so an idle vCPU costs one group and not 4 KiB.
 */
#include "pv/callbacks.h"

#include "common/errno.h"
#include "mm/hv_alloc.h"
#include "pv/frame.h"
#include "pv/segments.h"
#include "x86/cpu.h"

#define NMI_FLAGS 4u /* bit 2: events are masked on entry */

bool trap_allows_int(const struct vcpu *v, uint32_t vector)
{
    const struct guest_trap *trap = trap_entry(v, vector);

    /* The guest kernel counts as ring 1, as everywhere in the ABI. */
    return trap && trap->addr && trap->dpl >= (v->guest_kernel ? 1 : 3);
}

int trap_set(struct vcpu *v, const struct trap_info *info)
{
    struct guest_trap **group = &v->pv.traps[info->vector / TRAPS_PER_GROUP];

    if (!frame_entry_point_ok(info->address) || !segment_selector_allowed(info->cs)) {
        return -EINVAL;
    }
    if (!*group) {
        if (!info->address) {
            return 0;
        }
        *group = hv_alloc(TRAPS_PER_GROUP * sizeof(**group));
        if (!*group) {
            return -ENOMEM;
        }
    }
    (*group)[info->vector % TRAPS_PER_GROUP] = (struct guest_trap){
        .addr = info->address,
        .cs = segment_fix_selector(info->cs),
        .dpl = TI_GET_DPL(info),
        .mask_events = TI_GET_IF(info) != 0,
    };
    return 0;
}

void trap_clear_all(struct vcpu *v)
{
    unsigned int i;

    for (i = 0; i < TRAP_GROUPS; i++) {
        hv_free(v->pv.traps[i]);
        v->pv.traps[i] = NULL;
    }
}

static struct guest_callback *callback_of(struct vcpu *v, uint16_t type)
{
    switch (type) {
    case CALLBACKTYPE_event:
        return &v->pv.event;
    case CALLBACKTYPE_failsafe:
        return &v->pv.failsafe;
    case CALLBACKTYPE_syscall:
        return &v->pv.syscall;
    case CALLBACKTYPE_syscall32:
        return &v->pv.syscall32;
    case CALLBACKTYPE_sysenter:
    case CALLBACKTYPE_sysenter_deprecated:
        return &v->pv.sysenter;
    default:
        return NULL;
    }
}

int callback_register(struct vcpu *v, uint16_t type, uint16_t flags, uint64_t addr)
{
    struct guest_callback *callback = callback_of(v, type);

    if (!frame_entry_point_ok(addr)) {
        return -EINVAL;
    }
    if (type == CALLBACKTYPE_nmi) { /* another way to write that entry, for the first vCPU only */
        return v->id ? -EINVAL : trap_set(v, &(struct trap_info){VEC_NMI, NMI_FLAGS, FLAT_KERNEL_CS, addr});
    }
    if (!callback) {
        return -ENOSYS;
    }
    *callback = (struct guest_callback){addr, (flags & CALLBACKF_mask_events) != 0};
    return 0;
}

int callback_unregister(struct vcpu *v, uint16_t type)
{
    switch (type) {
    case CALLBACKTYPE_event:
    case CALLBACKTYPE_failsafe:
    case CALLBACKTYPE_syscall:
    case CALLBACKTYPE_syscall32:
    case CALLBACKTYPE_sysenter:
    case CALLBACKTYPE_sysenter_deprecated:
        return -EINVAL; /* a kernel cannot do without */
    case CALLBACKTYPE_nmi:
        return trap_set(v, &(struct trap_info){VEC_NMI, 0, FLAT_KERNEL_CS, 0});
    default:
        return -ENOSYS;
    }
}
