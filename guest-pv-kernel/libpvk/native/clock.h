/* SPDX-License-Identifier: MIT */
/*
 * The start of the clock: once, and on each CPU.
 */
#ifndef PVK_NATIVE_CLOCK_H
#define PVK_NATIVE_CLOCK_H

void clock_init(void);
void clock_init_cpu(void);

#endif
