/* SPDX-License-Identifier: MIT */
/*
 * User address spaces: a root each, whose upper half is the kernel's. The user bit of an entry keeps user code out of the
 * kernel, because the kernel runs in ring 0; one root serves both.
 */
#include <stdlib.h>

#include <xen/errno.h>

#include "libpvk/core/cpu.h"
#include "libpvk/core/user.h"
#include "libpvk/native/insn.h"
#include "libpvk/native/pagetable.h"
#include "pvk/memory.h"

struct user_space {
    uint64_t *root;
};

/* Free a table of the user half and the tables below it; the pages that they map are not theirs. */
static void free_table(uint64_t *table, unsigned level, unsigned nr_entries)
{
    for (unsigned i = 0; level > 1 && i < nr_entries; i++) {
        if ((table[i] & PTE_P) != 0) {
            free_table(va_of_pfn(pfn_make((table[i] & PTE_ADDR) >> PAGE_SHIFT)), level - 1,
                       PT_ENTRIES);
        }
    }
    page_free(table, 0);
}

/* Fill a table with copies of the tables below another one. False: memory is short; what has been made hangs in the table. */
static bool copy_table(uint64_t *to, const uint64_t *from, unsigned level, unsigned nr_entries)
{
    for (unsigned i = 0; i < nr_entries; i++) {
        uint64_t *next;

        if ((from[i] & PTE_P) == 0) {
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
        to[i] = pfn_raw(pfn_of_va(next)) << PAGE_SHIFT | (from[i] & ~PTE_ADDR);
        if (!copy_table(next, va_of_pfn(pfn_make((from[i] & PTE_ADDR) >> PAGE_SHIFT)), level - 1,
                        PT_ENTRIES)) {
            return false;
        }
    }
    return true;
}

/* from: whose user half to copy; NULL: none. */
static struct user_space *make_space(const struct user_space *from)
{
    struct user_space *space = malloc(sizeof(*space));
    uint64_t *root = page_alloc(0);

    if (space == NULL || root == NULL) {
        if (root != NULL) {
            page_free(root, 0);
        }
        free(space);
        return NULL;
    }
    if (from != NULL && !copy_table(root, from->root, PT_LEVELS, PT_ENTRIES / 2)) {
        free_table(root, PT_LEVELS, PT_ENTRIES / 2);
        free(space);
        return NULL;
    }
    for (unsigned i = PT_ENTRIES / 2; i < PT_ENTRIES; i++) {
        root[i] = kernel_root[i];
    }
    space->root = root;
    return space;
}

struct user_space *user_space_create(void)
{
    return make_space(NULL);
}

struct user_space *user_space_copy(const struct user_space *from)
{
    return make_space(from);
}

void user_space_destroy(struct user_space *space)
{
    if (this_cpu()->space == space) {
        user_space_use(NULL);
    }
    free_table(space->root, PT_LEVELS, PT_ENTRIES / 2);
    free(space);
}

int user_map(struct user_space *space, uintptr_t va, pfn_t pfn, unsigned rights)
{
    volatile uint64_t *entry;
    bool replaces;

    if (va >= USER_END || pfn_raw(pfn) > PTE_ADDR >> PAGE_SHIFT) {
        return -XEN_EINVAL;
    }
    entry = pt_find(space->root, va, 1, true);
    if (entry == NULL) {
        return -XEN_ENOMEM;
    }
    replaces = (*entry & PTE_P) != 0;
    *entry = pfn_raw(pfn) << PAGE_SHIFT | pte_flags(rights | MAP_USER);
    if (replaces) {
        pt_flush_page((const void *)va);
    }
    return 0;
}

int user_unmap(struct user_space *space, uintptr_t va)
{
    volatile uint64_t *entry = va < USER_END ? pt_find(space->root, va, 1, false) : NULL;

    if (entry == NULL) {
        return -XEN_EINVAL;
    }
    *entry = 0;
    pt_flush_page((const void *)va);
    return 0;
}

void user_space_use(struct user_space *space)
{
    struct cpu *cpu = this_cpu();
    const uint64_t *root = space == NULL ? kernel_root : space->root;

    if (cpu->space == space) {
        return;
    }
    insn_write_cr3(pfn_raw(pfn_of_va(root)) << PAGE_SHIFT);
    cpu->space = space;
}
