/* SPDX-License-Identifier: MIT */
/*
 * GDT, TSS and IDT, and how an entry through them becomes the one that the shared code knows.
 * Invariant: every gate switches interrupts off, so that the fault address is read before anything else runs.
 */
#include "libpvk/native/descriptors.h"

#include "libpvk/core/backend.h"
#include "libpvk/core/cpu.h"
#include "libpvk/core/user.h"
#include "libpvk/core/vectors.h"
#include "libpvk/native/asm.h"
#include "libpvk/native/insn.h"
#include "pvk/traps.h"

#define NR_EXCEPTIONS  32u
#define IST_STACK_SIZE 2048u

/* 64-bit code and data of rings 0 and 3 (SDM vol. 3, 3.4.5); limits and bases are ignored in long mode. */
#define GDT_KERNEL_CODE 0x00af9a000000fffful
#define GDT_KERNEL_DATA 0x00cf92000000fffful
#define GDT_USER_DATA   0x00cff2000000fffful
#define GDT_USER_CODE   0x00affa000000fffful
#define TSS_AVAILABLE   0x89ul

#define GATE_INTERRUPT  0x8e00ul /* present, type 14 (SDM vol. 3, 6.14.1) */
#define GATE_FROM_USER  0x6000ul /* an int instruction of ring 3 may use it */

/* Flags that a system call clears: interrupts, direction, single step, nested task, alignment check. */
#define SYSCALL_CLEARS 0x44700ul

struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map;
} __packed_struct;

struct gate {
    uint64_t low;
    uint64_t high;
};

struct table_register {
    uint16_t limit;
    uint64_t base;
} __packed_struct;

struct tables {
    uint64_t gdt[GDT_WORDS];
    struct tss tss;
    unsigned vector;                             /* of the interrupt at hand */
    char stack[IST_STACK_SIZE] __aligned_to(16); /* double faults: the usual stack may be why */
};

/* entry.S */
extern const char entry_stubs[];
void entry_syscall(void);
void native_trap(struct trap_regs *regs);

static struct tables tables[PVK_MAX_CPUS];
static struct gate idt[256] __aligned_to(16);

static void fill_idt(void)
{
    for (unsigned v = 0; v < ARRAY_SIZE(idt); v++) {
        uint64_t entry = (uintptr_t)entry_stubs + (uint64_t)v * ENTRY_STUB_BYTES;
        uint64_t type = GATE_INTERRUPT;

        if (v == TRAP_BP || v == TRAP_OF || v == VECTOR_INT80) {
            type |= GATE_FROM_USER;
        }
        idt[v].low = (entry & 0xffff) | SEL_KERNEL_CS << 16 | (uint64_t)(v == TRAP_DF) << 32 |
                     type << 32 | (entry & 0xffff0000) << 32;
        idt[v].high = entry >> 32;
    }
}

static void fill_gdt(struct tables *t)
{
    uint64_t base = (uintptr_t)&t->tss;

    t->gdt[SEL_KERNEL_CS / 8] = GDT_KERNEL_CODE;
    t->gdt[SEL_KERNEL_SS / 8] = GDT_KERNEL_DATA;
    t->gdt[SEL_USER_SS / 8] = GDT_USER_DATA;
    t->gdt[SEL_USER_CS / 8] = GDT_USER_CODE;
    t->gdt[SEL_TSS / 8] = (sizeof(t->tss) - 1) | (base & 0xffffff) << 16 | TSS_AVAILABLE << 40 |
                          (base >> 24 & 0xff) << 56;
    t->gdt[SEL_TSS / 8 + 1] = base >> 32;
    t->tss.ist[0] = (uintptr_t)t->stack + IST_STACK_SIZE;
    t->tss.io_map = sizeof(t->tss);
}

void descriptors_init_cpu(unsigned id)
{
    struct tables *t = &tables[id];
    struct table_register gdtr = {sizeof(t->gdt) - 1, (uintptr_t)t->gdt};
    struct table_register idtr = {sizeof(idt) - 1, (uintptr_t)idt};

    if (id == 0) {
        fill_idt();
    }
    fill_gdt(t);
    __asm__ volatile("lgdt %0" : : "m"(gdtr));
    __asm__ volatile("lidt %0" : : "m"(idtr));
    __asm__ volatile("ltr %w0" : : "r"(SEL_TSS));
    insn_wrmsr(MSR_STAR, (uint64_t)SEL_KERNEL_CS << 32);
    insn_wrmsr(MSR_LSTAR, (uintptr_t)entry_syscall);
    insn_wrmsr(MSR_FMASK, SYSCALL_CLEARS);
}

unsigned interrupt_vector(void)
{
    return tables[this_cpu()->id].vector;
}

/* The one way in (entry.S): exceptions as they are, interrupts of any kind as VECTOR_EVENT. */
void native_trap(struct trap_regs *regs)
{
    regs->saved_mask = (regs->rflags & RFLAGS_IF) == 0;
    if (regs->vector >= NR_EXCEPTIONS && regs->vector < ARRAY_SIZE(idt) &&
        regs->vector != VECTOR_INT80) {
        tables[this_cpu()->id].vector = regs->vector;
        regs->vector = VECTOR_EVENT;
    }
    trap_dispatch(regs);
}

uint64_t backend_fault_address(void)
{
    return insn_read_cr2();
}

void backend_fix_syscall_regs(struct trap_regs *regs)
{
    (void)regs; /* entry.S has pushed a whole frame */
}

void user_regs_init(struct trap_regs *regs)
{
    regs->cs = SEL_USER_CS;
    regs->ss = SEL_USER_SS;
}

void user_set_entry_stack(uint64_t kernel_rsp)
{
    this_cpu()->user_entry_stack = kernel_rsp;      /* system calls */
    tables[this_cpu()->id].tss.rsp[0] = kernel_rsp; /* exceptions and interrupts */
}
