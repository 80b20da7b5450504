/* SPDX-License-Identifier: MIT */
/*
 * Numbers that assembly shares with C. pv/asm_contract.c proves each of them against the ABI headers and the C structures at
 * compile time, so that assembly needs neither generated offsets nor headers made for C.
 */
#ifndef PVK_PV_ASM_H
#define PVK_PV_ASM_H

/* Hypercall numbers that assembly calls itself; a slot of the hypercall page is 32 bytes. */
#define HC_SLOT_BYTES   32
#define HC_NR_SLOTS     128
#define HC_STACK_SWITCH 3
#define HC_IRET         23

/* Offsets into struct trap_regs. */
#define REGS_RAX    96
#define REGS_R11    104
#define REGS_RCX    112
#define REGS_ERROR  120
#define REGS_VECTOR 124
#define REGS_RIP    128
#define REGS_CS     136

#endif
