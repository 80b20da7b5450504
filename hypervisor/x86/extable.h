/* SPDX-License-Identifier: MIT */
/*
 * Faults that are expected: an instruction of the hypervisor and where to go on when it faults. Rows are written beside
 * the instruction, in section .extable.
 */
#ifndef X86_EXTABLE_H
#define X86_EXTABLE_H

#include <stddef.h>
#include <stdint.h>

struct extable_entry {
    uint64_t insn;
    uint64_t fixup;
};

/* The row for the instruction at rip in [start, end), or NULL. Pure. */
const struct extable_entry *extable_find(const struct extable_entry *start,
                                         const struct extable_entry *end, uint64_t rip);

/* Row in inline assembly: the instruction at label `insn` continues at label `fixup`. */
#define EXTABLE(insn, fixup)                                                                       \
    ".pushsection .extable, \"a\"; .quad " insn ", " fixup "; .popsection; "

#endif
