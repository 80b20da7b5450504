/* SPDX-License-Identifier: MIT */
/*
 * What entry and exit know of a vCPU: the head of struct vcpu (domain/vcpu.h), which lies above this room.
 * Invariant: field for field the same head; domain/vcpu.h asserts every offset.
 */
#ifndef X86_VCPU_HEAD_H
#define X86_VCPU_HEAD_H

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
};

static inline struct vcpu_head *vcpu_head(struct vcpu *v)
{
    return (struct vcpu_head *)v;
}

#endif
