/* SPDX-License-Identifier: MIT */
/*
 * RSDP, XSDT or RSDT, MADT. Section numbers: ACPI 6.4. Pure.
 * Invariant: a table is looked at only after its whole length has been read and its checksum found right.
 */
#include "boot/acpi.h"

#include <stdbool.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "common/string.h"

#define EBDA_POINTER 0x40e /* segment of the extended BIOS data area */
#define BIOS_START   0xe0000u
#define BIOS_END     0x100000u
#define TABLE_MAX    0x100000u /* no real table is longer */

struct rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length; /* revision 2 on */
    uint64_t xsdt;
    uint8_t checksum2;
    uint8_t reserved[3];
} __packed_struct;

#define RSDP_V1_BYTES 20u

struct table_head {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision, creator, creator_revision;
} __packed_struct;

struct madt {
    struct table_head head;
    uint32_t lapic_address, flags;
} __packed_struct;

#define FADT_PM1A_CONTROL 64
#define FADT_PM1B_CONTROL 68

#define MADT_LAPIC          0
#define MADT_IOAPIC         1
#define MADT_OVERRIDE       2
#define MADT_LAPIC_ADDRESS  5
#define MADT_X2APIC         9
#define CPU_ENABLED         1u
#define OVERRIDE_ACTIVE_LOW 3u /* polarity, bits 1..0 */
#define OVERRIDE_LEVEL      3u /* trigger mode, bits 3..2 */

static bool sum_is_zero(const void *p, size_t n)
{
    const uint8_t *bytes = p;
    uint8_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    return sum == 0;
}

static bool rsdp_at(const struct boot_reader *r, uint64_t pa, struct rsdp *out)
{
    const void *p = r->at(r->ctx, pa, RSDP_V1_BYTES);

    if (!p || memcmp(p, "RSD PTR ", 8) != 0 || !sum_is_zero(p, RSDP_V1_BYTES)) {
        return false;
    }
    memset(out, 0, sizeof(*out));
    memcpy(out, p, RSDP_V1_BYTES);
    if (out->revision < 2) {
        return true;
    }
    p = r->at(r->ctx, pa, sizeof(*out));
    if (!p || !sum_is_zero(p, sizeof(*out))) {
        return false;
    }
    memcpy(out, p, sizeof(*out));
    return true;
}

/* On 16-byte boundaries of the EBDA's first KiB and of the BIOS area (5.2.5.1). */
static bool rsdp_search(const struct boot_reader *r, struct rsdp *out)
{
    const void *p = r->at(r->ctx, EBDA_POINTER, 2);
    uint16_t segment = 0;

    if (p) {
        memcpy(&segment, p, sizeof(segment));
    }
    for (uint64_t pa = (uint64_t)segment << 4; segment && pa < ((uint64_t)segment << 4) + 1024;
         pa += 16) {
        if (rsdp_at(r, pa, out)) {
            return true;
        }
    }
    for (uint64_t pa = BIOS_START; pa < BIOS_END; pa += 16) {
        if (rsdp_at(r, pa, out)) {
            return true;
        }
    }
    return false;
}

/* A whole table with that signature at pa, or NULL. */
static const struct table_head *table_at(const struct boot_reader *r, uint64_t pa,
                                         const char *signature)
{
    const struct table_head *head = r->at(r->ctx, pa, sizeof(*head));
    uint32_t length;

    if (!head || memcmp(head->signature, signature, 4) != 0) {
        return NULL;
    }
    memcpy(&length, &head->length, sizeof(length));
    if (length < sizeof(*head) || length > TABLE_MAX) {
        return NULL;
    }
    head = r->at(r->ctx, pa, length);
    return head && sum_is_zero(head, length) ? head : NULL;
}

/* The table that the root table (entries of `width` bytes) names with that signature. */
static const struct table_head *table_find(const struct boot_reader *r,
                                           const struct table_head *root, size_t width,
                                           const char *signature)
{
    const uint8_t *entries = (const uint8_t *)(root + 1);
    size_t count = (root->length - sizeof(*root)) / width;

    for (size_t i = 0; i < count; i++) {
        uint64_t pa = 0;
        const struct table_head *t;

        memcpy(&pa, entries + i * width, width);
        t = table_at(r, pa, signature);
        if (t) {
            return t;
        }
    }
    return NULL;
}

static void cpu_add(struct acpi_info *out, uint32_t id, uint32_t acpi_id, uint32_t flags)
{
    if (!(flags & CPU_ENABLED)) {
        return;
    }
    if (out->nr_cpus == MAX_CPUS) {
        out->cpus_left_out++;
        return;
    }
    out->acpi_ids[out->nr_cpus] = acpi_id;
    out->apic_ids[out->nr_cpus++] = id;
}

static uint32_t u32_at(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static void override_add(struct acpi_info *out, const uint8_t *e)
{
    uint32_t flags = (uint32_t)e[8] | ((uint32_t)e[9] << 8);

    if (e[3] < ARRAY_SIZE(out->apic.isa)) {
        out->apic.isa[e[3]] = (struct isa_override){
            .valid = true,
            .gsi = u32_at(e + 4),
            .active_low = (flags & 3) == OVERRIDE_ACTIVE_LOW,
            .level = ((flags >> 2) & 3) == OVERRIDE_LEVEL,
        };
    }
}

/* One entry of the MADT (5.2.12.2 ff.), of which `length` bytes are there. */
static void madt_entry(struct acpi_info *out, const uint8_t *e, uint8_t length)
{
    switch (e[0]) {
    case MADT_LAPIC:
        if (length >= 8) {
            cpu_add(out, e[3], e[2], u32_at(e + 4));
        }
        break;
    case MADT_X2APIC:
        if (length >= 16) {
            cpu_add(out, u32_at(e + 4), u32_at(e + 12), u32_at(e + 8));
        }
        break;
    case MADT_IOAPIC:
        if (length >= 12 && out->apic.nr_ioapics < APIC_MAX_IOAPICS) {
            out->apic.ioapic[out->apic.nr_ioapics++] =
                (struct ioapic_desc){u32_at(e + 4), u32_at(e + 8)};
        }
        break;
    case MADT_OVERRIDE:
        if (length >= 10 && e[2] == 0) {
            override_add(out, e);
        }
        break;
    case MADT_LAPIC_ADDRESS:
        if (length >= 12) {
            memcpy(&out->apic.lapic_address, e + 4, sizeof(out->apic.lapic_address));
        }
        break;
    default:
        break;
    }
}

/* The FADT's control registers (5.2.9): I/O ports, the second usually absent. */
static void power_registers(const struct table_head *fadt, struct acpi_info *out)
{
    const uint8_t *bytes = (const uint8_t *)fadt;

    if (fadt && fadt->length >= FADT_PM1B_CONTROL + 4) {
        out->pm1a_control = (uint16_t)u32_at(bytes + FADT_PM1A_CONTROL);
        out->pm1b_control = (uint16_t)u32_at(bytes + FADT_PM1B_CONTROL);
    }
}

int acpi_parse(const struct boot_reader *r, uint64_t rsdp_pa, struct acpi_info *out,
               const char **why)
{
    struct rsdp rsdp;
    const struct table_head *root = NULL;
    const struct madt *madt;
    size_t width = sizeof(uint64_t);

    if (!(rsdp_pa && rsdp_at(r, rsdp_pa, &rsdp)) && !rsdp_search(r, &rsdp)) {
        *why = "no RSDP";
        return -ENOENT;
    }
    if (rsdp.revision >= 2 && rsdp.xsdt) {
        root = table_at(r, rsdp.xsdt, "XSDT");
    }
    if (!root) {
        root = table_at(r, rsdp.rsdt, "RSDT");
        width = sizeof(uint32_t);
    }
    if (!root) {
        *why = "XSDT and RSDT are damaged or missing";
        return -EINVAL;
    }
    power_registers(table_find(r, root, width, "FACP"), out);
    madt = (const struct madt *)table_find(r, root, width, "APIC");
    if (!madt || madt->head.length < sizeof(*madt)) {
        *why = "no MADT";
        return -ENOENT;
    }
    out->apic.lapic_address = madt->lapic_address;
    for (uint32_t at = sizeof(*madt); at + 2 <= madt->head.length;) {
        const uint8_t *e = (const uint8_t *)madt + at;

        if (e[1] < 2 || e[1] > madt->head.length - at) {
            *why = "the MADT is damaged";
            return -EINVAL;
        }
        madt_entry(out, e, e[1]);
        at += e[1];
    }
    return 0;
}
