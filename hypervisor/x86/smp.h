/* SPDX-License-Identifier: MIT */
/* Bringing up the other CPUs. */
#ifndef X86_SMP_H
#define X86_SMP_H

#include <stdint.h>

/*
 * Start the CPUs with these local APIC ids (the boot CPU's own is skipped), at most max_cpus in all with it. `trampoline`
 * is the address of a free page of RAM below 1 MiB. A CPU that does not answer is named and left out.
 */
void smp_start(const uint32_t *apic_ids, uint32_t nr, uint32_t max_cpus, uint64_t trampoline);

#endif
