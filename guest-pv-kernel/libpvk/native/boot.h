/* SPDX-License-Identifier: MIT */
/*
 * The first C function of the boot CPU (head.S), and the first step of every CPU.
 */
#ifndef PVK_NATIVE_BOOT_H
#define PVK_NATIVE_BOOT_H

#include <stdint.h>

#include "common/compiler.h"

/* magic: who loaded us; info: the physical address of what it left for us. */
__noreturn_fn void pvk_boot(uint32_t magic, uint32_t info);

/* Make this_cpu() work on the calling CPU. */
void cpu_init_self(unsigned id);

#endif
