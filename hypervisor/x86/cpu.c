/* SPDX-License-Identifier: MIT */
/*
 * CPU features and per-CPU set-up: control registers, PAT, SYSCALL registers, and the code patches that depend on features.
 * Invariant: every CPU runs with the boot CPU's set; one that lacks a feature of it is not started (cpu_init_ap panics).
 */
#include "x86/cpu.h"

#include "common/errno.h"
#include "common/string.h"
#include "debug/panic.h"
#include "x86/extable.h"
#include "x86/gdt_tss.h"
#include "x86/percpu.h"
#include "x86/traps.h"

#define LEAF_EXT_FEATURES 0x80000001u
#define CSTAR_STUB_OFFSET 64 /* entry.S: the second stub of the page */

/* RFLAGS bits that SYSCALL clears: what could disturb ring 0, whatever the guest had set. */
#define SYSCALL_FLAGS_CLEARED                                                                      \
    (FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_AC)

struct cpu_features cpu_features;
uint64_t cr4_base;

/* Three bytes of code that become others where SMAP is on: STAC, CLAC. */
struct patch_site {
    uint8_t *insn;
    uint8_t bytes[8];
};
extern const struct patch_site __patch_sites_start[], __patch_sites_end[];

extern void syscall_entry(void), syscall32_entry(void);

int rdmsr_safe(uint32_t msr, uint64_t *value)
{
    uint32_t lo;
    uint32_t hi;
    int rc;

    __asm__ volatile("1: rdmsr\n"
                     "   xor %k[rc], %k[rc]\n"
                     "2:\n" EXTABLE("1b", "2b")
                     : "=a"(lo), "=d"(hi), [rc] "=&r"(rc)
                     : "c"(msr), "2"(-EFAULT));
    if (rc == 0) {
        *value = ((uint64_t)hi << 32) | lo;
    }
    return rc;
}

int wrmsr_safe(uint32_t msr, uint64_t value)
{
    int rc;

    __asm__ volatile("1: wrmsr\n"
                     "   xor %k[rc], %k[rc]\n"
                     "2:\n" EXTABLE("1b", "2b")
                     : [rc] "=&r"(rc)
                     : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "0"(-EFAULT)
                     : "memory");
    return rc;
}

static bool bit(uint32_t word, unsigned int n)
{
    return (word >> n) & 1;
}

static void features_read(struct cpu_features *f)
{
    struct cpuid_regs r = cpuid(0, 0);

    f->max_leaf = r.eax;
    memcpy(f->vendor, &r.ebx, 4);
    memcpy(f->vendor + 4, &r.edx, 4);
    memcpy(f->vendor + 8, &r.ecx, 4);
    f->amd = !strcmp(f->vendor, "AuthenticAMD") || !strcmp(f->vendor, "HygonGenuine");

    r = cpuid(1, 0);
    f->signature = r.eax;
    f->pge = bit(r.edx, 13);
    f->pcid = bit(r.ecx, 17);
    f->x2apic = bit(r.ecx, 21);
    f->tsc_deadline = bit(r.ecx, 24);
    f->xsave = bit(r.ecx, 26);
    f->hypervisor = bit(r.ecx, 31);
    if (f->max_leaf >= 7) {
        r = cpuid(7, 0);
        f->fsgsbase = bit(r.ebx, 0);
        f->smep = bit(r.ebx, 7);
        f->smap = bit(r.ebx, 20);
        f->umip = bit(r.ecx, 2);
    }
    if (f->xsave && f->max_leaf >= 0xd) {
        f->xsaveopt = bit(cpuid(0xd, 1).eax, 0);
    }
    f->max_ext_leaf = cpuid(0x80000000, 0).eax;
    r = cpuid(LEAF_EXT_FEATURES, 0);
    f->svm = bit(r.ecx, 2);
    f->syscall = bit(r.edx, 11);
    f->nx = bit(r.edx, 20);
    f->gib_pages = bit(r.edx, 26);
    f->rdtscp = bit(r.edx, 27);
    f->phys_bits = 36;
    f->virt_bits = 48;
    if (f->max_ext_leaf >= 0x80000008) {
        r = cpuid(0x80000008, 0);
        f->phys_bits = (uint8_t)r.eax;
        f->virt_bits = (uint8_t)(r.eax >> 8);
    }
    if (f->max_ext_leaf >= 0x80000007) {
        f->invariant_tsc = bit(cpuid(0x80000007, 0).edx, 8);
    }
}

/* The image is still writable here: the final tables come later. */
static void code_patch(void)
{
    for (const struct patch_site *p = __patch_sites_start; p < __patch_sites_end; p++) {
        memcpy(p->insn, p->bytes, 3);
    }
}

void cpu_entries_reset(void)
{
    struct percpu *p = this_cpu();

    p->syscall_entry = (uint64_t)syscall_entry;
    p->syscall32_entry = (uint64_t)syscall32_entry;
    p->trap_entry = (uint64_t)trap_from_guest;
}

static void registers_init(void)
{
    struct percpu *p = this_cpu();
    uint64_t stubs = PERCPU_AREA_BASE + p->cpu * PERCPU_AREA_SIZE + PCPU_TRAMPOLINE_OFFSET;
    uint64_t cr0 = read_cr0();

    write_cr0((cr0 | CR0_WP | CR0_MP | CR0_NE) & ~(CR0_EM | CR0_TS | CR0_AM));
    write_cr4(cr4_base);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | EFER_NXE);
    wrmsr(MSR_PAT, PAT_VALUE);

    /* SYSRET adds 16 to its base for CS and 8 for SS; SYSCALL adds 8 for SS (SDM vol. 3, 5.8.8). */
    wrmsr(MSR_STAR, ((uint64_t)SEL_GUEST_CS32 << 48) | ((uint64_t)SEL_HV_CS << 32));
    wrmsr(MSR_LSTAR, stubs);
    wrmsr(MSR_CSTAR, stubs + CSTAR_STUB_OFFSET);
    wrmsr(MSR_SFMASK, SYSCALL_FLAGS_CLEARED);
    wrmsr_safe(MSR_SYSENTER_CS, 0); /* SYSENTER faults; AMD has it in legacy mode only */
    cpu_entries_reset();
}

void cpu_init(const struct cpu_options *options)
{
    struct cpu_features *f = &cpu_features;

    features_read(f);
    f->smep = f->smep && !options->no_smep;
    f->smap = f->smap && !options->no_smap;
    f->umip = f->umip && !options->no_umip;
    cr4_base = CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    cr4_base |= f->pge ? CR4_PGE : 0;
    cr4_base |= f->xsave ? CR4_OSXSAVE : 0;
    cr4_base |= f->smep ? CR4_SMEP : 0;
    cr4_base |= f->smap ? CR4_SMAP : 0;
    cr4_base |= f->umip ? CR4_UMIP : 0;
    if (f->smap) {
        code_patch();
    }
    gdt_init();
    idt_init();
    idt_load();
    registers_init();
}

void cpu_init_ap(void)
{
    struct cpu_features mine = {0};
    const struct cpu_features *f = &cpu_features;

    features_read(&mine);
    if ((f->smep && !mine.smep) || (f->smap && !mine.smap) || (f->umip && !mine.umip) ||
        (f->xsave && !mine.xsave) || (f->fsgsbase && !mine.fsgsbase) ||
        (f->xsaveopt && !mine.xsaveopt) || (f->gib_pages && !mine.gib_pages)) {
        panic("CPU %u lacks features of the boot CPU", this_cpu()->cpu);
    }
    gdt_init();
    idt_load();
    registers_init();
}
