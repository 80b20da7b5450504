/* SPDX-License-Identifier: MIT */
/*
 * The frames that pass between hypervisor and guest kernel: what a bounce pushes on the guest's stack and what the iret
 * hypercall finds there. Pure: words in, words out. Layouts: SYSTEM V rcx/r11 convention of the 64-bit PV ABI.
 * Invariant: what frame_check_iret() and frame_hw_rflags() let through can be loaded by iretq to ring 3 and never gives
 * the guest interrupts off, I/O privilege, VM86 or a selector of the hypervisor.
 */
#ifndef PV_FRAME_H
#define PV_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>

#include "common/compiler.h"

/* RFLAGS bits, SDM vol. 1, 3.4.3. */
#define FRAME_FLAG_FIXED 0x2u
#define FRAME_FLAG_TF    0x100u
#define FRAME_FLAG_IF    0x200u
#define FRAME_FLAG_DF    0x400u
#define FRAME_FLAG_IOPL  0x3000u
#define FRAME_FLAG_NT    0x4000u
#define FRAME_FLAG_RF    0x10000u
#define FRAME_FLAG_VM    0x20000u
#define FRAME_FLAG_AC    0x40000u
#define FRAME_FLAG_ID    0x200000u
/* CF PF AF ZF SF OF: what a program computes with. */
#define FRAME_FLAGS_ARITHMETIC 0x8d5u

/* In the word that holds CS: byte 4 is the event mask at the time of the interruption. */
#define FRAME_CS_MASK_SHIFT 32

#define FRAME_MAX_WORDS 11
#define FRAME_IRET_WORDS (sizeof(struct iret_context) / 8)

/* The interrupted context, as the guest shall find it. */
struct frame_source {
    uint64_t rip, rflags, rsp, rcx, r11;
    uint16_t cs, ss;
    bool kernel;         /* guest kernel mode was interrupted */
    bool upcall_mask;    /* events were masked */
    bool show_iopl;      /* vm_assist architectural_iopl */
    uint8_t iopl;        /* virtual, 0..3 */
    uint64_t kernel_sp;  /* stack for entries from user mode */
};

struct frame {
    uint64_t word[FRAME_MAX_WORDS]; /* low address first */
    unsigned int nr;
    uint64_t rsp;                   /* where word[0] goes, and the guest's new stack pointer */
};

/* An exception, with its error code where it has one; an event upcall or a system call (no error code). */
void frame_build(const struct frame_source *src, bool has_error, uint32_t error_code, struct frame *out);

/* The failsafe callback: the four data selectors precede the hardware part. */
void frame_build_failsafe(const struct frame_source *src, uint16_t ds, uint16_t es, uint16_t fs, uint16_t gs,
                          struct frame *out);

/* RFLAGS at the guest's entry point after a bounce: what the interrupted code had, without TF, NT, RF, VM, AC. */
uint64_t frame_entry_rflags(uint64_t rflags);

/* Guest-chosen RFLAGS as they may be loaded with ring 3: interrupts on, no IOPL, no VM; reserved bits as they must be. */
uint64_t frame_hw_rflags(uint64_t rflags);

/* 48-bit canonical form. */
static inline bool frame_canonical(uint64_t va)
{
    return (uint64_t)((int64_t)(va << 16) >> 16) == va;
}

/* An address that may be an entry point of the guest: canonical and not in the hypervisor's range. */
bool frame_entry_point_ok(uint64_t va);

enum frame_fault {
    FRAME_OK,
    FRAME_BAD_RIP,      /* not canonical: #GP(0) when loaded */
    FRAME_BAD_CS,       /* null, or a selector of the hypervisor */
    FRAME_BAD_SS,
};

struct iret_target {
    uint64_t rip, rflags, rsp, rax, rcx, r11;
    uint16_t cs, ss;     /* RPL 3 */
    bool to_user;        /* cs came with RPL 3 */
    bool restore_rcx_r11; /* not VGCF_in_syscall */
    bool upcall_mask;    /* what the guest's event mask becomes */
    uint8_t iopl;        /* for vm_assist architectural_iopl */
};

/*
 * What an iret frame asks for. *out is complete even when a fault is returned: the fault is the guest's, at the place
 * where it wanted to go.
 */
enum frame_fault frame_check_iret(const struct iret_context *ctx, struct iret_target *out);

/* Which field of a context makes it unacceptable, NULL if none does. Selectors and flags are fixed when it is loaded. */
const char *frame_context_fault(const struct vcpu_guest_context *ctx);

#endif
