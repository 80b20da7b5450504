/* SPDX-License-Identifier: MIT */
/*
 * The processor's own tables: segments, the task state with the stack for entries from user mode, interrupt gates.
 */
#ifndef PVK_NATIVE_DESCRIPTORS_H
#define PVK_NATIVE_DESCRIPTORS_H

/* Vectors from 32 on, as this kernel uses them. */
#define VECTOR_PIC      0x20u /* 16 of them */
#define VECTOR_TIMER    0x40u
#define VECTOR_KICK     0x41u
#define VECTOR_FLUSH    0x42u
#define VECTOR_SPURIOUS 0xffu
#define VECTOR_INT80    0x80u

/* Load GDT, TSS, IDT and the system call's registers of the calling CPU; this_cpu() works. */
void descriptors_init_cpu(unsigned id);

/* The vector of the interrupt that this CPU handles. */
unsigned interrupt_vector(void);

#endif
