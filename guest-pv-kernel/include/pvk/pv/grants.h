/* SPDX-License-Identifier: MIT */
/*
 * Grants: letting one other domain use one of our pages, and using a page of theirs. Version 1 of the table.
 */
#ifndef PVK_PV_GRANTS_H
#define PVK_PV_GRANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/compiler.h"
#include "common/typed_int.h"

/* Let a domain map or copy a page of ours. The reference to tell it, or -errno. */
long grant_page(unsigned domid, const void *page, bool read_only) __must_check;

/* Take it back: 0, or -EBUSY while the other domain has it mapped (nothing has changed then). */
int grant_end(uint32_t ref);

/* The machine frame of the table's first page: the hypervisor's, which we may map as well. 0: there is no table. */
uint64_t grant_table_mfn(void);

/* A page of another domain, mapped in our window. */
struct grant_mapping {
    void *va;
    uint32_t handle;
};

/* Map a page that a domain has granted us: 0 or -errno. */
int grant_map(unsigned domid, uint32_t ref, bool read_only,
              struct grant_mapping *mapping) __must_check;
int grant_unmap(struct grant_mapping *mapping);

/* Copy len bytes (within a page) from the granted page of a domain to memory of ours in the linear map, or back. */
int grant_copy_from(unsigned domid, uint32_t ref, size_t offset, void *dst,
                    size_t len) __must_check;
int grant_copy_to(unsigned domid, uint32_t ref, size_t offset, const void *src,
                  size_t len) __must_check;

#endif
