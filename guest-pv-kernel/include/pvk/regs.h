/* SPDX-License-Identifier: MIT */
/*
 * The registers of an interrupted thread, as trap handlers see and may change them.
 * Invariant: the layout is the one that entry.S pushes; from rax on it is also what the return path consumes.
 */
#ifndef PVK_REGS_H
#define PVK_REGS_H

#include <stdbool.h>
#include <stdint.h>

struct trap_regs {
    uint64_t r15, r14, r13, r12, rbp, rbx, r10, r9, r8, rdx, rsi, rdi;
    uint64_t rax, r11, rcx;
    uint32_t error_code; /* 0 where the CPU pushes none */
    uint32_t vector;     /* 0..255, or one of the VECTOR_... numbers for events and system calls */
    uint64_t rip;
    uint32_t cs;
    uint32_t saved_mask; /* non-zero: interrupts were off */
    uint64_t rflags, rsp, ss;
};

#define RFLAGS_IF (1ul << 9)

/* True if user code was interrupted: the low bits of CS are the privilege level, 0 for the kernel. */
static inline bool regs_from_user(const struct trap_regs *regs)
{
    return (regs->cs & 3) != 0;
}

#endif
