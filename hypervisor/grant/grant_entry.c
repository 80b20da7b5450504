/* SPDX-License-Identifier: MIT */
/*
 * The version-1 flag protocol. The word is read once per try and only a value that was checked is ever swapped in, so a
 * guest that races gets either a pin it had permitted or a refusal, never a mixture.
 */
#include "grant/grant_entry.h"

#include <xen/grant_table.h>

/* A guest may lose a race against itself now and then; more tries than this are its own doing. */
#define PIN_TRIES 5

enum grant_verdict grant_entry_pin(uint32_t *word, uint16_t domid, bool write)
{
    uint32_t old = __atomic_load_n(word, __ATOMIC_ACQUIRE);

    for (int i = 0; i < PIN_TRIES; i++) {
        uint32_t marks = GTF_reading | (write ? GTF_writing : 0u);

        if ((old & GTF_type_mask) != GTF_permit_access || old >> 16 != domid) {
            return GRANT_NOT_PERMITTED;
        }
        if (write && (old & GTF_readonly)) {
            return GRANT_READ_ONLY;
        }
        if (__atomic_compare_exchange_n(word, &old, old | marks, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            return GRANT_OK;
        }
    }
    return GRANT_UNSTABLE;
}

void grant_entry_unpin(uint32_t *word, bool clear_writing, bool clear_reading)
{
    uint32_t marks = (clear_writing ? GTF_writing : 0u) | (clear_reading ? GTF_reading : 0u);

    if (marks) {
        __atomic_fetch_and(word, ~marks, __ATOMIC_ACQ_REL);
    }
}
