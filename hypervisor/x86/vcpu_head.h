/* SPDX-License-Identifier: MIT */
/*
 * What entry and exit know of a vCPU: the head of struct vcpu (domain/vcpu.h), which lies above this room.
 * Invariant: field for field the same head; domain/vcpu.h asserts every offset.
 */
#ifndef X86_VCPU_HEAD_H
#define X86_VCPU_HEAD_H

/* struct guest_trap of domain/vcpu.h. */
#define TRAP_BYTES_SHIFT 4
#define TRAP_ADDR        0
#define TRAP_MASK_EVENTS 11

#ifndef __ASSEMBLER__

#include <stdint.h>

#include <xen/xen.h>

struct vcpu;

struct vcpu_head {
    const void *domain;
    struct cpu_user_regs regs;
    uint64_t hv_stack_top;
    struct vcpu_info *info;
    uint8_t guest_kernel;
    uint8_t exit_iret;
    uint8_t exit_call;
    uint8_t slow_paths;
    uint16_t id;
    void *counters;
    /* the guest's kernel, as pv/ keeps it: struct pv_vcpu begins here */
    uint64_t kernel_root; /* frame numbers */
    uint64_t user_root;
    uint64_t kernel_sp;
    uint64_t syscall_addr;
    uint8_t syscall_mask;
    const void *traps; /* of vectors 0 to 31: struct guest_trap */
};

static inline struct vcpu_head *vcpu_head(struct vcpu *v)
{
    return (struct vcpu_head *)v;
}

#endif /* __ASSEMBLER__ */

#endif
