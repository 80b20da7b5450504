/* SPDX-License-Identifier: MIT */
/*
 * The trap table that every CPU of a PV kernel uses, and its registration.
 */
#ifndef PVK_PV_TRAPS_H
#define PVK_PV_TRAPS_H

#include <xen/xen.h>

extern const struct trap_info pv_trap_table[];

/* Register the trap table and the callbacks for the calling CPU. */
void pv_traps_init_cpu(void);

#endif
