/* SPDX-License-Identifier: MIT */
/*
 * Proves at compile time that the numbers of native/asm.h are those of the C structures. No code.
 */
#include <stddef.h>

#include "libpvk/core/cpu.h"
#include "libpvk/native/asm.h"
#include "pvk/regs.h"

_Static_assert(REGS_CS == offsetof(struct trap_regs, cs), "frame layout");
_Static_assert(sizeof(struct trap_regs) == REGS_CS + 4 * 8, "the processor's frame ends it");
_Static_assert(CPU_ENTRY_STACK == offsetof(struct cpu, user_entry_stack), "per-CPU area");
_Static_assert(CPU_USER_RSP == offsetof(struct cpu, user_rsp), "per-CPU area");
