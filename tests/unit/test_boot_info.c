/* SPDX-License-Identifier: MIT */
/* SOURCES: hypervisor/boot/boot_info.c hypervisor/boot/cmdline.c */
/* The three boot protocols and the command line: what loaders give, and what a damaged structure must not do. */
#include <check.h>

#include "fake_memory.h"

static struct boot_info info;
static const char *why;

static void setup(void)
{
    fake_memory_reset();
    memset(&info, 0, sizeof(info));
    why = NULL;
}

static void teardown(void)
{
    fake_memory_reset();
}

#define MB1     0x100
#define MB1_MAP 0x400

static void mb1_map_entry(uint64_t at, uint32_t size, uint64_t start, uint64_t len, uint32_t type)
{
    fake_put32(at, size);
    fake_put64(at + 4, start);
    fake_put64(at + 12, len);
    fake_put32(at + 20, type);
}

static void mb1_typical(void)
{
    fake_put32(MB1, 1u << 0 | 1u << 2 | 1u << 3 | 1u << 6 | 1u << 9);
    fake_put32(MB1 + 16, 0x800); /* command line */
    fake_put(0x800, "xenolith.elf exit=debug", 24);
    fake_put32(MB1 + 20, 2); /* modules */
    fake_put32(MB1 + 24, 0x900);
    fake_put32(0x900, 0x400000);
    fake_put32(0x904, 0x400123);
    fake_put32(0x908, 0xa00);
    fake_put(0xa00, "/boot/dom boot", 15);
    fake_put32(0x910, 0x500000);
    fake_put32(0x914, 0x500000);
    fake_put32(MB1 + 44, 3 * 24); /* memory map */
    fake_put32(MB1 + 48, MB1_MAP);
    mb1_map_entry(MB1_MAP, 20, 0, 0x9fc00, 1);
    mb1_map_entry(MB1_MAP + 24, 20, 0x100000, 0x7f00000, 1);
    mb1_map_entry(MB1_MAP + 48, 20, 0x100000000, 0x40000000, 1);
    fake_put32(MB1 + 64, 0xb00); /* loader */
    fake_put(0xb00, "qemu", 5);
}

START_TEST(multiboot1_typical)
{
    mb1_typical();
    ck_assert_int_eq(boot_parse_multiboot1(&fake_reader, MB1, &info, &why), 0);
    ck_assert_str_eq(info.cmdline, "xenolith.elf exit=debug");
    ck_assert_str_eq(info.loader, "qemu");
    ck_assert_uint_eq(info.nr_modules, 2);
    ck_assert_uint_eq(info.modules[0].start, 0x400000);
    ck_assert_uint_eq(info.modules[0].end, 0x400123);
    ck_assert_str_eq(info.modules[0].cmdline, "/boot/dom boot");
    ck_assert_str_eq(info.modules[1].cmdline, "");
    ck_assert_uint_eq(info.nr_e820, 3);
    ck_assert_uint_eq(info.e820[2].start, 0x100000000);
    ck_assert_uint_eq(info.e820[2].size, 0x40000000);
}
END_TEST

START_TEST(multiboot1_without_map)
{
    fake_put32(MB1, 1);
    fake_put32(MB1 + 4, 639);
    fake_put32(MB1 + 8, 65536);
    ck_assert_int_eq(boot_parse_multiboot1(&fake_reader, MB1, &info, &why), 0);
    ck_assert_uint_eq(info.nr_e820, 2);
    ck_assert_uint_eq(info.e820[1].size, 65536ull << 10);
    setup();
    ck_assert_int_lt(boot_parse_multiboot1(&fake_reader, MB1, &info, &why), 0);
    ck_assert_ptr_nonnull(why);
}
END_TEST

START_TEST(multiboot1_damaged)
{
    mb1_typical();
    fake_put32(MB1_MAP, 4); /* an entry shorter than an entry */
    ck_assert_int_lt(boot_parse_multiboot1(&fake_reader, MB1, &info, &why), 0);
    setup();
    mb1_typical();
    fake_put32(MB1 + 48, 0xfffffff0); /* a map outside of memory */
    ck_assert_int_lt(boot_parse_multiboot1(&fake_reader, MB1, &info, &why), 0);
    setup();
    mb1_typical();
    fake_put32(MB1 + 20, 0xffffffff); /* modules without end */
    ck_assert_int_lt(boot_parse_multiboot1(&fake_reader, MB1, &info, &why), 0);
    setup();
    mb1_typical();
    fake_put32(0x904, 0x3fffff); /* ends before it starts */
    ck_assert_int_lt(boot_parse_multiboot1(&fake_reader, MB1, &info, &why), 0);
    setup();
    ck_assert_int_lt(boot_parse_multiboot1(&fake_reader, FAKE_BYTES - 8, &info, &why), 0);
}
END_TEST

START_TEST(strings_are_cut)
{
    fake_put32(MB1, 1u << 0 | 1u << 2);
    fake_put32(MB1 + 16, 0x1000);
    memset(fake_memory + 0x1000, 'x', 3 * BOOT_CMDLINE_MAX);
    ck_assert_int_eq(boot_parse_multiboot1(&fake_reader, MB1, &info, &why), 0);
    ck_assert_uint_eq(strlen(info.cmdline), BOOT_CMDLINE_MAX - 1);
    /* One that runs out of memory ends there. */
    memset(fake_memory + FAKE_BYTES - 10, 'y', 10);
    fake_put32(MB1 + 16, FAKE_BYTES - 10);
    ck_assert_int_eq(boot_parse_multiboot1(&fake_reader, MB1, &info, &why), 0);
    ck_assert_uint_eq(strlen(info.cmdline), 10);
}
END_TEST

/* Appends a tag at *at, as multiboot2 aligns them. */
static void mb2_tag(uint64_t *at, uint32_t type, const void *body, uint32_t n)
{
    fake_put32(*at, type);
    fake_put32(*at + 4, 8 + n);
    fake_put(*at + 8, body, n);
    *at = (*at + 8 + n + 7) & ~7ull;
}

static void mb2_typical(uint64_t *end)
{
    static const char rsdp[36] = "RSD PTR ";
    uint64_t at = 0x108;
    struct {
        uint32_t entry_size, version;
        struct {
            uint64_t start, len;
            uint32_t type, zero;
        } e[2];
    } map = {24, 0, {{0, 0x9f000, 1, 0}, {0x100000, 0x1000000, 1, 0}}};
    struct {
        uint32_t start, end;
        char line[8];
    } module = {0x300000, 0x301000, "a b c"};

    mb2_tag(&at, 1, "exit=debug", 11);
    mb2_tag(&at, 3, &module, sizeof(module));
    mb2_tag(&at, 6, &map, sizeof(map));
    mb2_tag(&at, 15, rsdp, 36);
    mb2_tag(&at, 14, rsdp, 20);
    mb2_tag(&at, 99, "unknown", 7);
    mb2_tag(&at, 0, "", 0);
    fake_put32(0x100, (uint32_t)(at - 0x100));
    *end = at;
}

START_TEST(multiboot2_typical)
{
    uint64_t end;

    mb2_typical(&end);
    ck_assert_int_eq(boot_parse_multiboot2(&fake_reader, 0x100, &info, &why), 0);
    ck_assert_str_eq(info.cmdline, "exit=debug");
    ck_assert_uint_eq(info.nr_modules, 1);
    ck_assert_str_eq(info.modules[0].cmdline, "a b c");
    ck_assert_uint_eq(info.nr_e820, 2);
    ck_assert_mem_eq(fake_memory + info.rsdp, "RSD PTR ", 8);
    ck_assert_uint_eq(*(uint32_t *)(fake_memory + info.rsdp - 4), 44); /* the newer tag won */
}
END_TEST

START_TEST(multiboot2_damaged)
{
    uint64_t end;

    mb2_typical(&end);
    fake_put32(0x10c, 7); /* first tag too short */
    ck_assert_int_lt(boot_parse_multiboot2(&fake_reader, 0x100, &info, &why), 0);
    setup();
    mb2_typical(&end);
    fake_put32(0x10c, 0xffffff00); /* or longer than all */
    ck_assert_int_lt(boot_parse_multiboot2(&fake_reader, 0x100, &info, &why), 0);
    setup();
    fake_put32(0x100, 0xffffffff); /* no end in memory */
    ck_assert_int_lt(boot_parse_multiboot2(&fake_reader, 0x100, &info, &why), 0);
    setup();
    fake_put32(0x100, 8); /* nothing in it */
    ck_assert_int_lt(boot_parse_multiboot2(&fake_reader, 0x100, &info, &why), 0);
}
END_TEST

static void pvh_typical(void)
{
    fake_put32(0x100, 0x336ec578);
    fake_put32(0x104, 1);
    fake_put32(0x10c, 1); /* modules */
    fake_put64(0x110, 0x300);
    fake_put64(0x118, 0x400); /* command line */
    fake_put(0x400, "log=com2", 9);
    fake_put64(0x120, 0xe0010);
    fake_put64(0x128, 0x500);
    fake_put32(0x130, 1);
    fake_put64(0x300, 0x700000);
    fake_put64(0x308, 0x1234);
    fake_put64(0x500, 0x100000);
    fake_put64(0x508, 0x8000000);
    fake_put32(0x510, 1);
}

START_TEST(pvh)
{
    pvh_typical();
    ck_assert_int_eq(boot_parse_pvh(&fake_reader, 0x100, &info, &why), 0);
    ck_assert_str_eq(info.cmdline, "log=com2");
    ck_assert_uint_eq(info.modules[0].end, 0x701234);
    ck_assert_uint_eq(info.rsdp, 0xe0010);
    ck_assert_uint_eq(info.e820[0].size, 0x8000000);
    setup();
    pvh_typical();
    fake_put32(0x104, 0); /* version 0 has no map */
    ck_assert_int_lt(boot_parse_pvh(&fake_reader, 0x100, &info, &why), 0);
    setup();
    pvh_typical();
    fake_put64(0x308, UINT64_MAX); /* wraps */
    ck_assert_int_lt(boot_parse_pvh(&fake_reader, 0x100, &info, &why), 0);
    setup();
    pvh_typical();
    fake_put64(0x128, FAKE_BYTES - 8);
    ck_assert_int_lt(boot_parse_pvh(&fake_reader, 0x100, &info, &why), 0);
}
END_TEST

START_TEST(command_line)
{
    const char *line = " /boot/xen  mem=64 exit=debug nosmap mem=128 logx=1 empty=";
    char buf[6];

    ck_assert_int_eq(cmdline_get(line, "mem", buf, sizeof(buf)), 1);
    ck_assert_str_eq(buf, "128"); /* the last one counts */
    ck_assert_int_eq(cmdline_get(line, "exit", buf, sizeof(buf)), 1);
    ck_assert_str_eq(buf, "debug");
    ck_assert_int_eq(cmdline_get(line, "nosmap", buf, sizeof(buf)), 1);
    ck_assert_str_eq(buf, "");
    ck_assert_int_eq(cmdline_get(line, "empty", buf, sizeof(buf)), 1);
    ck_assert_int_eq(cmdline_get(line, "log", buf, sizeof(buf)), 0);
    ck_assert_int_eq(cmdline_get(line, "osmap", buf, sizeof(buf)), 0);
    ck_assert_int_eq(cmdline_get("", "mem", buf, sizeof(buf)), 0);
    ck_assert_int_eq(cmdline_get("nosmap", "nosmap", NULL, 0), 1);
    ck_assert_int_eq(cmdline_get("name=toolong", "name", buf, sizeof(buf)), 1);
    ck_assert_str_eq(buf, "toolo");
}
END_TEST

START_TEST(command_line_numbers)
{
    ck_assert_uint_eq(
        cmdline_get_number("a=0x1F b=12 c=12k d= e=99999999999999999999 f=0x g", "a", 7), 31);
    ck_assert_uint_eq(cmdline_get_number("a=0x1F b=12", "b", 7), 12);
    ck_assert_uint_eq(cmdline_get_number("c=12k", "c", 7), 7);
    ck_assert_uint_eq(cmdline_get_number("d=", "d", 7), 7);
    ck_assert_uint_eq(cmdline_get_number("e=99999999999999999999", "e", 7), 7);
    ck_assert_uint_eq(cmdline_get_number("f=0x", "f", 7), 7);
    ck_assert_uint_eq(cmdline_get_number("g", "g", 7), 7);
    ck_assert_uint_eq(cmdline_get_number("h=18446744073709551615", "h", 7), UINT64_MAX);
    ck_assert_uint_eq(cmdline_get_number("", "a", 7), 7);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("boot_info");
    TCase *c = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, multiboot1_typical);
    tcase_add_test(c, multiboot1_without_map);
    tcase_add_test(c, multiboot1_damaged);
    tcase_add_test(c, strings_are_cut);
    tcase_add_test(c, multiboot2_typical);
    tcase_add_test(c, multiboot2_damaged);
    tcase_add_test(c, pvh);
    tcase_add_test(c, command_line);
    tcase_add_test(c, command_line_numbers);
    suite_add_tcase(s, c);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
