/* SPDX-License-Identifier: MIT */
/*
 * Foreign mappings: ordinary page-table updates that name the other domain as the owner of the frames.
 */
#include "pvk/pv/foreign.h"

#include <xen/errno.h>

#include "common/compiler.h"
#include "common/typed_int.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/pagetable.h"

#define BATCH 64u

/* Issue updates for the domain's frames; each gets its own error, and a refused one does not stop those behind it. */
static size_t issue(unsigned domid, const struct mmu_update *updates, unsigned count, int *errors)
{
    size_t refused = 0;
    unsigned at = 0;

    while (at < count) {
        unsigned done = 0;
        long rc = hc_mmu_update(&updates[at], count - at, &done, domid);

        for (unsigned i = 0; i < done && errors != NULL; i++) {
            errors[at + i] = 0;
        }
        at += done;
        if (rc == 0) {
            break;
        }
        if (at < count) {
            if (errors != NULL) {
                errors[at] = (int)rc;
            }
            refused++;
            at++;
        }
    }
    return refused;
}

void *map_foreign(unsigned domid, const uint64_t *mfns, size_t count, unsigned rights, int *errors)
{
    struct mmu_update updates[BATCH];
    char *va = window_alloc(count);
    size_t refused = 0;

    if (va == NULL) {
        return NULL;
    }
    for (size_t start = 0; start < count; start += BATCH) {
        unsigned n = (unsigned)MIN(count - start, (size_t)BATCH);

        for (unsigned i = 0; i < n; i++) {
            struct pt_entry l1;

            if (!pt_find(&kernel_space, (uintptr_t)va + (start + i) * PAGE_SIZE, 1, true, &l1)) {
                unmap_foreign(va, count);
                return NULL;
            }
            updates[i].ptr = maddr_raw(l1.where) | MMU_NORMAL_PT_UPDATE;
            updates[i].val = pte_make(mfn_make(mfns[start + i]), pte_flags(rights & ~MAP_X));
        }
        refused += issue(domid, updates, n, errors == NULL ? NULL : errors + start);
    }
    if (refused == count || (errors == NULL && refused > 0)) {
        unmap_foreign(va, count);
        return NULL;
    }
    return va;
}

void *map_resource(unsigned domid, uint64_t mfn)
{
    struct mmu_update update;
    struct pt_entry l1;
    char *va = window_alloc(1);

    if (va == NULL) {
        return NULL;
    }
    if (pt_find(&kernel_space, (uintptr_t)va, 1, true, &l1)) {
        /* The number is the machine's, also where the domain counts its frames otherwise. */
        update.ptr = maddr_raw(l1.where) | MMU_PT_UPDATE_NO_TRANSLATE;
        update.val = pte_make(mfn_make(mfn), pte_flags(MAP_R | MAP_W));
        if (issue(domid, &update, 1, NULL) == 0) {
            return va;
        }
    }
    unmap_foreign(va, 1);
    return NULL;
}

void unmap_foreign(void *va, size_t count)
{
    int rc = map_remove(va, count);

    if (rc == 0) {
        window_free(va, count); /* what could not be unmapped must not be handed out again */
    }
}
