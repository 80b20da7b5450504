/* SPDX-License-Identifier: MIT */
/*
 * The hypercall page: 128 stubs of 32 bytes, stub n issues hypercall n (ABI: XEN_ELFNOTE_HYPERCALL_PAGE).
 */
#ifndef PV_HYPERCALL_PAGE_H
#define PV_HYPERCALL_PAGE_H

#include <stdint.h>

/* Fill one 4 KiB page. */
void hypercall_page_fill(uint8_t *page);

#endif
