/* SPDX-License-Identifier: MIT */
/* Interrupts from CPU to CPU, for <pvk/smp.h>; the back ends send and count them. */
#include "common/compiler.h"
#include "libpvk/core/cpu.h"
#include "libpvk/core/sched.h"
#include "pvk/smp.h"

void cpu_kick(unsigned cpu)
{
    backend_kick_cpu(cpu);
}

uint64_t cpu_nr_kicks(unsigned cpu)
{
    return READ_ONCE(cpus[cpu].nr_kicks);
}
