/* SPDX-License-Identifier: MIT */
/*
 * Vectors that no CPU has: what struct trap_regs.vector says for entries that are not exceptions. For C and assembly.
 */
#ifndef PVK_CORE_VECTORS_H
#define PVK_CORE_VECTORS_H

#define VECTOR_EVENT    256
#define VECTOR_SYSCALL  257
#define VECTOR_FAILSAFE 258

#endif
