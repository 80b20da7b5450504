/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the parsers of what loaders and firmware leave in memory: byte 0 chooses the parser, the rest is memory from 0.
 * Whatever comes back must be within its bounds. Checksums of ACPI tables, which no mutation keeps right, are mended first.
 */
/* SOURCES: hypervisor/boot/boot_info.c hypervisor/boot/cmdline.c hypervisor/boot/acpi.c */
#include <stdlib.h>

#include "boot/acpi.h"
#include "common/compiler.h"
#include "tests/unit/fake_memory.h"

#define RSDP 0x100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct boot_info *info)
{
    if (info->nr_modules > BOOT_MAX_MODULES || info->nr_e820 > BOOT_MAX_E820 ||
        !memchr(info->cmdline, 0, sizeof(info->cmdline)) ||
        !memchr(info->loader, 0, sizeof(info->loader))) {
        abort();
    }
    for (uint32_t i = 0; i < info->nr_modules; i++) {
        if (info->modules[i].end < info->modules[i].start ||
            !memchr(info->modules[i].cmdline, 0, sizeof(info->modules[i].cmdline))) {
            abort();
        }
    }
}

/* The byte at `at` becomes what makes the sum of the n bytes from pa on zero. */
static void mend_sum(uint64_t pa, uint64_t n, uint64_t at)
{
    uint8_t sum = 0;

    if (pa >= FAKE_BYTES || n > FAKE_BYTES - pa || n <= at) {
        return;
    }
    fake_memory[pa + at] = 0;
    for (uint64_t i = 0; i < n; i++) {
        sum = (uint8_t)(sum + fake_memory[pa + i]);
    }
    fake_memory[pa + at] = (uint8_t)-sum;
}

/* RSDP, XSDT and what the latter's first entries name, at the places of the seed. */
static void mend_tables(void)
{
    static const uint16_t tables[] = {0x200, 0x280, 0x300};

    mend_sum(RSDP, 20, 8);
    mend_sum(RSDP, 36, 32);
    for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
        uint32_t length;

        memcpy(&length, fake_memory + tables[i] + 4, sizeof(length));
        mend_sum(tables[i], length, 9);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct boot_info info;
    static struct acpi_info acpi;
    const char *why = NULL;

    if (size < 1) {
        return 0;
    }
    fake_memory_reset();
    memset(&info, 0, sizeof(info));
    memset(&acpi, 0, sizeof(acpi));
    memcpy(fake_memory, data + 1, size - 1 < FAKE_BYTES ? size - 1 : FAKE_BYTES);
    switch (data[0] % 4) {
    case 0:
        boot_parse_multiboot1(&fake_reader, 0, &info, &why);
        break;
    case 1:
        boot_parse_multiboot2(&fake_reader, 0, &info, &why);
        break;
    case 2:
        boot_parse_pvh(&fake_reader, 0, &info, &why);
        break;
    default:
        mend_tables();
        acpi_parse(&fake_reader, RSDP, &acpi, &why);
        break;
    }
    check(&info);
    cmdline_get_number(info.cmdline, "mem", 0);
    if (acpi.nr_cpus > MAX_CPUS || acpi.apic.nr_ioapics > APIC_MAX_IOAPICS) {
        abort();
    }
    return 0;
}
