/* SPDX-License-Identifier: MIT */
/*
 * VCPUOP_register_vcpu_info: a vCPU's info moves, once, out of shared_info into a frame that the guest names. The frame
 * keeps a writable reference until the vCPU is gone, so it cannot become a page table under the hypervisor's writes.
 */
#include <stddef.h>

#include "common/errno.h"
#include "common/string.h"
#include "event/event.h"
#include "mm/frame_ref.h"
#include "mm/map.h"
#include "x86/percpu.h"

int vcpu_info_register(struct vcpu *v, mfn_t gmfn, uint32_t offset)
{
    struct vcpu_info *info, *old = v->info;
    uint8_t *page;
    int rc;

    if (offset > PAGE_SIZE - sizeof(*info) || offset % sizeof(uint64_t)) {
        return -ENXIO;
    }
    if (!mfn_eq(v->info_frame, MFN_INVALID)) {
        return -EINVAL;
    }
    /* Only for itself or for one that is not up: nobody else looks at the old place meanwhile. */
    if (v != current_vcpu() && !(__atomic_load_n(&v->pause_flags, __ATOMIC_ACQUIRE) & VPF_DOWN)) {
        return -EINVAL;
    }
    rc = frame_get_writable(&v->domain->mm, gmfn);
    if (rc) {
        return -EINVAL;
    }
    page = map_frame_pinned(gmfn);
    info = (struct vcpu_info *)(void *)(page + offset);
    memcpy(info, old, sizeof(*info));
    spin_lock(&v->domain->event_lock);
    v->info = info;
    v->info_frame = gmfn;
    spin_unlock(&v->domain->event_lock);
    /* An event may have hit the old place while it was copied: let the guest look at all of them. */
    __atomic_store_n((uint64_t *)&info->evtchn_pending_sel, ~0ul, __ATOMIC_SEQ_CST);
    __atomic_store_n(&info->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST);
    vcpu_mark_events_pending(v);
    return 0;
}

static void vcpu_info_forget(struct vcpu *v)
{
    if (!mfn_eq(v->info_frame, MFN_INVALID)) {
        unmap_frame_pinned((const void *)((uintptr_t)v->info & PAGE_MASK));
        frame_put_writable(v->info_frame);
        v->info_frame = MFN_INVALID;
        v->info = NULL;
    }
}

DOMAIN_UNIT(21, vcpu_info_unit, .name = "vcpu_info", .vcpu_kill = vcpu_info_forget);
