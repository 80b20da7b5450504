/* SPDX-License-Identifier: MIT */
/*
 * The local APIC: SDM vol. 3, chapter 11 (register offsets, 11-1; ICR, 11.6.1; timer, 11.5.4; x2APIC MSRs, 11.12).
 * The 8259 PICs are moved out of the exceptions' way and masked: their spurious interrupts cannot be switched off.
 */
#include "x86/apic.h"

#include "common/errno.h"
#include "x86/cpu.h"
#include "x86/ipi.h"
#include "x86/percpu.h"
#include "x86/pgtable.h"
#include "x86/port.h"

#define REG_ID          0x020
#define REG_TPR         0x080
#define REG_EOI         0x0b0
#define REG_SVR         0x0f0
#define REG_ICR         0x300
#define REG_ICR_HI      0x310
#define REG_LVT_TIMER   0x320
#define REG_LVT_THERMAL 0x330
#define REG_LVT_PERF    0x340
#define REG_LVT_LINT0   0x350
#define REG_LVT_LINT1   0x360
#define REG_LVT_ERROR   0x370
#define REG_TIMER_INIT  0x380
#define REG_TIMER_NOW   0x390
#define REG_TIMER_DIV   0x3e0

#define SVR_ENABLE      0x100u
#define LVT_MASKED      0x10000u
#define LVT_NMI         0x400u
#define LVT_DEADLINE    0x40000u
#define TIMER_DIV_1     0xbu

#define ICR_FIXED       0x000u
#define ICR_NMI         0x400u
#define ICR_INIT        0x500u
#define ICR_STARTUP     0x600u
#define ICR_BUSY        0x1000u
#define ICR_ASSERT      0x4000u

#define BASE_X2APIC     (1ul << 10)
#define BASE_ENABLE     (1ul << 11)
#define X2APIC_MSR      0x800

#define PIC1            0x20
#define PIC2            0xa0
#define PIC_VECTORS     0x20 /* 0x20-0x2f */

static volatile uint32_t *mmio;
static bool x2apic;
static bool console_irq;

static uint32_t reg_read(uint32_t reg)
{
    return x2apic ? (uint32_t)rdmsr(X2APIC_MSR + (reg >> 4)) : mmio[reg / 4];
}

static void reg_write(uint32_t reg, uint32_t v)
{
    if (x2apic) {
        wrmsr(X2APIC_MSR + (reg >> 4), v);
    } else {
        mmio[reg / 4] = v;
    }
}

static void pic_mask(void)
{
    /* ICW1 initialize with ICW4, ICW2 vectors, ICW3 cascade on 2, ICW4 8086 mode; then mask all. */
    outb(PIC1, 0x11);
    outb(PIC2, 0x11);
    outb(PIC1 + 1, PIC_VECTORS);
    outb(PIC2 + 1, PIC_VECTORS + 8);
    outb(PIC1 + 1, 4);
    outb(PIC2 + 1, 2);
    outb(PIC1 + 1, 1);
    outb(PIC2 + 1, 1);
    outb(PIC1 + 1, 0xff);
    outb(PIC2 + 1, 0xff);
}

static void local_init(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);

    wrmsr(MSR_APIC_BASE, base | BASE_ENABLE);
    if (x2apic) {
        wrmsr(MSR_APIC_BASE, base | BASE_ENABLE | BASE_X2APIC);
    }
    reg_write(REG_TPR, 0);
    reg_write(REG_LVT_TIMER, LVT_MASKED | VEC_LAPIC_TIMER);
    reg_write(REG_LVT_THERMAL, LVT_MASKED);
    reg_write(REG_LVT_PERF, LVT_MASKED);
    reg_write(REG_LVT_LINT0, LVT_MASKED);
    reg_write(REG_LVT_LINT1, this_cpu()->cpu == 0 ? LVT_NMI : LVT_MASKED);
    reg_write(REG_LVT_ERROR, LVT_MASKED);
    reg_write(REG_TIMER_DIV, TIMER_DIV_1);
    reg_write(REG_SVR, SVR_ENABLE | VEC_SPURIOUS);
    reg_write(REG_EOI, 0);
}

int apic_init(const struct apic_config *config)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);
    uint64_t address = config->lapic_address;

    if (!(cpuid(1, 0).edx & (1u << 9))) {
        return -ENXIO;
    }
    pic_mask();
    /* Firmware that has switched x2APIC on leaves no way back but a reset. */
    x2apic = (cpu_features.x2apic && !config->no_x2apic) || (base & BASE_X2APIC);
    if (!x2apic) {
        if (address == 0) {
            address = base & 0xffffff000ul;
        }
        mmio = hv_map_device(address, 4096);
        if (!mmio) {
            return -ENOMEM;
        }
    }
    local_init();
    this_cpu()->apic_id = apic_id();
    return 0;
}

void apic_init_ap(void)
{
    local_init();
}

uint32_t apic_id(void)
{
    return x2apic ? reg_read(REG_ID) : reg_read(REG_ID) >> 24;
}

void apic_eoi(void)
{
    reg_write(REG_EOI, 0);
}

static void send(uint32_t target, uint32_t command)
{
    if (x2apic) {
        /* The MSR write is not ordered after earlier stores by itself (SDM vol. 3, 11.12.3). */
        __asm__ volatile("mfence; lfence" : : : "memory");
        wrmsr(X2APIC_MSR + (REG_ICR >> 4), ((uint64_t)target << 32) | command);
        return;
    }
    while (mmio[REG_ICR / 4] & ICR_BUSY) {
        cpu_relax();
    }
    mmio[REG_ICR_HI / 4] = target << 24;
    mmio[REG_ICR / 4] = command;
}

void apic_send_ipi(uint32_t target, uint8_t vector)
{
    send(target, ICR_FIXED | ICR_ASSERT | vector);
}

void apic_send_nmi(uint32_t target)
{
    send(target, ICR_NMI | ICR_ASSERT);
}

void apic_send_init(uint32_t target)
{
    send(target, ICR_INIT | ICR_ASSERT);
}

void apic_send_startup(uint32_t target, uint8_t page)
{
    send(target, ICR_STARTUP | ICR_ASSERT | page);
}

void apic_timer_start(uint32_t count)
{
    reg_write(REG_LVT_TIMER, count ? VEC_LAPIC_TIMER : (LVT_MASKED | VEC_LAPIC_TIMER));
    reg_write(REG_TIMER_INIT, count);
}

uint32_t apic_timer_count(void)
{
    return reg_read(REG_TIMER_NOW);
}

void apic_timer_use_deadline(void)
{
    reg_write(REG_LVT_TIMER, LVT_DEADLINE | VEC_LAPIC_TIMER);
    /* The mode must be in force before the first deadline is written (SDM vol. 3, 11.5.4.1). */
    __asm__ volatile("mfence" : : : "memory");
}

void apic_console_irq_set(bool works)
{
    console_irq = works;
}

bool apic_console_irq_works(void)
{
    return console_irq;
}
