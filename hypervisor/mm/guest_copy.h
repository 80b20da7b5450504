/* SPDX-License-Identifier: MIT */
/*
 * Copies between the hypervisor and the *current* guest's address space. Every call checks that the
 * whole span is canonical and outside the hypervisor's range; a fault gives -EFAULT. Read once,
 * check the copy, never read again.
 */
#ifndef MM_GUEST_COPY_H
#define MM_GUEST_COPY_H

#include <stddef.h>

#include "common/compiler.h"
#include "common/typed_int.h"

int guest_read(void *dst, gva_t src, size_t bytes) __must_check;
int guest_write(gva_t dst, const void *src, size_t bytes) __must_check;

/* Element idx of an array of elements of size bytes at base; overflow of the address is -EFAULT. */
int guest_read_elem(void *dst, gva_t base, uint64_t idx, size_t bytes) __must_check;
int guest_write_elem(gva_t base, uint64_t idx, const void *src, size_t bytes) __must_check;

/* Is [gva, gva+bytes) all guest territory? */
bool guest_range_ok(gva_t gva, uint64_t bytes);
/* Canonical address (48-bit). */
bool va_canonical(uint64_t va);

/* One field of a structure at guest address ptr. */
#define guest_write_field(ptr, type, field, value)                                                 \
    ({                                                                                             \
        __typeof__(((type *)0)->field) gwf_ = (value);                                             \
        guest_write(gva_add(ptr, offsetof(type, field)), &gwf_, sizeof(gwf_));                     \
    })

#endif
