/* SPDX-License-Identifier: MIT */
/*
 * Eager FPU switching with XSAVE where there, FXSAVE otherwise. Each vCPU has one save area of fpu_area_size() bytes;
 * a fresh area holds the architectural initial state.
 */
#ifndef X86_FPU_H
#define X86_FPU_H

#include <stddef.h>
#include <stdint.h>

void fpu_init(void);             /* per CPU */
size_t fpu_area_size(void);      /* bytes, 64-byte aligned areas */
void fpu_area_reset(void *area);
/* Take over an FXSAVE image (512 bytes) from outside; bits that the CPU would refuse are dropped. */
void fpu_area_legacy_set(void *area, const void *fxsave);
void fpu_save(void *area);
void fpu_restore(void *area); /* an area that the CPU refuses is reset to the initial state */
void fpu_zero_page(void *page);
uint64_t fpu_xcr0_supported(void); /* what guests may enable: x87, SSE and AVX where there */

#endif
