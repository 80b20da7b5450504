/* SPDX-License-Identifier: MIT */
/*
 * RSDP, XSDT, FADT, MADT and a DSDT that holds \_S5_ alone. Offsets and section numbers: ACPI 6.4.
 */
#include "libxeno/acpi_tables.h"

#include "common/string.h"

#define HEAD_BYTES   36u
#define FADT_BYTES   244u /* revision 3 */
#define MADT_AT      0x400u
#define LAPIC_PADDR  0xfee00000u
#define SCI_IRQ      9u
#define FLAGS_WBINVD 1u
#define FLAGS_NO_SLP (1u << 5) /* a power button, but no sleep button */
#define PM1_EVENT    4u        /* bytes of status and enable, in front of the control register */
#define IAPC_LEGACY_8042                                                                           \
    1u /* there are devices on an ISA bus; no VGA, no keyboard controller named */
#define MADT_PCAT       1u /* a pair of 8259As as well */
#define MADT_LAPIC      0u
#define MADT_LAPIC_SIZE 8u

/* \_S5_ = Package {5, 0, 0, 0}: 20.2.5.1, 20.2.5.4 */
static const uint8_t aml[] = {0x08, '_',  'S',  '5',  '_',  0x12, 0x07,
                              0x04, 0x0a, 0x05, 0x00, 0x00, 0x00};

static void put(uint8_t *at, uint64_t value, unsigned int bytes)
{
    memcpy(at, &value, bytes);
}

static uint8_t checksum(const uint8_t *at, uint32_t bytes)
{
    uint8_t sum = 0;

    for (uint32_t i = 0; i < bytes; i++) {
        sum = (uint8_t)(sum + at[i]);
    }
    return (uint8_t)-sum;
}

/* The head that all tables have (5.2.6); called when the rest is there. */
static void finish(uint8_t *at, const char *signature, uint32_t bytes, uint8_t revision)
{
    memcpy(at, signature, 4);
    put(at + 4, bytes, 4);
    at[8] = revision;
    memcpy(at + 10, "XENLTH", 6);
    memcpy(at + 16, "FULLVIRT", 8);
    put(at + 24, 1, 4);
    memcpy(at + 28, "XENO", 4);
    put(at + 32, 1, 4);
    at[9] = 0;
    at[9] = checksum(at, bytes);
}

static void fadt(uint8_t *at, uint32_t dsdt, uint16_t pm1_control)
{
    put(at + 40, dsdt, 4);
    put(at + 46, SCI_IRQ, 2);
    put(at + 56, pm1_control - PM1_EVENT, 4);
    put(at + 64, pm1_control, 4);
    at[88] = PM1_EVENT;
    at[89] = 2; /* bytes of the control register */
    put(at + 109, IAPC_LEGACY_8042, 2);
    put(at + 112, FLAGS_WBINVD | FLAGS_NO_SLP, 4);
    put(at + 140, dsdt, 8);
    finish(at, "FACP", FADT_BYTES, 3);
}

static void madt(uint8_t *at, uint32_t nr_cpus)
{
    uint32_t bytes = 44;

    put(at + 36, LAPIC_PADDR, 4);
    put(at + 40, MADT_PCAT, 4);
    for (uint32_t i = 0; i < nr_cpus; i++, bytes += MADT_LAPIC_SIZE) {
        at[bytes] = MADT_LAPIC;
        at[bytes + 1] = MADT_LAPIC_SIZE;
        at[bytes + 2] = (uint8_t)i;
        at[bytes + 3] = (uint8_t)i;
        put(at + bytes + 4, 1, 4);
    }
    finish(at, "APIC", bytes, 3);
}

void acpi_tables_write(uint8_t *buf, uint32_t paddr, uint32_t nr_cpus, uint16_t pm1_control)
{
    const uint32_t xsdt_at = 0x40, fadt_at = 0x100, dsdt_at = 0x300;

    memcpy(buf + dsdt_at + HEAD_BYTES, aml, sizeof(aml));
    finish(buf + dsdt_at, "DSDT", HEAD_BYTES + sizeof(aml), 2);
    fadt(buf + fadt_at, paddr + dsdt_at, pm1_control);
    madt(buf + MADT_AT, nr_cpus);
    put(buf + xsdt_at + HEAD_BYTES, paddr + fadt_at, 8);
    put(buf + xsdt_at + HEAD_BYTES + 8, paddr + MADT_AT, 8);
    finish(buf + xsdt_at, "XSDT", HEAD_BYTES + 16, 1);
    memcpy(buf, "RSD PTR ", 8); /* 5.2.5.3 */
    memcpy(buf + 9, "XENLTH", 6);
    buf[15] = 2;
    put(buf + 20, 36, 4);
    put(buf + 24, paddr + xsdt_at, 8);
    buf[8] = checksum(buf, 20);
    buf[32] = checksum(buf, 36);
}
