/* SPDX-License-Identifier: MIT */
/*
 * TLB maintenance. Guest mappings are never global, so loading CR3 forgets all of them; the hypervisor's are.
 * A flush has happened on every CPU of the mask when a call returns: callers may reuse the frame at once.
 */
#ifndef X86_TLB_H
#define X86_TLB_H

#include <stdint.h>

void tlb_flush_local(void);                          /* all guest translations of this CPU */
void tlb_flush_local_va(uint64_t va);                /* one page */
void tlb_flush_cpus(uint64_t cpus);                  /* all guest translations on these CPUs */
void tlb_flush_cpus_va(uint64_t cpus, uint64_t va);  /* one page on these CPUs */
void tlb_flush_hv_all(void);                         /* hypervisor (global) translations, all CPUs */

#endif
