/* SPDX-License-Identifier: MIT */
/* SOURCES: hypervisor/boot/acpi.c */
/* The ACPI reader: tables as firmware writes them, and every way to damage them that we could think of. */
#include <check.h>

#include "boot/acpi.h"
#include "fake_memory.h"

#define RSDP 0x1000
#define XSDT 0x2000
#define RSDT 0x2800
#define MADT 0x3000

static struct acpi_info info;
static const char *why;

static void checksum(uint64_t pa, size_t n, size_t at)
{
    uint8_t sum = 0;

    fake_memory[pa + at] = 0;
    for (size_t i = 0; i < n; i++) {
        sum = (uint8_t)(sum + fake_memory[pa + i]);
    }
    fake_memory[pa + at] = (uint8_t)-sum;
}

static void head(uint64_t pa, const char *signature, uint32_t length)
{
    fake_put(pa, signature, 4);
    fake_put32(pa + 4, length);
    checksum(pa, length, 9);
}

static uint32_t madt_add(uint32_t length, const void *entry)
{
    uint8_t n = ((const uint8_t *)entry)[1];

    fake_put(MADT + length, entry, n);
    return length + n;
}

/* Two CPUs, a third that is disabled, one x2APIC CPU, an I/O APIC, an override of IRQ 0 and one of IRQ 9. */
static uint32_t madt_typical(void)
{
    static const uint8_t entries[][16] = {
        {0, 8, 0, 0, 1},
        {0, 8, 1, 4, 1},
        {0, 8, 2, 5, 0},
        {9, 16, 0, 0, 0x21, 1, 0, 0, 1},
        {1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0},
        {2, 10, 0, 0, 2, 0, 0, 0, 0, 0},
        {2, 10, 0, 9, 9, 0, 0, 0, 0x0f, 0},
    };
    uint32_t length = 44;

    fake_put32(MADT + 36, 0xfee00000);
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        length = madt_add(length, entries[i]);
    }
    head(MADT, "APIC", length);
    return length;
}

static void rsdp(uint64_t pa, uint8_t revision)
{
    fake_put(pa, "RSD PTR ", 8);
    fake_memory[pa + 15] = revision;
    fake_put32(pa + 16, RSDT);
    fake_put32(pa + 20, 36);
    fake_put64(pa + 24, XSDT);
    checksum(pa, 20, 8);
    checksum(pa, 36, 32);
}

static void typical(void)
{
    madt_typical();
    fake_put64(XSDT + 36, 0x123456789000); /* a table that cannot be read is passed over */
    fake_put64(XSDT + 44, MADT);
    head(XSDT, "XSDT", 52);
    fake_put32(RSDT + 36, MADT);
    head(RSDT, "RSDT", 40);
    rsdp(RSDP, 2);
}

static void setup(void)
{
    fake_memory_reset();
    memset(&info, 0, sizeof(info));
    why = NULL;
    typical();
}

static void teardown(void)
{
    fake_memory_reset();
}

static void check_typical(void)
{
    ck_assert_uint_eq(info.nr_cpus, 3);
    ck_assert_uint_eq(info.apic_ids[0], 0);
    ck_assert_uint_eq(info.apic_ids[1], 4);
    ck_assert_uint_eq(info.apic_ids[2], 0x121);
    ck_assert_uint_eq(info.apic.lapic_address, 0xfee00000);
    ck_assert_uint_eq(info.apic.nr_ioapics, 1);
    ck_assert_uint_eq(info.apic.ioapic[0].address, 0xfec00000);
    ck_assert(info.apic.isa[0].valid && info.apic.isa[0].gsi == 2 && !info.apic.isa[0].level);
    ck_assert(info.apic.isa[9].valid && info.apic.isa[9].level && info.apic.isa[9].active_low);
    ck_assert(!info.apic.isa[4].valid);
}

START_TEST(by_xsdt)
{
    ck_assert_int_eq(acpi_parse(&fake_reader, RSDP, &info, &why), 0);
    check_typical();
}
END_TEST

START_TEST(by_rsdt)
{
    fake_put32(XSDT, 0); /* a bad XSDT leaves the RSDT */
    ck_assert_int_eq(acpi_parse(&fake_reader, RSDP, &info, &why), 0);
    check_typical();
    memset(&info, 0, sizeof(info));
    rsdp(RSDP, 0);
    ck_assert_int_eq(acpi_parse(&fake_reader, RSDP, &info, &why), 0);
    check_typical();
}
END_TEST

START_TEST(by_search)
{
    uint16_t segment = 0x500;

    ck_assert_int_lt(acpi_parse(&fake_reader, 0, &info, &why), 0);
    fake_put(0x40e, &segment, 2);
    rsdp(0x5010, 2);
    ck_assert_int_eq(acpi_parse(&fake_reader, 0, &info, &why), 0);
    check_typical();
}
END_TEST

START_TEST(damaged)
{
    fake_memory[MADT + 20]++; /* checksum */
    ck_assert_int_lt(acpi_parse(&fake_reader, RSDP, &info, &why), 0);
    setup();
    fake_put32(MADT + 4, 0xffffffff); /* length */
    ck_assert_int_lt(acpi_parse(&fake_reader, RSDP, &info, &why), 0);
    setup();
    fake_put32(MADT + 4, 20); /* shorter than its head */
    ck_assert_int_lt(acpi_parse(&fake_reader, RSDP, &info, &why), 0);
    setup();
    head(MADT, "APIC", 40); /* a head without the MADT's own fields */
    ck_assert_int_lt(acpi_parse(&fake_reader, RSDP, &info, &why), 0);
    setup();
    fake_memory[MADT + 45] = 0; /* an entry of no length */
    head(MADT, "APIC", 60);
    ck_assert_int_lt(acpi_parse(&fake_reader, RSDP, &info, &why), 0);
    setup();
    fake_memory[MADT + 45] = 200; /* one that is longer than the table */
    head(MADT, "APIC", 60);
    ck_assert_int_lt(acpi_parse(&fake_reader, RSDP, &info, &why), 0);
    setup();
    fake_memory[RSDP + 9]++;
    ck_assert_int_lt(acpi_parse(&fake_reader, RSDP, &info, &why), 0);
    ck_assert_ptr_nonnull(why);
}
END_TEST

START_TEST(too_many_cpus)
{
    uint32_t length = 44;

    for (unsigned int i = 0; i < MAX_CPUS + 5; i++) {
        const uint8_t cpu[8] = {0, 8, 0, (uint8_t)i, 1};

        length = madt_add(length, cpu);
    }
    head(MADT, "APIC", length);
    ck_assert_int_eq(acpi_parse(&fake_reader, RSDP, &info, &why), 0);
    ck_assert_uint_eq(info.nr_cpus, MAX_CPUS);
    ck_assert_uint_eq(info.cpus_left_out, 5);
}
END_TEST

/* Any byte of the MADT may be any value, with the checksum made right again: no crash, no count out of range. */
START_TEST(any_byte)
{
    uint32_t length = madt_typical();

    for (uint32_t at = 36; at < length; at++) {
        for (unsigned int v = 0; v < 256; v += 5) {
            setup();
            fake_memory[MADT + at] = (uint8_t)v;
            head(MADT, "APIC", length);
            acpi_parse(&fake_reader, RSDP, &info, &why);
            ck_assert_uint_le(info.nr_cpus, MAX_CPUS);
            ck_assert_uint_le(info.apic.nr_ioapics, APIC_MAX_IOAPICS);
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("acpi");
    TCase *c = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, by_xsdt);
    tcase_add_test(c, by_rsdt);
    tcase_add_test(c, by_search);
    tcase_add_test(c, damaged);
    tcase_add_test(c, too_many_cpus);
    tcase_add_test(c, any_byte);
    suite_add_tcase(s, c);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
