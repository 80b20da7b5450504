/* SPDX-License-Identifier: MIT */
/*
 * I/O APICs: all inputs masked at boot, single ISA interrupts routed for the hypervisor's own devices. Registers: 82093AA
 * data sheet, 3.0. Invariant: the index and data registers are used by the boot CPU while it is the only one, and after
 * that by event/pirq.c alone, under its lock.
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
static uint32_t own_ioapic = UINT32_MAX, own_input; /* the console's, the one that is routed to us */
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

/* Which I/O APIC has this GSI, and as which input; false: none. */
static bool find_input(uint32_t gsi, unsigned int *n, uint32_t *input)
{
    for (*n = 0; *n < nr_ioapics; ++*n) {
        *input = gsi - ioapics[*n].gsi_base;
        if (*input < ioapics[*n].nr_inputs) {
            return true;
        }
    }
    return false;
}

bool ioapic_has_gsi(uint32_t gsi)
{
    unsigned int n;
    uint32_t input;

    return find_input(gsi, &n, &input);
}

bool ioapic_gsi_is_own(uint32_t gsi)
{
    unsigned int n;
    uint32_t input;

    return find_input(gsi, &n, &input) && n == own_ioapic && input == own_input;
}

void ioapic_set_gsi(uint32_t gsi, uint8_t vector, uint32_t apic_id, bool level, bool active_low)
{
    unsigned int n;
    uint32_t input;

    if (find_input(gsi, &n, &input) && !ioapic_gsi_is_own(gsi)) {
        reg_write(n, REG_REDIRECT + 2 * input, RED_MASKED);
        reg_write(n, REG_REDIRECT + 2 * input + 1, apic_id << 24);
        reg_write(n, REG_REDIRECT + 2 * input,
                  vector | RED_MASKED | (active_low ? RED_ACTIVE_LOW : 0) | (level ? RED_LEVEL : 0));
    }
}

void ioapic_mask_gsi(uint32_t gsi, bool mask)
{
    unsigned int n;
    uint32_t input;

    if (find_input(gsi, &n, &input) && !ioapic_gsi_is_own(gsi)) {
        uint32_t low = reg_read(n, REG_REDIRECT + 2 * input) & ~RED_MASKED;

        reg_write(n, REG_REDIRECT + 2 * input, low | (mask ? RED_MASKED : 0));
    }
}

void ioapic_isa_mode(uint32_t gsi, bool *level, bool *active_low)
{
    *level = *active_low = false;
    for (unsigned int irq = 0; irq < ARRAY_SIZE(isa_overrides); irq++) {
        if (isa_overrides[irq].valid && isa_overrides[irq].gsi == gsi) {
            *level = isa_overrides[irq].level;
            *active_low = isa_overrides[irq].active_low;
        }
    }
}

int ioapic_route_isa(unsigned int irq, uint8_t vector)
{
    const struct isa_override *o = &isa_overrides[irq];
    uint32_t gsi = o->valid ? o->gsi : irq;
    uint32_t low = vector, input;
    unsigned int n;

    low |= (o->valid && o->active_low) ? RED_ACTIVE_LOW : 0;
    low |= (o->valid && o->level) ? RED_LEVEL : 0;
    if (!find_input(gsi, &n, &input)) {
        return -ENODEV;
    }
    reg_write(n, REG_REDIRECT + 2 * input + 1, this_cpu()->apic_id << 24);
    reg_write(n, REG_REDIRECT + 2 * input, low);
    own_ioapic = n;
    own_input = input;
    return 0;
}
