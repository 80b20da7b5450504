/* SPDX-License-Identifier: MIT */
/*
 * Walks page tables, adds missing ones, and makes all CPUs forget old translations.
 * Invariant: a CPU that waits for the others to flush goes on serving their requests, so two that ask each other both get on.
 */
#include "libpvk/native/pagetable.h"

#include "libpvk/core/cpu.h"
#include "libpvk/native/apic.h"
#include "libpvk/native/descriptors.h"
#include "libpvk/native/insn.h"
#include "libpvk/native/memory.h"
#include "libpvk/native/smp.h"
#include "pvk/smp.h"
#include "pvk/spinlock.h"

/* Tables grant everything; the level 1 entry decides. */
#define TABLE_FLAGS (PTE_P | PTE_W | PTE_US | PTE_A)

uint64_t *kernel_root;

static struct spinlock lock; /* adding tables: two CPUs must not add the same one */
static uint64_t flush_asked[PVK_MAX_CPUS];
static uint64_t flush_done[PVK_MAX_CPUS]; /* written by the CPU itself */

uint64_t pte_flags(unsigned rights)
{
    return PTE_P | PTE_A | ((rights & MAP_W) != 0 ? PTE_W | PTE_D : 0) |
           ((rights & MAP_X) != 0 ? 0 : PTE_NX) | ((rights & MAP_USER) != 0 ? PTE_US : 0);
}

static void add_table(volatile uint64_t *entry)
{
    irq_state was = spin_lock(&lock);

    if ((*entry & PTE_P) == 0) {
        void *table = memory_table_page();

        if (table != NULL) {
            *entry = pfn_raw(pfn_of_va(table)) << PAGE_SHIFT | TABLE_FLAGS;
        }
    }
    spin_unlock(&lock, was);
}

volatile uint64_t *pt_find(uint64_t *root, uintptr_t va, unsigned level, bool create)
{
    uint64_t *table = root;

    for (unsigned at = PT_LEVELS;; at--) {
        volatile uint64_t *entry = &table[va >> (PAGE_SHIFT + 9 * (at - 1)) & (PT_ENTRIES - 1)];

        if (at == level) {
            return entry;
        }
        if ((*entry & PTE_P) == 0 && create) {
            add_table(entry);
        }
        if ((*entry & PTE_P) == 0) {
            return NULL;
        }
        table = va_of_pfn(pfn_make((*entry & PTE_ADDR) >> PAGE_SHIFT));
    }
}

void pt_flush_requested(void)
{
    unsigned self = this_cpu()->id;
    uint64_t asked = __atomic_load_n(&flush_asked[self], __ATOMIC_ACQUIRE);

    if (asked != flush_done[self]) {
        insn_write_cr3(insn_read_cr3());
        __atomic_store_n(&flush_done[self], asked, __ATOMIC_RELEASE);
    }
}

/* Ask every other CPU that runs, and wait until all have answered. */
static void flush_others(void)
{
    irq_state was = irq_save();
    unsigned self = this_cpu()->id;
    uint64_t asked[PVK_MAX_CPUS] = {0};

    for (unsigned cpu = 0; cpu < PVK_MAX_CPUS; cpu++) {
        if (cpu != self && cpu_is_online(cpu)) {
            asked[cpu] = __atomic_add_fetch(&flush_asked[cpu], 1, __ATOMIC_ACQ_REL);
            apic_send(cpu_apic_id(cpu), VECTOR_FLUSH);
        }
    }
    for (unsigned cpu = 0; cpu < PVK_MAX_CPUS; cpu++) {
        while (__atomic_load_n(&flush_done[cpu], __ATOMIC_ACQUIRE) < asked[cpu]) {
            pt_flush_requested();
            __builtin_ia32_pause();
        }
    }
    irq_restore(was);
}

void pt_flush_page(const void *va)
{
    insn_invlpg(va);
    if (cpus_started() > 1) {
        flush_others();
    }
}

void pt_flush_all(void)
{
    insn_write_cr3(insn_read_cr3());
    if (cpus_started() > 1) {
        flush_others();
    }
}
