/* SPDX-License-Identifier: MIT */
/* Between smp.c and ap_start.S: the page that a new CPU starts in, and its parameters at the page's end. */
#ifndef X86_AP_START_H
#define X86_AP_START_H

#define AP_PARAMS_OFFSET 0xf00

#ifndef __ASSEMBLER__
#include <stdint.h>

struct ap_start_params {
    uint64_t cr3; /* below 4 GiB */
    uint64_t stack;
    uint64_t entry;
};

extern const char ap_start[], ap_start_end[];
#endif

#endif
