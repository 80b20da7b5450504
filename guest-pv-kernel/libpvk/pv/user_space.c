/* SPDX-License-Identifier: MIT */
/*
 * User address spaces. Kernel and user code both run in ring 3, so the page tables alone keep them apart: a space has two roots,
 * one with both halves for the kernel, one with the user half only for user mode. They share all tables of the user half.
 * Invariant: an entry of a root's user half is the same in both roots; both roots are pinned as long as the space exists.
 */
#include <stdlib.h>
#include <string.h>

#include <xen/errno.h>

#include "libpvk/core/cpu.h"
#include "libpvk/core/user.h"
#include "libpvk/pv/user_space.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/pv/pagetable.h"

#define USER_ROOT_ENTRIES 256u /* the lower half of a root */
#define XEN_ROOT_END                                                                               \
    272u /* entries from 256 up to here are the hypervisor's: it fills them in itself */

struct user_space {
    struct pt_space tables;
};

static int mmuext_mfn(unsigned cmd, const void *table)
{
    struct mmuext_op op = {.cmd = cmd};

    op.arg1.mfn = table == NULL ? 0 : mfn_raw(mfn_of_pfn(pfn_of_va(table)));
    return (int)hc_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

/* Make a filled page a pinned root; on failure it is an ordinary page again. */
static int make_root(uint64_t *root)
{
    int rc = pt_page_set_rights(root, MAP_R);

    if (rc == 0) {
        rc = mmuext_mfn(MMUEXT_PIN_L4_TABLE, root);
    }
    if (rc != 0) {
        pt_page_set_rights(root, MAP_R | MAP_W);
    }
    return rc;
}

/* Free the tables below an entry that nothing refers to any more. */
static void free_tables(uint64_t entry, unsigned level)
{
    pfn_t pfn;
    uint64_t *table;

    if ((entry & PTE_P) == 0 || !pfn_of_mfn(pte_mfn(entry), &pfn)) {
        return;
    }
    table = va_of_pfn(pfn);
    if (level > 1) {
        for (unsigned i = 0; i < PT_ENTRIES; i++) {
            free_tables(table[i], level - 1);
        }
    }
    pt_table_free(table);
}

/*
 * Fill a table with copies of the tables below another one, as plain memory: the hypervisor checks all of it at once when the
 * root is pinned. False: memory is short; what has been made hangs in the table.
 */
static bool copy_tables(uint64_t *to, const uint64_t *from, unsigned level, unsigned nr_entries)
{
    for (unsigned i = 0; i < nr_entries; i++) {
        uint64_t *next;
        pfn_t pfn;
        bool ok;

        if ((from[i] & PTE_P) == 0 || !pfn_of_mfn(pte_mfn(from[i]), &pfn)) {
            continue;
        }
        if (level == 1) {
            to[i] = from[i] & ~PTE_W;
            continue;
        }
        next = page_alloc(0);
        if (next == NULL) {
            return false;
        }
        ok = copy_tables(next, va_of_pfn(pfn), level - 1, PT_ENTRIES);
        to[i] = pte_make(mfn_of_pfn(pfn_of_va(next)), from[i] & ~PTE_ADDR);
        if (pt_page_set_rights(next, MAP_R) != 0 || !ok) {
            return false;
        }
    }
    return true;
}

/* from: whose user half to copy; NULL: none. */
static struct user_space *make_space(const struct user_space *from)
{
    struct user_space *space = malloc(sizeof(*space));
    uint64_t *kernel_root = page_alloc(0);
    uint64_t *user_root = page_alloc(0);

    if (space == NULL || kernel_root == NULL || user_root == NULL) {
        goto out_free;
    }
    if (from != NULL &&
        !copy_tables(user_root, from->tables.user_root, PT_LEVELS, USER_ROOT_ENTRIES)) {
        goto out_tables;
    }
    memcpy(kernel_root, user_root, USER_ROOT_ENTRIES * sizeof(*user_root));
    for (unsigned i = XEN_ROOT_END; i < PT_ENTRIES; i++) {
        kernel_root[i] = kernel_space.kernel_root[i];
    }
    if (make_root(kernel_root) != 0) {
        goto out_tables;
    }
    if (make_root(user_root) != 0) {
        mmuext_mfn(MMUEXT_UNPIN_TABLE, kernel_root);
        pt_page_set_rights(kernel_root, MAP_R | MAP_W);
        goto out_tables;
    }
    space->tables = (struct pt_space){kernel_root, user_root};
    return space;

out_tables:
    for (unsigned i = 0; i < USER_ROOT_ENTRIES; i++) {
        free_tables(user_root[i], PT_LEVELS - 1);
    }
out_free:
    if (kernel_root != NULL) {
        page_free(kernel_root, 0);
    }
    if (user_root != NULL) {
        page_free(user_root, 0);
    }
    free(space);
    return NULL;
}

struct user_space *user_space_create(void)
{
    return make_space(NULL);
}

struct user_space *user_space_copy(const struct user_space *from)
{
    return make_space(from);
}

const struct pt_space *user_space_tables(const struct user_space *space)
{
    return &space->tables;
}

void user_space_destroy(struct user_space *space)
{
    uint64_t *kernel_root = space->tables.kernel_root;
    uint64_t *user_root = space->tables.user_root;

    if (this_cpu()->space == space) {
        user_space_use(NULL);
    }
    mmuext_mfn(MMUEXT_UNPIN_TABLE, user_root);
    mmuext_mfn(MMUEXT_UNPIN_TABLE, kernel_root);
    /* Unpinned and in no CR3: nothing is a page table any more, the roots included. Top down, the way that types are dropped. */
    for (unsigned i = 0; i < USER_ROOT_ENTRIES; i++) {
        free_tables(user_root[i], PT_LEVELS - 1);
    }
    pt_table_free(user_root);
    pt_table_free(kernel_root);
    free(space);
}

int user_map(struct user_space *space, uintptr_t va, pfn_t pfn, unsigned rights)
{
    mfn_t mfn = mfn_of_pfn(pfn);
    struct pt_entry l1;
    bool replaces;
    int rc;

    if (va >= USER_END || mfn_eq(mfn, MFN_INVALID)) {
        return -XEN_EINVAL;
    }
    if (!pt_find(&space->tables, va, 1, true, &l1)) {
        return -XEN_ENOMEM;
    }
    replaces = (*l1.entry & PTE_P) != 0;
    rc = pt_write(l1.where, pte_make(mfn, pte_flags(rights | MAP_USER)));
    if (replaces) {
        pt_flush_page((const void *)va);
    }
    return rc;
}

int user_unmap(struct user_space *space, uintptr_t va)
{
    struct pt_entry l1;
    int rc;

    if (va >= USER_END || !pt_find(&space->tables, va, 1, false, &l1)) {
        return -XEN_EINVAL;
    }
    rc = pt_write(l1.where, 0);
    pt_flush_page((const void *)va);
    return rc;
}

void user_space_use(struct user_space *space)
{
    struct cpu *cpu = this_cpu();
    const struct pt_space *tables = space == NULL ? &kernel_space : &space->tables;
    struct mmuext_op ops[2] = {{.cmd = MMUEXT_NEW_BASEPTR}, {.cmd = MMUEXT_NEW_USER_BASEPTR}};
    long rc;

    if (cpu->space == space) {
        return;
    }
    ops[0].arg1.mfn = mfn_raw(mfn_of_pfn(pfn_of_va(tables->kernel_root)));
    ops[1].arg1.mfn = space == NULL ? 0 : mfn_raw(mfn_of_pfn(pfn_of_va(tables->user_root)));
    rc = hc_mmuext_op(ops, ARRAY_SIZE(ops), NULL, DOMID_SELF);
    ASSERT(rc == 0);
    cpu->space = space;
}

void user_regs_init(struct trap_regs *regs)
{
    regs->cs = FLAT_USER_CS64;
    regs->ss = FLAT_USER_SS64;
}

void user_set_entry_stack(uint64_t kernel_rsp)
{
    struct cpu *cpu = this_cpu();
    long rc;

    if (cpu->user_entry_stack == kernel_rsp) {
        return;
    }
    rc = hc_stack_switch(FLAT_KERNEL_SS, (const void *)kernel_rsp);
    ASSERT(rc == 0);
    cpu->user_entry_stack = kernel_rsp;
}
