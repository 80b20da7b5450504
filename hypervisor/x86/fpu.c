/* SPDX-License-Identifier: MIT */
/*
 * FPU state of vCPUs. Layout of the save area: SDM vol. 1, 10.5 (FXSAVE) and 13.4 (XSAVE, standard format).
 * Invariant: XCR0 is the same on all CPUs and covers what guests may use, so that a save area holds all of a guest's state;
 * the hypervisor itself leaves every FPU register as it was.
 */
#include "x86/fpu.h"

#include "common/compiler.h"
#include "common/string.h"
#include "x86/cpu.h"
#include "x86/extable.h"
#include "x86/guest_state.h"

#define XCR0_X87        1ul
#define XCR0_SSE        2ul
#define XCR0_AVX        4ul

#define FXSAVE_BYTES    512u
#define XSAVE_MIN_BYTES 576u
#define FCW_OFFSET      0
#define MXCSR_OFFSET    24
#define FCW_INITIAL     0x037f
#define MXCSR_INITIAL   0x1f80u
#define MXCSR_VALID     0xffbfu

static uint64_t xcr0;
static size_t area_bytes = FXSAVE_BYTES;

static void xcr0_load(void)
{
    __asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)xcr0), "d"((uint32_t)(xcr0 >> 32)));
}

void fpu_init(void)
{
    struct cpuid_regs r;

    if (!cpu_features.xsave) {
        return;
    }
    if (xcr0 == 0) {
        r = cpuid(0xd, 0);
        xcr0 = (XCR0_X87 | XCR0_SSE | XCR0_AVX) & (((uint64_t)r.edx << 32) | r.eax);
    }
    xcr0_load();
    area_bytes = ALIGN_UP(MAX((size_t)cpuid(0xd, 0).ebx, (size_t)XSAVE_MIN_BYTES),
                          (size_t)64); /* for XCR0 as loaded */
}

size_t fpu_area_size(void)
{
    return area_bytes;
}

uint64_t fpu_xcr0_supported(void)
{
    return xcr0;
}

void fpu_area_reset(void *area)
{
    const uint16_t fcw = FCW_INITIAL;
    const uint32_t mxcsr = MXCSR_INITIAL;

    /* With XSTATE_BV = 0 XRSTOR gives the initial state; the legacy fields are what FXRSTOR and readers of it see. */
    memset(area, 0, area_bytes);
    memcpy((char *)area + FCW_OFFSET, &fcw, sizeof(fcw));
    memcpy((char *)area + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
}

void fpu_area_legacy_set(void *area, const void *fxsave)
{
    uint8_t *to = area;
    uint32_t mxcsr;
    uint64_t xstate_bv;

    memcpy(to, fxsave, FXSAVE_BYTES);
    memcpy(&mxcsr, to + MXCSR_OFFSET, sizeof(mxcsr));
    mxcsr &= MXCSR_VALID; /* reserved bits would fault when the state is loaded */
    memcpy(to + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
    if (cpu_features.xsave) { /* the XSAVE header's XSTATE_BV follows */
        memcpy(&xstate_bv, to + FXSAVE_BYTES, sizeof(xstate_bv));
        xstate_bv |= XCR0_X87 | XCR0_SSE;
        memcpy(to + FXSAVE_BYTES, &xstate_bv, sizeof(xstate_bv));
    }
}

void fpu_save(void *area)
{
    if (cpu_features.xsaveopt) {
        __asm__ volatile("xsaveopt64 (%0)"
                         :
                         : "r"(area), "a"((uint32_t)xcr0), "d"((uint32_t)(xcr0 >> 32))
                         : "memory");
    } else if (cpu_features.xsave) {
        __asm__ volatile("xsave64 (%0)"
                         :
                         : "r"(area), "a"((uint32_t)xcr0), "d"((uint32_t)(xcr0 >> 32))
                         : "memory");
    } else {
        __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
    }
}

/* Sixteen bytes at a time. The register is lent by whoever's state is loaded; where CR0.TS keeps it, words have to do. */
void fpu_zero_page(void *page)
{
    char *at = (char *)page + 128, was[16]; /* from the middle of a round: short offsets reach all of it */

    if (read_cr0() & CR0_TS) {
        memset(page, 0, 4096);
        return;
    }
    __asm__ volatile("movups %%xmm0, %[was]\n"
                     "xorps %%xmm0, %%xmm0\n"
                     "1:\n"
                     ".set offset, -128\n"
                     ".rept 16\n"
                     "movaps %%xmm0, offset(%[at])\n"
                     ".set offset, offset + 16\n"
                     ".endr\n"
                     "add $256, %[at]\n"
                     "cmp %[end], %[at]\n"
                     "jb 1b\n"
                     "movups %[was], %%xmm0"
                     : [at] "+r"(at), [was] "=m"(was)
                     : [end] "r"((char *)page + 4096)
                     : "memory", "cc");
}

/* Loads the area; 0, or not 0 where the CPU refuses what is in it. */
static int restore_try(const void *area)
{
    int refused = 1;

    if (cpu_features.xsave) {
        __asm__ volatile("1: xrstor64 (%[area])\n"
                         "   xor %k[refused], %k[refused]\n"
                         "2:\n" EXTABLE("1b", "2b")
                         : [refused] "+&r"(refused)
                         : [area] "r"(area), "a"((uint32_t)xcr0), "d"((uint32_t)(xcr0 >> 32))
                         : "memory");
    } else {
        __asm__ volatile("1: fxrstor64 (%[area])\n"
                         "   xor %k[refused], %k[refused]\n"
                         "2:\n" EXTABLE("1b", "2b")
                         : [refused] "+&r"(refused)
                         : [area] "r"(area)
                         : "memory");
    }
    return refused;
}

void fpu_restore(void *area)
{
    if (unlikely(restore_try(area))) {
        /* A context from a control domain may hold anything: reserved bits in MXCSR or in the XSAVE header. */
        fpu_area_reset(area);
        restore_try(area);
    }
}
