/* SPDX-License-Identifier: MIT */
/*
 * Walks page tables through the linear map, adds missing tables, and issues updates one by one or in batches.
 * Invariant: a page becomes read-only before it becomes a table, and stops being a table before it is writable again; the
 * hypervisor refuses anything else.
 */
#include "pvk/pv/pagetable.h"

#include "libpvk/pv/early.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/pv/start_info.h"
#include "pvk/spinlock.h"
#include "pvk/traps.h"

/* Tables grant everything; the level 1 entry decides. */
#define TABLE_FLAGS (PTE_P | PTE_W | PTE_US | PTE_A | PTE_D)

struct pt_space kernel_space;

static struct spinlock lock; /* adding tables: two CPUs must not add the same one */

int pt_write(maddr_t where, uint64_t entry)
{
    struct mmu_update update = {.ptr = maddr_raw(where) | MMU_NORMAL_PT_UPDATE, .val = entry};

    return (int)hc_mmu_update(&update, 1, NULL, DOMID_SELF);
}

void pt_batch_start(struct pt_batch *batch)
{
    batch->count = 0;
    batch->rc = 0;
}

int pt_batch_finish(struct pt_batch *batch)
{
    _Static_assert(sizeof(batch->updates[0]) == sizeof(struct mmu_update), "same layout");
    if (batch->rc == 0 && batch->count > 0) {
        batch->rc = (int)hc_mmu_update((const struct mmu_update *)batch->updates, batch->count,
                                       NULL, DOMID_SELF);
    }
    batch->count = 0;
    return batch->rc;
}

void pt_batch_add(struct pt_batch *batch, maddr_t where, uint64_t entry)
{
    batch->updates[batch->count].where = maddr_raw(where) | MMU_NORMAL_PT_UPDATE;
    batch->updates[batch->count].entry = entry;
    if (++batch->count == PT_BATCH) {
        pt_batch_finish(batch);
    }
}

static void flush(unsigned cmd, uint64_t linear_addr)
{
    struct mmuext_op op = {.cmd = cmd};
    long rc;

    op.arg1.linear_addr = linear_addr;
    rc = hc_mmuext_op(&op, 1, NULL, DOMID_SELF);
    ASSERT(rc == 0);
}

void pt_flush_all(void)
{
    flush(MMUEXT_TLB_FLUSH_ALL, 0);
}

void pt_flush_page(const void *va)
{
    flush(MMUEXT_INVLPG_ALL, (uintptr_t)va);
}

int pt_page_set_rights(void *va, unsigned rights)
{
    uint64_t pte = pte_make(mfn_of_pfn(pfn_of_va(va)), pte_flags(rights));

    return (int)hc_update_va_mapping(va, pte, UVMF_INVLPG | UVMF_ALL);
}

void *pt_table_alloc(void)
{
    void *table = early_active() ? early_page() : page_alloc(0);

    if (table != NULL && pt_page_set_rights(table, MAP_R) != 0) {
        return NULL; /* the page is lost, but the hypervisor only refuses when something is very wrong */
    }
    return table;
}

void pt_table_free(void *table)
{
    int rc = pt_page_set_rights(table, MAP_R | MAP_W);

    ASSERT(rc == 0);
    page_free(table, 0);
}

/* The table that an entry points to, in the linear map. */
static uint64_t *table_of(uint64_t entry)
{
    pfn_t pfn;

    if (!pfn_of_mfn(pte_mfn(entry), &pfn)) {
        crash("page-table entry %#lx points to a frame that is not ours", entry);
    }
    return va_of_pfn(pfn);
}

static bool add_table(const struct pt_space *space, uint64_t *table, unsigned level, unsigned index)
{
    uint64_t *next = pt_table_alloc();
    uint64_t entry;

    if (next == NULL) {
        return false;
    }
    entry = pte_make(mfn_of_pfn(pfn_of_va(next)), TABLE_FLAGS);
    if (pt_write(maddr_of_va(&table[index]), entry) != 0) {
        return false;
    }
    if (level == PT_LEVELS && space->user_root != NULL) {
        return pt_write(maddr_of_va(&space->user_root[index]), entry) == 0;
    }
    return true;
}

bool pt_find(const struct pt_space *space, uintptr_t va, unsigned level, bool create,
             struct pt_entry *found)
{
    uint64_t *table = space->kernel_root;

    for (unsigned at = PT_LEVELS; at > level; at--) {
        volatile uint64_t *entry = &table[pt_index(va, at)];

        if ((*entry & PTE_P) == 0 && create) {
            irq_state was = spin_lock(&lock);
            bool ok = (*entry & PTE_P) != 0 || add_table(space, table, at, pt_index(va, at));

            spin_unlock(&lock, was);
            if (!ok) {
                return false;
            }
        }
        if ((*entry & PTE_P) == 0) {
            return false;
        }
        table = table_of(*entry);
    }
    found->entry = &table[pt_index(va, level)];
    found->where = maddr_of_va(&table[pt_index(va, level)]);
    return true;
}
