/* SPDX-License-Identifier: MIT */
/*
 * The one primitive that touches guest virtual memory: a copy that survives faults. Range checks are the caller's
 * (mm/guest_copy.h, the only user besides the PV bounce paths); SMAP is opened just around the access.
 */
#ifndef X86_UACCESS_H
#define X86_UACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/compiler.h"

/* Both return the number of bytes NOT copied: 0 is success. A write fault on a read-only page counts as a fault. */
size_t uaccess_read(void *dst, const void *guest_src, size_t n) __must_check;
size_t uaccess_write(void *guest_dst, const void *src, size_t n) __must_check;

/* The same for eight bytes, in the fewest instructions; false: not read. */
bool uaccess_read_u64(uint64_t *dst, const void *guest_src) __must_check;

/* Load a selector into DS/ES/FS/GS or CS-independent state; 0 or -EFAULT when the CPU refuses it. */
enum seg_reg { SEG_DS, SEG_ES, SEG_FS, SEG_GS };
int segment_load_safe(enum seg_reg seg, uint16_t sel) __must_check;

#endif
