/* SPDX-License-Identifier: MIT */
/* SOURCES: dom0-tools/libxeno/cfg/vif_cfg.c common/format.c */
/*
 * Entries of vif=: every field, what is refused with which words, rates as xl computes them, and that what is written is read back as
 * the same.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/compiler.h"
#include "libxeno/cfg/vif_cfg.h"

#define X15  "xxxxxxxxxxxxxxx"
#define X127 X15 X15 X15 X15 X15 X15 X15 X15 "xxxxxxx"

static struct domain_vif v;
static char why[200];

static void good(const char *text)
{
    memset(&v, 0xa5, sizeof(v));
    ck_assert_msg(domain_vif_parse(text, &v, why, sizeof(why)) == 0, "%s: %s", text, why);
}

START_TEST(every_field)
{
    good(
        "mac=00:16:3E:aB:00:01, bridge=br0 ,script=vif-nat,ip=10.0.0.2,vifname=web,rate=10Mb/s,mtu=9000,devid=3,trusted=0,"
        "type=vif,model=e1000,backend=Domain-0");
    ck_assert_str_eq(v.mac, "00:16:3E:aB:00:01");
    ck_assert_str_eq(v.bridge, "br0");
    ck_assert_str_eq(v.script, "vif-nat");
    ck_assert_str_eq(v.ip, "10.0.0.2");
    ck_assert_str_eq(v.vifname, "web");
    ck_assert_str_eq(v.rate, "10Mb/s");
    ck_assert(v.mtu == 9000 && v.devid == 3 && v.untrusted);
    good("mtu=68,devid=0,trusted=1,backend=0,bridge=" X15 ",script=" X127);
    ck_assert(v.mtu == 68 && v.devid == 0 && !v.untrusted);
    good("mtu=65535,devid=255,mac=");
    ck_assert(v.mtu == 65535 && v.devid == 255 && !v.mac[0]);
}
END_TEST

START_TEST(nothing_said)
{
    static const char *const texts[] = {"", " ", ",", ", ,", "bridge="};

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        good(texts[i]);
        ck_assert(!v.mac[0] && !v.bridge[0] && !v.vifname[0] && !v.script[0] && !v.ip[0] &&
                  !v.rate[0]);
        ck_assert(v.mtu == 0 && v.devid == -1 && !v.untrusted);
    }
}
END_TEST

static const struct {
    const char *text, *wanted;
} wrong[] = {
    {"mac=00:16:3e:00:00", "mac=00:16:3e:00:00: expected six bytes"},
    {"mac=00:16:3e:00:00:01:02", "mac=00:16:3e:00:00:01:02: expected the address of one interface"},
    {"mac=00-16-3e-00-00-01", "mac=00-16-3e-00-00-01: expected six bytes"},
    {"mac=00:16:3e:00:00:0g", "mac=00:16:3e:00:00:0g: expected six bytes"},
    {"mac=01:16:3e:00:00:01", "mac=01:16:3e:00:00:01: expected the address of one interface"},
    {"mac=00:00:00:00:00:00", "mac=00:00:00:00:00:00: expected the address of one interface"},
    {"bridge=a b", "bridge=a b: expected the name of an interface"},
    {"bridge=../x", "bridge=../x: expected the name of an interface"},
    {"vifname=..", "vifname=..: expected the name of an interface"},
    {"bridge=" X15 "x", "bridge= has at most 15 characters"},
    {"script=x" X127, "script= has at most 127 characters"},
    {"ip=" X127, "ip= has at most 63 characters"},
    {"script=" X127 X127, "a field of it is too long"},
    {"mtu=67", "mtu=67: expected a number from 68 to 65535"},
    {"mtu=65536", "mtu=65536: expected a number"},
    {"mtu=1500x", "mtu=1500x: expected a number"},
    {"mtu=-1", "mtu=-1: expected a number"},
    {"devid=256", "devid=256: expected a number from 0 to 255"},
    {"trusted=2", "trusted=2: expected 0 or 1"},
    {"backend=net", "backend=net: expected Domain-0"},
    {"rate=fast", "rate=fast: expected something like 10Mb/s"},
    {"brigde=br0", "it has no field like 'brigde=br0'"},
    {"br0", "it has no field like 'br0'"},
    {"macx=1", "it has no field like 'macx=1'"},
};

START_TEST(every_refusal)
{
    ck_assert_int_eq(domain_vif_parse(wrong[_i].text, &v, why, sizeof(why)), -1);
    ck_assert_msg(strncmp(why, wrong[_i].wanted, strlen(wrong[_i].wanted)) == 0, "'%s' for %s", why,
                  wrong[_i].text);
}
END_TEST

START_TEST(every_rate)
{
    static const struct {
        const char *text;
        uint64_t bytes;
        uint32_t us;
    } rates[] = {{"10Mb/s", 62500, 50000},
                 {"1MB/s", 50000, 50000},
                 {"1MB/s@20ms", 20000, 20000},
                 {"8b/s@1s", 1, 1000000},
                 {"250KB/s", 12500, 50000},
                 {"1GB/s@100us", 100000, 100},
                 {"1000B/s@1s", 1000, 1000000},
                 {"4GB/s@1s", 4000000000, 1000000},
                 {"1GB/s@60s", 0, 0},
                 {"5GB/s@1s", 0, 0},
                 {"0MB/s", 0, 0},
                 {"7b/s@1s", 0, 0},
                 {"MB/s", 0, 0},
                 {"1TB/s", 0, 0},
                 {"1MB", 0, 0},
                 {"1MB/s@", 0, 0},
                 {"1MB/s@20", 0, 0},
                 {"1MB/s@61s", 0, 0},
                 {"1MB/s@0ms", 0, 0},
                 {"1MB/s@20msx", 0, 0},
                 {"-1MB/s", 0, 0},
                 {"1MB/sx", 0, 0},
                 {"99999999999MB/s", 0, 0},
                 {"", 0, 0}};

    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        uint64_t bytes = 0;
        uint32_t us = 0;
        int rc = domain_vif_rate(rates[i].text, &bytes, &us);

        ck_assert_msg((rc == 0) == (rates[i].us != 0), "%s: %d", rates[i].text, rc);
        if (rc == 0) {
            ck_assert_msg(bytes == rates[i].bytes && us == rates[i].us, "%s: %lu in %u",
                          rates[i].text, bytes, us);
        }
    }
}
END_TEST

START_TEST(written_and_read_back)
{
    static const char *const texts[] = {
        "", "devid=255,trusted=0",
        "mac=00:16:3e:00:00:01,bridge=b,vifname=v,script=s,ip=10.0.0.1 10.0.0.2,rate=1Mb/s,mtu=68"};
    struct domain_vif was;
    char text[512], small[8];

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        int n;

        good(texts[i]);
        ck_assert_int_eq(domain_vifs_number(&v, 1, why, sizeof(why)), 0);
        was = v;
        n = domain_vif_write(&was, text, sizeof(text));
        ck_assert_int_eq(n, (int)strlen(text));
        good(text);
        ck_assert_mem_eq(&v, &was, sizeof(v));
        ck_assert_int_eq(domain_vif_write(&was, small, sizeof(small)), n);
        ck_assert_uint_eq(strlen(small), sizeof(small) - 1);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("vif_cfg");
    TCase *t = tcase_create("fields");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, every_field);
    tcase_add_test(t, nothing_said);
    tcase_add_loop_test(t, every_refusal, 0, (int)ARRAY_SIZE(wrong));
    tcase_add_test(t, every_rate);
    tcase_add_test(t, written_and_read_back);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
