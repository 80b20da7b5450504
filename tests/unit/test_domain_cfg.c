/* SPDX-License-Identifier: MIT */
/* SOURCES: dom0-tools/libxeno/cfg/cfg.c dom0-tools/libxeno/cfg/domain_cfg.c dom0-tools/libxeno/cfg/disk_cfg.c dom0-tools/libxeno/cfg/vif_cfg.c common/format.c */
/*
 * The domain's schema: defaults, every key, every range at both ends, what is refused with which words, and warnings that
 * name the nearest key. Each text goes the way of a file: parser first.
 */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/compiler.h"
#include "libxeno/cfg/domain_cfg.h"

#define LEAST "name='d'\nkernel='k'\n"
#define X15 "xxxxxxxxxxxxxxx"
#define X63 X15 "x" X15 "x" X15 "x" X15
#define X127 X63 "x" X63
#define X255 X127 "x" X127
#define X1023 X255 "x" X255 "x" X255 "x" X255

static struct domain_cfg d;
static char err[320], warnings[2048];
static unsigned int nr_warnings;

static void warn(void *ctx, const char *line)
{
    ck_assert_ptr_eq(ctx, &nr_warnings);
    ck_assert_ptr_null(strchr(line, '\n'));
    nr_warnings++;
    strcat(strcat(warnings, line), "\n");
}

static int read_text(const char *text)
{
    struct cfg c;
    int rc = cfg_parse(&c, "f", text, strlen(text), err, sizeof(err));

    ck_assert_msg(rc == 0, "%s", err);
    memset(&d, 0xa5, sizeof(d));
    warnings[0] = '\0';
    nr_warnings = 0;
    err[0] = '\0';
    rc = domain_cfg_read(&c, &d, warn, &nr_warnings, err, sizeof(err));
    ck_assert_int_eq(rc == 0, err[0] == '\0');
    ck_assert_ptr_null(strchr(err, '\n'));
    cfg_free(&c);
    return rc;
}

static void good(const char *text)
{
    int rc = read_text(text);

    ck_assert_msg(rc == 0, "%s", err);
}

START_TEST(defaults)
{
    good(LEAST);
    ck_assert_str_eq(d.name, "d");
    ck_assert_str_eq(d.kernel, "k");
    ck_assert_str_eq(d.ramdisk, "");
    ck_assert_str_eq(d.cmdline, "");
    ck_assert_int_eq(d.memory_mib, 32);
    ck_assert_int_eq(d.vcpus, 1);
    ck_assert_int_eq(d.cpu_weight, 0);
    ck_assert_int_eq(d.cap, 0);
    ck_assert_uint_eq(d.affinity, 0);
    ck_assert_int_eq(d.on_poweroff, ACTION_DESTROY);
    ck_assert_int_eq(d.on_reboot, ACTION_RESTART);
    ck_assert_int_eq(d.on_crash, ACTION_DESTROY);
    for (size_t i = 0; i < sizeof(d.uuid_bytes); i++) {
        ck_assert_uint_eq(d.uuid_bytes[i], 0);
    }
    ck_assert_uint_eq(nr_warnings, 0);
}
END_TEST

START_TEST(every_key)
{
    static const uint8_t uuid[16] = {0x06, 0xed, 0x00, 0xfe, 0x11, 0x62, 0x4f, 0xc4, 0xb5, 0xd8, 0x11, 0x99, 0x3e, 0xe4, 0xa8, 0xb9};

    good("type='pv'; name='web-1.example'; kernel='/boot/vmlinux'; ramdisk='/boot/initrd'; cmdline='quiet'; memory=64; maxmem=128;"
         "vcpus=4; cpus='0-3,5,^1'; cpu_weight=512; cap=150; uuid='06ED00fe-1162-4fc4-b5d8-11993ee4a8b9';"
         "on_poweroff='preserve'; on_reboot='destroy'; on_crash='restart'");
    ck_assert_str_eq(d.name, "web-1.example");
    ck_assert_str_eq(d.kernel, "/boot/vmlinux");
    ck_assert_str_eq(d.ramdisk, "/boot/initrd");
    ck_assert_str_eq(d.cmdline, "quiet");
    ck_assert_int_eq(d.memory_mib, 64);
    ck_assert_int_eq(d.maxmem_mib, 128);
    ck_assert_int_eq(d.vcpus, 4);
    ck_assert_uint_eq(d.affinity, 0x2d);
    ck_assert_int_eq(d.cpu_weight, 512);
    ck_assert_int_eq(d.cap, 150);
    ck_assert_mem_eq(d.uuid_bytes, uuid, sizeof(uuid));
    ck_assert_int_eq(d.on_poweroff, ACTION_PRESERVE);
    ck_assert_int_eq(d.on_reboot, ACTION_DESTROY);
    ck_assert_int_eq(d.on_crash, ACTION_RESTART);
    good(LEAST "max_event_channels=131071; max_grant_frames=1048576; max_maptrack_frames=1");
    ck_assert_int_eq(d.limits.event_channels, 131071);
    ck_assert_int_eq(d.limits.grant_frames, 1048576);
    ck_assert_int_eq(d.limits.maptrack_frames, 1);
    ck_assert_uint_eq(nr_warnings, 0);
}
END_TEST

START_TEST(command_lines)
{
    good(LEAST "root='/dev/xvda1'; extra='ro quiet'");
    ck_assert_str_eq(d.cmdline, "root=/dev/xvda1 ro quiet");
    good(LEAST "root='/dev/xvda1'");
    ck_assert_str_eq(d.cmdline, "root=/dev/xvda1");
    good(LEAST "extra='quiet'");
    ck_assert_str_eq(d.cmdline, "quiet");
    good(LEAST "cmdline='mine'; root='/dev/xvda1'; extra='quiet'");
    ck_assert_str_eq(d.cmdline, "mine");
    good(LEAST "cmdline='" X1023 "'");
    ck_assert_uint_eq(strlen(d.cmdline), 1023);
    good(LEAST "extra='" X1023 "'");
    ck_assert_uint_eq(strlen(d.cmdline), 1023);
    good(LEAST "cmdline=1000"); /* a number where a string is wanted is its text */
    ck_assert_str_eq(d.cmdline, "1000");
    good("name='d'; kernel=0x10");
    ck_assert_str_eq(d.kernel, "0x10");
}
END_TEST

START_TEST(ends_of_ranges)
{
    good(LEAST "memory=1; maxmem=1; vcpus=1; cpu_weight=1; cap=0");
    good(LEAST "memory=16777216; maxmem=16777216; vcpus=128; cpu_weight=65535; cap=12800");
    ck_assert_int_eq(d.memory_mib, 16777216);
    ck_assert_int_eq(d.cap, 12800);
    good("name='" X63 "'; kernel='" X255 "'");
    ck_assert_uint_eq(strlen(d.name), 63);
    ck_assert_uint_eq(strlen(d.kernel), 255);
}
END_TEST

START_TEST(masks_of_cpus)
{
    static const struct {
        const char *text;
        uint64_t mask;
    } masks[] = {{"", 0}, {"all", 0}, {"0", 1}, {"63", 1ul << 63}, {"0-63", UINT64_MAX}, {"1,3,5", 0x2a}, {"0-7,^0-3", 0xf0},
                 {"2-2", 4}, {"4,", 0x10}};

    for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
        char text[128];

        snprintf(text, sizeof(text), LEAST "cpus='%s'", masks[i].text);
        good(text);
        ck_assert_msg(d.affinity == masks[i].mask, "%s: %lx", masks[i].text, d.affinity);
    }
    good(LEAST "cpus=5");
    ck_assert_uint_eq(d.affinity, 0x20);
}
END_TEST

static const struct {
    const char *text, *wanted;
} errors[] = {
    {"kernel='k'", "f: name= is missing"},
    {"name=''; kernel='k'", "f: name= is missing"},
    {"name='d'", "f: kernel= is missing"},
    {"name='d'; kernel=''", "f: kernel= is missing"},
    {"name='a b'; kernel='k'", "f: name \"a b\" has a blank"},
    {"name='a\tb'; kernel='k'", "f: name \"a\tb\" has a blank"},
    {"name='a/b'; kernel='k'", "f: name \"a/b\" has a blank, a slash"},
    {"name='\xc3\xa4'; kernel='k'", "f: name \"\xc3\xa4\" has a blank, a slash or something that is not ASCII"},
    {"name='" X63 "x'; kernel='k'", "f:1: name: longer than 63 characters"},
    {"name='d'; kernel='" X255 "x'", "f:1: kernel: longer than 255 characters"},
    {"name='a\\nb'; kernel='k'", "f:1: name: a control character"},
    {"name='d'; kernel='k\x1b[2J'", "f:1: kernel: a control character"},
    {"name=['d']; kernel='k'", "f:1: name: expected a string in quotes, not a list"},
    {LEAST "cmdline='" X1023 "x'", "f:3: cmdline: longer than 1023 characters"},
    {LEAST "extra='" X1023 "x'", "f:3: extra: longer than 1023 characters"},
    {LEAST "root='r'; extra='" X1023 "'", "f: root= and extra= together are longer than 1023 characters"},
    {LEAST "\nmemory='64'", "f:4: memory: expected a number without quotes"},
    {LEAST "memory=[64]", "f:3: memory: expected a number"},
    {LEAST "memory=0", "f:3: memory: 0 is out of range: 1 to 16777216"},
    {LEAST "memory=-1", "f:3: memory: -1 is out of range"},
    {LEAST "memory=16777217", "f:3: memory: 16777217 is out of range"},
    {LEAST "memory=9223372036854775807", "f:3: memory: 9223372036854775807 is out of range"},
    {LEAST "maxmem=0", "f:3: maxmem: 0 is out of range"},
    {LEAST "vcpus=0", "f:3: vcpus: 0 is out of range: 1 to 128"},
    {LEAST "vcpus=129", "f:3: vcpus: 129 is out of range"},
    {LEAST "cpu_weight=0", "f:3: cpu_weight: 0 is out of range: 1 to 65535"},
    {LEAST "cpu_weight=65536", "f:3: cpu_weight: 65536 is out of range"},
    {LEAST "cap=-1", "f:3: cap: -1 is out of range"},
    {LEAST "cap=12801", "f:3: cap: 12801 is out of range"},
    {LEAST "max_event_channels=0", "f:3: max_event_channels: 0 is out of range: 1 to 131071"},
    {LEAST "max_grant_frames=1048577", "f:3: max_grant_frames: 1048577 is out of range"},
    {LEAST "vif=[1]", "f:3: vif: expected a list of strings"},
    {LEAST "vif=1", "f:3: vif: expected a list of strings"},
    {LEAST "vif=['ip=a\x1b[2J']", "f:3: vif: a control character in the string"},
    {LEAST "vif=['','','','','','','','','']", "f:3: vif: a domain has at most 8 interfaces"},
    {LEAST "vif=['', 'devid=3', 'devid=3']", "f:3: vif: devid=3 is there twice"},
    {LEAST "vif=['mac=5']", "f:3: vif: mac=5: expected six bytes in hexadecimal"},
    {LEAST "on_crash='explode'", "f:3: on_crash: expected \"destroy\", \"preserve\", \"restart\", \"rename-restart\""},
    {LEAST "on_poweroff=1", "f:3: on_poweroff: expected \"destroy\""},
    {LEAST "on_reboot=['destroy']", "f:3: on_reboot: expected \"destroy\""},
    {LEAST "type='hvm'", "f: type=\"hvm\" is not supported: \"pv\" and \"full\" are"},
    {LEAST "uuid='123'", "f: uuid=\"123\": expected 8-4-4-4-12"},
    {LEAST "uuid='06ed00fe-1162-4fc4-b5d8-11993ee4a8b'", "f: uuid="},
    {LEAST "uuid='06ed00fe-1162-4fc4-b5d8-11993ee4a8b9a'", "f: uuid="},
    {LEAST "uuid='06ed00fe-1162-4fc4-b5d8-11993ee4a8bg'", "f: uuid="},
    {LEAST "uuid='06ed00f-e1162-4fc4-b5d8-11993ee4a8b9'", "f: uuid="},
    {LEAST "cpus='64'", "f: cpus=\"64\": expected a list like"},
    {LEAST "cpus='3-1'", "f: cpus="},
    {LEAST "cpus='1-'", "f: cpus="},
    {LEAST "cpus='-1'", "f: cpus="},
    {LEAST "cpus='1;2'", "f: cpus="},
    {LEAST "cpus='x'", "f: cpus="},
    {LEAST "cpus=','", "f: cpus="},
    {LEAST "cpus='^'", "f: cpus="},
    {LEAST "cpus='0,^0'", "f: cpus="},
    {LEAST "cpus='0-18446744073709551616'", "f: cpus="},
    {LEAST "cpus='nodes:0'", "f: cpus="},
};

START_TEST(every_refusal)
{
    ck_assert_int_eq(read_text(errors[_i].text), -1);
    ck_assert_msg(strncmp(err, errors[_i].wanted, strlen(errors[_i].wanted)) == 0, "'%s' does not begin with '%s'", err,
                  errors[_i].wanted);
    ck_assert_uint_eq(nr_warnings, 0);
}
END_TEST

/* What is written is read back as the same, so that a domain can be made again from its record. */
START_TEST(written_and_read_back)
{
    struct domain_cfg was;
    char text[8192], small[16];
    int n;

    good("name='n'\nkernel='/k \\\\ \"x\"'\nramdisk='r'\nroot='/dev/xvda'\nextra='a=\"b c\" ;#'\nuuid='06ed00fe-1162-4fc4-b5d8-11993ee4a8b9'\n"
         "cpus='0-2'\nmemory=77\nmaxmem=99\nvcpus=2\nmaxvcpus=4\ncpu_weight=512\ncap=50\non_poweroff='preserve'\n"
         "on_reboot='rename-restart'\non_crash='coredump-restart'\ndisk=['file:/a \"b\".img,raw,xvdb,r']\n"
         "vif=['script=a\"b,rate=1Mb/s@20ms,ip=10.0.0.1 10.0.0.2', 'mac=00:16:3e:00:00:01,bridge=b,vifname=v,mtu=9000,devid=7,trusted=0']\n"
         "max_event_channels=2000\nmax_grant_frames=8\nmax_maptrack_frames=9\n");
    was = d;
    n = domain_cfg_write(&was, text, sizeof(text));
    ck_assert_int_eq(n, (int)strlen(text));
    good(text);
    ck_assert_mem_eq(&d, &was, sizeof(d));
    ck_assert_uint_eq(nr_warnings, 0);
    ck_assert_int_eq(domain_cfg_write(&was, small, sizeof(small)), n);
    ck_assert_uint_eq(strlen(small), sizeof(small) - 1);
    good(LEAST);
    was = d;
    domain_cfg_write(&was, text, sizeof(text));
    good(text);
    ck_assert_mem_eq(&d, &was, sizeof(d));
}
END_TEST

START_TEST(unknown_keys)
{
    good(LEAST "memry=5\nfrobnication=1\nkernal='x'\nvcpu=2\n");
    ck_assert_str_eq(warnings, "f:3: unknown key memry is ignored: did you mean memory?\n"
                               "f:4: unknown key frobnication is ignored\n"
                               "f:5: unknown key kernal is ignored: did you mean kernel?\n"
                               "f:6: unknown key vcpu is ignored: did you mean vcpus?\n");
    good(LEAST "a_key_that_is_longer_than_any_that_anybody_would_ever_think_of_typing=1");
    ck_assert_uint_eq(nr_warnings, 1);
    ck_assert_ptr_null(strstr(warnings, "did you mean"));
}
END_TEST

/* What xl has and this tool has no use for: files that work there are read without noise. */
START_TEST(keys_of_xl)
{
    good(LEAST "builder='generic'; maxvcpus=4; localtime=0; on_watchdog='restart'; max_grant_frames=64; vfb=[]; bootloader=''");
    ck_assert_uint_eq(nr_warnings, 0);
    good(
        LEAST
        "disk=['phy:/dev/x,raw,xvda,w', 'b,raw,xvdb,r']\nvif=['mac=00:16:3e:00:00:01,bridge=br0']");
    ck_assert_uint_eq(nr_warnings, 0);
}
END_TEST

/* Numbers are given to those that say none, in order, and stay when what is written is read. */
START_TEST(interfaces)
{
    char text[2048];

    good(LEAST "vif=[]; vif=''");
    ck_assert_uint_eq(d.nr_vifs, 0);
    good(LEAST "vif=['']");
    ck_assert_uint_eq(d.nr_vifs, 1);
    ck_assert_int_eq(d.vif[0].devid, 0);
    good(LEAST "vif=['', 'devid=0', '', 'devid=1', '']");
    ck_assert_uint_eq(d.nr_vifs, 5);
    ck_assert(d.vif[0].devid == 2 && d.vif[1].devid == 0 && d.vif[2].devid == 3 && d.vif[3].devid == 1 && d.vif[4].devid == 4);
    good(LEAST "vif='bridge=one'");
    ck_assert_str_eq(d.vif[0].bridge, "one");
    ck_assert_int_gt(domain_cfg_write(&d, text, sizeof(text)), 0);
    ck_assert_ptr_nonnull(strstr(text, "vif = [\"devid=0,bridge=one\"]\n"));
}
END_TEST

static void no_disks(const char *text, const char *wanted)
{
    ck_assert_int_eq(read_text(text), -1);
    ck_assert_str_eq(err, wanted);
}

static void several_disks(void)
{
    static struct domain_cfg was;
    char text[4096];

    good(LEAST "disk=['/a,raw,xvda,w', '/b,xvdb,r', '/c,raw,hda,w']");
    ck_assert(strcmp(d.disk[1].target, "/b") == 0 && d.disk[1].read_only && !d.disk[2].read_only);
    ck_assert(strcmp(d.disk[2].vdev, "hda") == 0 && !d.disk[3].target[0]);
    was = d;
    domain_cfg_write(&was, text, sizeof(text));
    good(text);
    ck_assert_mem_eq(&d, &was, sizeof(d));
    no_disks(LEAST "disk=['/a,xvda,w', '/b,xvda,w']",
             "f: disk: two of them are xvda: give each a name of its own");
    no_disks(LEAST "disk=['/a,xvda,w', '/b,hda,w']\ntype='full'",
             "f: disk: two of them are hda: give each a name of its own");
    no_disks(LEAST "disk=['/a,xvdc,w']\ntype='full'",
             "f: disk: a fully virtualized domain has no xvdc: hda and hdb are there");
    no_disks(LEAST "disk=['a,hda,w','a,hdb,w','a,sda,w','a,sdb,w','a,sdc,w']",
             "f:3: disk: a domain has at most 4 disks");
}

/* The same disk in xl's forms. */
START_TEST(disks)
{
    static const char *const same[] = {
        "file:/d.img,raw,xvda,r", "/d.img,,xvda,ro", "target=/d.img,access=r,vdev=xvda",
        "phy:/d.img,xvda,r", "/d.img, raw, xvda, r", "format=raw, vdev=xvda, access=r, devtype=disk, target=/d.img"};
    static const struct {
        const char *text, *wanted;
    } wrong[] = {{"/d,qcow2,hda,w", "format qcow2 is not supported: raw is"},
                 {"/d,raw,xvdz,w", "no virtual device is named xvdz"},
                 {"/d,raw,hdc,w", "no virtual device is named hdc"},
                 {"/d,raw,hda,x", "access x: expected r or w"},
                 {"/d,raw,hda,w,more", "there is something behind the access: more"},
                 {"file:,raw,hda,w", "a target has 1 to 255 characters"},
                 {"vdev=hda", "it has no target"}};
    struct domain_disk disk;
    char text[200];

    for (size_t i = 0; i < ARRAY_SIZE(same); i++) {
        snprintf(text, sizeof(text), LEAST "disk=['%s']", same[i]);
        good(text);
        ck_assert_str_eq(d.disk[0].target, "/d.img");
        ck_assert_str_eq(d.disk[0].vdev, "xvda");
        ck_assert(d.disk[0].read_only);
    }
    good(LEAST "disk='d'");
    ck_assert(strcmp(d.disk[0].vdev, "hda") == 0 && !d.disk[0].read_only);
    good(LEAST "disk=[]");
    ck_assert_str_eq(d.disk[0].target, "");
    several_disks();
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        ck_assert_int_eq(domain_disk_parse(wrong[i].text, &disk, text, sizeof(text)), -1);
        ck_assert_msg(strncmp(text, wrong[i].wanted, strlen(wrong[i].wanted)) == 0, "'%s' for %s",
                      text, wrong[i].text);
    }
    ck_assert(domain_disk_number("hda") == 768 && domain_disk_number("hdb") == 832 &&
              domain_disk_number("xvda") == 51712 && domain_disk_number("sdb") == 2064 &&
              domain_disk_number("hd") == 0 && domain_disk_number("xvdA") == 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("domain_cfg");
    TCase *t = tcase_create("schema");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_test(t, defaults);
    tcase_add_test(t, every_key);
    tcase_add_test(t, command_lines);
    tcase_add_test(t, ends_of_ranges);
    tcase_add_test(t, masks_of_cpus);
    tcase_add_loop_test(t, every_refusal, 0, (int)ARRAY_SIZE(errors));
    tcase_add_test(t, written_and_read_back);
    tcase_add_test(t, unknown_keys);
    tcase_add_test(t, keys_of_xl);
    tcase_add_test(t, interfaces);
    tcase_add_test(t, disks);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
