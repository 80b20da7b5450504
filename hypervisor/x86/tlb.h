/* SPDX-License-Identifier: MIT */
/*
 * TLB maintenance. Guest mappings are never global, so loading CR3 forgets all of them; the hypervisor's are,
 * and never change once they are made.
 * A flush has happened on every CPU of the mask when a call returns: callers may reuse the frame at once.
 * The clock counts requests; a CPU that has forgotten all translations since a reading of it needs no flush for that.
 */
#ifndef X86_TLB_H
#define X86_TLB_H

#include <stdbool.h>
#include <stdint.h>

void tlb_flush_local(void);                         /* all guest translations of this CPU */
void tlb_flush_local_va(uint64_t va);               /* one page */
void tlb_flush_cpus(uint64_t cpus);                 /* all guest translations on these CPUs */
void tlb_flush_cpus_va(uint64_t cpus, uint64_t va); /* one page on these CPUs */

/* The clock itself, for entry code that loads roots as tlb_load_cr3() does. */
extern uint64_t tlb_flush_clock;

/* Load a root: forgets all guest translations of this CPU, and says so to tlb_flush_stale(). */
void tlb_load_cr3(uint64_t cr3);

/* Ordered after the stores that removed the translations: a later reading is a later flush. */
static inline uint64_t tlb_clock_read(void)
{
    return __atomic_load_n(&tlb_flush_clock, __ATOMIC_SEQ_CST);
}

/* The clock's low half; read it after the entry that must not be used any more has been cleared. */
static inline uint32_t tlb_clock(void)
{
    return (uint32_t)tlb_clock_read();
}

/* Flush those of the CPUs that may hold translations older than that reading. */
void tlb_flush_stale(uint64_t cpus, uint32_t reading);
/* Would that, asked for all CPUs, interrupt one that runs a guest? An answer for politeness: it may be old already. */
bool tlb_flush_disturbs(uint32_t reading);

#endif
