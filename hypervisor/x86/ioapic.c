/* SPDX-License-Identifier: MIT */
/*
 * I/O APICs: all inputs masked at boot, single ISA interrupts routed for the hypervisor's own devices. Registers: 82093AA
 * data sheet, 3.0. Invariant: the index and data registers are used by the boot CPU while it is the only one, or under a
 * panic; what the hardware domain asks for later goes through the same two functions under a lock of its own.
 */
#include "common/compiler.h"
#include "common/errno.h"
#include "x86/apic.h"
#include "x86/percpu.h"
#include "x86/pgtable.h"

#define REG_VERSION    0x01
#define REG_REDIRECT   0x10 /* two registers an input */

#define RED_MASKED     0x10000u
#define RED_LEVEL      0x08000u
#define RED_ACTIVE_LOW 0x02000u

static struct {
    volatile uint32_t *mmio;
    uint32_t gsi_base;
    uint32_t nr_inputs;
} ioapics[APIC_MAX_IOAPICS];

static uint32_t nr_ioapics;
static struct isa_override isa_overrides[16];

static uint32_t reg_read(unsigned int n, uint32_t reg)
{
    ioapics[n].mmio[0] = reg;
    return ioapics[n].mmio[4];
}

static void reg_write(unsigned int n, uint32_t reg, uint32_t v)
{
    ioapics[n].mmio[0] = reg;
    ioapics[n].mmio[4] = v;
}

int ioapic_init(const struct apic_config *config)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(isa_overrides); i++) {
        isa_overrides[i] = config->isa[i];
    }
    for (unsigned int n = 0; n < config->nr_ioapics; n++) {
        volatile uint32_t *mmio = hv_map_device(config->ioapic[n].address, 4096);

        if (!mmio) {
            return -ENOMEM;
        }
        ioapics[n].mmio = mmio;
        ioapics[n].gsi_base = config->ioapic[n].gsi_base;
        ioapics[n].nr_inputs = ((reg_read(n, REG_VERSION) >> 16) & 0xff) + 1;
        nr_ioapics = n + 1;
        for (uint32_t i = 0; i < ioapics[n].nr_inputs; i++) {
            reg_write(n, REG_REDIRECT + 2 * i, RED_MASKED);
        }
    }
    return 0;
}

int ioapic_route_isa(unsigned int irq, uint8_t vector)
{
    const struct isa_override *o = &isa_overrides[irq];
    uint32_t gsi = o->valid ? o->gsi : irq;
    uint32_t low = vector;

    low |= (o->valid && o->active_low) ? RED_ACTIVE_LOW : 0;
    low |= (o->valid && o->level) ? RED_LEVEL : 0;
    for (unsigned int n = 0; n < nr_ioapics; n++) {
        uint32_t input = gsi - ioapics[n].gsi_base;

        if (input < ioapics[n].nr_inputs) {
            reg_write(n, REG_REDIRECT + 2 * input + 1, this_cpu()->apic_id << 24);
            reg_write(n, REG_REDIRECT + 2 * input, low);
            return 0;
        }
    }
    return -ENODEV;
}
