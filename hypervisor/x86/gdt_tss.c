/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's page of each CPU's GDT, its TSS with the exception stacks, and the windows that show a vCPU's descriptor
 * frames by rewriting L1 entries of the CPU's area. Descriptor formats: SDM vol. 3, 3.4.5 and 8.2.3.
 * Invariant: only the CPU itself changes its windows, so an INVLPG of its own is all the flushing they need.
 */
#include "x86/gdt_tss.h"

#include "common/compiler.h"
#include "debug/panic.h"
#include "x86/cpu.h"
#include "x86/percpu.h"
#include "x86/pgtable.h"

#define DESC_CODE64_R0 0x00af9b000000ffffull
#define DESC_DATA_R0   0x00cf93000000ffffull
#define DESC_CODE32_R3 0x00cffb000000ffffull
#define DESC_DATA_R3   0x00cff3000000ffffull
#define DESC_CODE64_R3 0x00affb000000ffffull

#define TYPE_LDT       0x82ull /* present, system */
#define TYPE_TSS       0x89ull

#define OWN_OFFSET     (GDT_GUEST_PAGES * 0x1000ul)
#define SLOT(sel)      (((sel)&0xffffu) - OWN_OFFSET) / 8

struct table_reg {
    uint16_t limit;
    uint64_t base;
} __packed_struct;

/* What window pages without a frame show: one page of zeroes for all CPUs, never written. */
static const uint8_t empty_page[4096] __aligned_to(4096);

static uint64_t own_area(void)
{
    return PERCPU_AREA_BASE + this_cpu()->cpu * PERCPU_AREA_SIZE;
}

static uint64_t *own_gdt(void)
{
    return (uint64_t *)(own_area() + PCPU_GDT_OFFSET + OWN_OFFSET);
}

static void system_descriptor_set(uint16_t selector, uint64_t type, uint64_t base, uint32_t limit)
{
    uint64_t *slot = &own_gdt()[SLOT(selector)];

    slot[0] = (limit & 0xffff) | ((base & 0xffffff) << 16) | (type << 40) |
              ((uint64_t)(limit >> 16) << 48) | (((base >> 24) & 0xff) << 56);
    slot[1] = base >> 32;
}

static void load_selectors(void)
{
    __asm__ volatile("pushq %0\n"
                     "leaq 1f(%%rip), %%rax\n"
                     "pushq %%rax\n"
                     "lretq\n"
                     "1: mov %1, %%ss\n"
                     "mov %1, %%ds\n"
                     "mov %1, %%es\n"
                     "mov %2, %%fs\n"
                     "mov %2, %%gs\n"
                     :
                     : "i"(SEL_HV_CS), "r"(SEL_HV_DS), "r"(0)
                     : "rax", "memory");
}

void gdt_init(void)
{
    struct percpu *p = this_cpu();
    uint64_t area = own_area();
    uint64_t *gdt = own_gdt();
    const struct table_reg reg = {(GDT_GUEST_PAGES + 1) * 0x1000 - 1, area + PCPU_GDT_OFFSET};

    gdt[SLOT(SEL_HV_CS)] = DESC_CODE64_R0;
    gdt[SLOT(SEL_HV_DS)] = DESC_DATA_R0;
    gdt[SLOT(SEL_GUEST_CS32)] = DESC_CODE32_R3;
    gdt[SLOT(SEL_GUEST_DS)] = DESC_DATA_R3;
    gdt[SLOT(SEL_GUEST_CS64)] = DESC_CODE64_R3;

    for (unsigned int n = IST_NMI; n <= IST_DB; n++) {
        p->tss.ist[n - 1] = area + PCPU_IST_OFFSET + n * 0x2000ul;
    }
    p->tss.iobase = sizeof(p->tss); /* past the limit: no port is open to ring 3 */
    system_descriptor_set(SEL_TSS, TYPE_TSS, (uint64_t)&p->tss, sizeof(p->tss) - 1);

    __asm__ volatile("lgdt %0" : : "m"(reg));
    load_selectors();
    __asm__ volatile("ltr %w0" : : "r"(SEL_TSS));
    __asm__ volatile("lldt %w0" : : "r"(0));
}

static uint64_t empty_entry(void)
{
    return image_pa(empty_page) | HV_PTE_P | HV_PTE_A | HV_PTE_G | HV_PTE_NX;
}

void windows_clear(uint64_t *area_ptes)
{
    for (unsigned int i = 0; i < GDT_GUEST_PAGES; i++) {
        area_ptes[(PCPU_GDT_OFFSET >> 12) + i] = empty_entry();
    }
    for (unsigned int i = 0; i < LDT_GUEST_PAGES; i++) {
        area_ptes[(PCPU_LDT_OFFSET >> 12) + i] = empty_entry();
    }
}

/* Point window page `page` at a frame. */
static void window_page_set(uint64_t offset, unsigned int page, mfn_t frame)
{
    uint64_t *pte = &this_cpu()->area_ptes[(offset >> 12) + page];
    uint64_t entry = empty_entry();

    if (!mfn_eq(frame, MFN_INVALID)) {
        /* Writable, for the CPU sets the accessed bit of descriptors that it loads. */
        entry = maddr_raw(maddr_of_mfn(frame)) | HV_PTE_P | HV_PTE_RW | HV_PTE_A | HV_PTE_D |
                HV_PTE_G | HV_PTE_NX;
    }
    if (*pte != entry) {
        WRITE_ONCE(*pte, entry);
        invlpg(own_area() + offset + page * 0x1000ul);
    }
}

void gdt_window_set(const mfn_t *frames, unsigned int nr_frames)
{
    for (unsigned int i = 0; i < GDT_GUEST_PAGES; i++) {
        window_page_set(PCPU_GDT_OFFSET, i, i < nr_frames ? frames[i] : MFN_INVALID);
    }
}

void ldt_window_set(const mfn_t *frames, unsigned int nr_ents)
{
    unsigned int nr_frames = (nr_ents + 511) / 512;

    for (unsigned int i = 0; i < LDT_GUEST_PAGES; i++) {
        window_page_set(PCPU_LDT_OFFSET, i, i < nr_frames ? frames[i] : MFN_INVALID);
    }
    if (nr_ents == 0) {
        __asm__ volatile("lldt %w0" : : "r"(0));
        return;
    }
    system_descriptor_set(SEL_LDT, TYPE_LDT, own_area() + PCPU_LDT_OFFSET, nr_ents * 8 - 1);
    __asm__ volatile("lldt %w0" : : "r"(SEL_LDT));
}
