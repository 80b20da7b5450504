/* SPDX-License-Identifier: MIT */
/* Loading selectors that a guest has chosen: the CPU checks them, a refusal is an error and not our end. */
#include "common/errno.h"
#include "x86/extable.h"
#include "x86/uaccess.h"

#define LOAD(reg)                                                                                  \
    __asm__ volatile("1: mov %[sel], %%" reg "\n"                                                  \
                     "   xor %k[rc], %k[rc]\n"                                                     \
                     "2:\n" EXTABLE("1b", "2b")                                                    \
                     : [rc] "+&r"(rc)                                                              \
                     : [sel] "r"((uint32_t)sel)                                                    \
                     : "memory")

int segment_load_safe(enum seg_reg seg, uint16_t sel)
{
    int rc = -EFAULT;

    switch (seg) {
    case SEG_DS:
        LOAD("ds");
        break;
    case SEG_ES:
        LOAD("es");
        break;
    case SEG_FS:
        LOAD("fs");
        break;
    case SEG_GS:
        LOAD("gs");
        break;
    }
    return rc;
}
