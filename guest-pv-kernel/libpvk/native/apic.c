/* SPDX-License-Identifier: MIT */
/*
 * The local APIC through its registers in memory. Offsets and bits: SDM vol. 3, chapter 10.
 * Invariant: on the boot CPU the line of the PIC stays connected (LINT0), on the others it is masked.
 */
#include "libpvk/native/apic.h"

#include "common/typed_int.h"
#include "libpvk/core/cpu.h"
#include "libpvk/native/clock.h"
#include "libpvk/native/descriptors.h"
#include "libpvk/native/insn.h"
#include "libpvk/native/memory.h"
#include "pvk/clock.h"
#include "pvk/machine.h"
#include "pvk/traps.h"

#define CPUID_1_EDX_APIC (1u << 9)
#define BASE_ENABLE      (1ul << 11)
#define BASE_ADDRESS     0x000ffffffffff000ul

enum reg {
    REG_TPR = 0x80,
    REG_EOI = 0xb0,
    REG_SPURIOUS = 0xf0,
    REG_ICR_LOW = 0x300,
    REG_ICR_HIGH = 0x310,
    REG_LVT_TIMER = 0x320,
    REG_LVT_LINT0 = 0x350,
    REG_LVT_LINT1 = 0x360,
    REG_TIMER_START = 0x380,
    REG_TIMER_NOW = 0x390,
    REG_TIMER_DIVIDE = 0x3e0,
};

#define SOFTWARE_ENABLE  (1u << 8)
#define LVT_MASKED       (1u << 16)
#define LVT_EXTINT       (7u << 8)
#define LVT_NMI          (4u << 8)
#define DIVIDE_BY_1      0xbu
#define ICR_PENDING      (1u << 12)
#define ICR_ASSERT       (1u << 14)
#define ICR_INIT         (5u << 8)
#define ICR_STARTUP      (6u << 8)
#define CALIBRATE_NS     NS_PER_MS
#define INIT_DELAY_NS    (10 * NS_PER_MS) /* multiprocessor specification 1.4, B.4 */
#define STARTUP_DELAY_NS 200000ul

static volatile uint8_t *registers; /* NULL: none */
static uint64_t ticks_per_ns;       /* of the timer, times 2^32 */

static void write_reg(enum reg reg, uint32_t value)
{
    *(volatile uint32_t *)(registers + reg) = value;
}

static uint32_t read_reg(enum reg reg)
{
    return *(volatile uint32_t *)(registers + reg);
}

bool apic_present(void)
{
    return registers != NULL;
}

void apic_init_cpu(void)
{
    if (registers == NULL) {
        return;
    }
    insn_wrmsr(MSR_APIC_BASE, insn_rdmsr(MSR_APIC_BASE) | BASE_ENABLE);
    write_reg(REG_SPURIOUS, SOFTWARE_ENABLE | VECTOR_SPURIOUS);
    write_reg(REG_TPR, 0);
    write_reg(REG_LVT_LINT0, this_cpu()->id == 0 ? LVT_EXTINT : LVT_MASKED);
    write_reg(REG_LVT_LINT1, LVT_NMI);
    write_reg(REG_TIMER_DIVIDE, DIVIDE_BY_1);
    write_reg(REG_LVT_TIMER, VECTOR_TIMER);
}

static void calibrate(void)
{
    uint64_t start = clock_ns();
    uint64_t ns;

    write_reg(REG_LVT_TIMER, LVT_MASKED);
    write_reg(REG_TIMER_START, UINT32_MAX);
    do {
        ns = clock_ns() - start;
    } while (ns < CALIBRATE_NS);
    ticks_per_ns = ((uint64_t)(UINT32_MAX - read_reg(REG_TIMER_NOW)) << 32) / ns;
    write_reg(REG_TIMER_START, 0);
    write_reg(REG_LVT_TIMER, VECTOR_TIMER);
}

void apic_init(void)
{
    uint32_t regs[4];

    insn_cpuid(1, regs);
    if ((regs[3] & CPUID_1_EDX_APIC) == 0) {
        return;
    }
    registers = map_device(insn_rdmsr(MSR_APIC_BASE) & BASE_ADDRESS, PAGE_SIZE);
    apic_init_cpu();
    calibrate();
}

void apic_end(void)
{
    write_reg(REG_EOI, 0);
}

static void send(unsigned apic_id, uint32_t command)
{
    irq_state was = irq_save();

    while ((read_reg(REG_ICR_LOW) & ICR_PENDING) != 0) {
        __builtin_ia32_pause();
    }
    write_reg(REG_ICR_HIGH, apic_id << 24);
    write_reg(REG_ICR_LOW, command);
    irq_restore(was);
}

void apic_send(unsigned apic_id, unsigned vector)
{
    send(apic_id, ICR_ASSERT | vector);
}

static void delay(uint64_t ns)
{
    uint64_t end = clock_ns() + ns;

    while (clock_ns() < end) {
        __builtin_ia32_pause();
    }
}

void apic_start_cpu(unsigned apic_id, uint32_t paddr)
{
    send(apic_id, ICR_ASSERT | ICR_INIT);
    delay(INIT_DELAY_NS);
    send(apic_id, ICR_ASSERT | ICR_STARTUP | paddr >> PAGE_SHIFT);
    delay(STARTUP_DELAY_NS);
    send(apic_id, ICR_ASSERT | ICR_STARTUP | paddr >> PAGE_SHIFT); /* a CPU that runs ignores it */
}

void apic_timer_set(uint64_t ns)
{
    unsigned __int128 ticks = ((unsigned __int128)ns * ticks_per_ns) >> 32;

    if (ns > 0 && ticks == 0) {
        ticks = 1;
    }
    write_reg(REG_TIMER_START, ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks);
}
