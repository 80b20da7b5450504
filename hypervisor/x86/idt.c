/* SPDX-License-Identifier: MIT */
/*
 * The interrupt descriptor table, one for all CPUs. Gates: SDM vol. 3, 6.14.1. All are interrupt gates (IF = 0 on entry).
 * Only INT3 and INTO are open to ring 3; every other INT n arrives as #GP, from which pv/ delivers what the guest allows.
 */
#include "common/compiler.h"
#include "x86/cpu.h"
#include "x86/gdt_tss.h"
#include "x86/layout.h"

#define GATE_INTERRUPT 0x8e00u /* present, 64-bit interrupt gate */
#define GATE_DPL3      0x6000u
#define STUB_BYTES     16ul

struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint16_t flags; /* IST in the low bits */
    uint16_t offset_mid;
    uint32_t offset_high;
    uint32_t reserved;
};

static struct gate idt[256] __aligned_to(4096);

extern const uint8_t vector_stubs[];

void idt_init(void)
{
    for (unsigned int v = 0; v < ARRAY_SIZE(idt); v++) {
        uint64_t stub = (uint64_t)vector_stubs + v * STUB_BYTES;
        uint16_t flags = GATE_INTERRUPT;

        flags |= v == VEC_NMI  ? IST_NMI
                 : v == VEC_DF ? IST_DF
                 : v == VEC_MC ? IST_MC
                 : v == VEC_DB ? IST_DB
                               : 0;
        flags |= (v == VEC_BP || v == VEC_OF) ? GATE_DPL3 : 0;
        idt[v] = (struct gate){(uint16_t)stub,         SEL_HV_CS, flags, (uint16_t)(stub >> 16),
                               (uint32_t)(stub >> 32), 0};
    }
}

void idt_load(void)
{
    const struct {
        uint16_t limit;
        uint64_t base;
    } __packed_struct reg = {sizeof(idt) - 1, (uint64_t)idt};

    __asm__ volatile("lidt %0" : : "m"(reg));
}
