/* SPDX-License-Identifier: MIT */
/*
 * CPUs as the machine names them.
 */
#ifndef PVK_NATIVE_SMP_H
#define PVK_NATIVE_SMP_H

#include "common/compiler.h"

unsigned cpu_apic_id(unsigned cpu);

/* How many CPUs have been started so far. */
unsigned cpus_started(void);

/* head.S: the first C function of another CPU. Interrupts are off. */
__noreturn_fn void secondary_main(unsigned id);

#endif
