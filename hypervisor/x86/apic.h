/* SPDX-License-Identifier: MIT */
/*
 * Local APICs (memory-mapped or x2APIC), the one-shot timer, and the I/O APICs as far as the hypervisor needs them itself.
 * Everything but apic_eoi() and the sends runs while booting.
 */
#ifndef X86_APIC_H
#define X86_APIC_H

#include <stdbool.h>
#include <stdint.h>

#define APIC_MAX_IOAPICS 16

/* What the firmware's tables say about interrupt controllers (boot/acpi.h fills it in). */
struct ioapic_desc {
    uint64_t address;
    uint32_t gsi_base;
};

struct isa_override {
    bool valid;
    uint32_t gsi;
    bool active_low, level;
};

struct apic_config {
    uint64_t lapic_address;
    bool no_x2apic; /* command line */
    uint32_t nr_ioapics;
    struct ioapic_desc ioapic[APIC_MAX_IOAPICS];
    struct isa_override isa[16];
};

/* Boot CPU: mask both PICs, switch the local APIC on, mask every I/O APIC input. -ENXIO without an APIC, -ENOMEM. */
int apic_init(const struct apic_config *config);
void apic_init_ap(void);

uint32_t apic_id(void);
void apic_eoi(void);
void apic_send_ipi(uint32_t apic_id, uint8_t vector);
void apic_send_nmi(uint32_t apic_id);
void apic_send_init(uint32_t apic_id);
void apic_send_startup(uint32_t apic_id, uint8_t page);

/* The raw timer: counts down once from `count` (0 stops) and raises VEC_LAPIC_TIMER; time.c knows the rate. */
void apic_timer_start(uint32_t count);
uint32_t apic_timer_count(void);
/* TSC-deadline mode from now on, on this CPU. */
void apic_timer_use_deadline(void);

/* Route an ISA interrupt to this CPU: 0, or -ENODEV if no I/O APIC has it. */
int ioapic_init(const struct apic_config *config);
int ioapic_route_isa(unsigned int irq, uint8_t vector);

/*
 * Inputs for the hardware domain, by global system interrupt number. is_own: the hypervisor keeps it, and the others leave it
 * as it is. set_gsi leaves an input masked; isa_mode says what the firmware's tables say of a GSI that an ISA interrupt arrives at.
 */
bool ioapic_has_gsi(uint32_t gsi);
bool ioapic_gsi_is_own(uint32_t gsi);
void ioapic_set_gsi(uint32_t gsi, uint8_t vector, uint32_t apic_id, bool level, bool active_low);
void ioapic_mask_gsi(uint32_t gsi, bool mask);
void ioapic_isa_mode(uint32_t gsi, bool *level, bool *active_low);

/* Console input: by interrupt once this was set. */
void apic_console_irq_set(bool works);
bool apic_console_irq_works(void);

#endif
