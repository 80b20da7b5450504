/* SPDX-License-Identifier: MIT */
/*
 * The flag protocol of a version-1 grant entry, which two parties change at once: the granting guest and we on behalf of
 * the mapping one. Pure: works on the entry's 32-bit word {flags, domid} by compare-and-swap, never on a pointer chain.
 */
#ifndef GRANT_GRANT_ENTRY_H
#define GRANT_GRANT_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

enum grant_verdict {
    GRANT_OK,
    GRANT_NOT_PERMITTED, /* no access entry, or for another domain */
    GRANT_READ_ONLY,     /* write access asked of a read-only entry */
    GRANT_UNSTABLE,      /* the guest kept changing the word */
};

/* Mark the entry as in use (GTF_reading, and GTF_writing for write access) for domain domid. */
enum grant_verdict grant_entry_pin(uint32_t *word, uint16_t domid, bool write);

/* Take marks off again; the rest of the word is the guest's. */
void grant_entry_unpin(uint32_t *word, bool clear_writing, bool clear_reading);

#endif
