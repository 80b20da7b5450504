/* SPDX-License-Identifier: MIT */
/*
 * The first C function of the boot CPU, and the first step of every CPU.
 */
#ifndef PVK_PV_BOOT_H
#define PVK_PV_BOOT_H

#include <xen/xen.h>

#include "common/compiler.h"

__noreturn_fn void pvk_boot(struct start_info *info);

/* Make this_cpu() work on the calling CPU. */
void cpu_init_self(unsigned id);

#endif
