/* SPDX-License-Identifier: MIT */
/* SOURCES: dom0-tools/libxeno/launch.c dom0-tools/libxeno/launch_tree.c dom0-tools/libxeno/error.c common/format.c */
/* LIBS: fdt */
/*
 * Launch descriptions made with libfdt's writer: what both forms say arrives, and every single wrong property, put into a
 * good tree, gives one line that names its node and itself; broken, cut and misaligned trees do no harm.
 */
#include <check.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/compiler.h"
#include "libxeno/launch.h"

#define TREE_BYTES 65536
#define HV   "/chosen/hypervisor"
#define DOM0 HV "/domain@0"
#define DOM1 HV "/domain@1"
#define LESS "/chosen/guest@7"

static struct launch launch;
static struct xeno_error err;
static unsigned int nr_warnings;
static char warnings[8192];

static void warn(void *ctx, const char *line)
{
    ck_assert_ptr_eq(ctx, warnings);
    ck_assert_ptr_null(strchr(line, '\n'));
    nr_warnings++;
    if (strlen(warnings) + strlen(line) + 2 < sizeof(warnings)) {
        strcat(strcat(warnings, line), "\n");
    }
}

static int parse(const void *tree, size_t size)
{
    int rc;

    nr_warnings = 0;
    warnings[0] = '\0';
    strcpy(err.text, "untouched");
    rc = launch_parse(&launch, tree, size, warn, warnings, &err);
    if (rc) {
        ck_assert_ptr_null(launch.tree);
        ck_assert_ptr_null(strchr(err.text, '\n'));
        ck_assert_str_ne(err.text, "untouched");
    }
    return rc;
}

/* ---- making trees ---- */

static int node(void *t, const char *path)
{
    const char *slash = strrchr(path, '/');
    int parent = slash == path ? 0 : fdt_path_offset_namelen(t, path, (int)(slash - path));
    int n = fdt_add_subnode(t, parent, slash + 1);

    ck_assert_int_ge(n, 0);
    return n;
}

static void set(void *t, const char *path, const char *name, const void *data, size_t size)
{
    ck_assert_int_eq(fdt_setprop(t, fdt_path_offset(t, path), name, data, (int)size), 0);
}

static void set_string(void *t, const char *path, const char *name, const char *s)
{
    set(t, path, name, s, strlen(s) + 1);
}

static void set_u32(void *t, const char *path, const char *name, uint32_t v)
{
    fdt32_t be = cpu_to_fdt32(v);

    set(t, path, name, &be, sizeof(be));
}

static void set_u64(void *t, const char *path, const char *name, uint64_t v)
{
    fdt64_t be = cpu_to_fdt64(v);

    set(t, path, name, &be, sizeof(be));
}

static void module(void *t, const char *path, const char *compatible, size_t size, uint32_t index)
{
    node(t, path);
    set(t, path, "compatible", compatible, size);
    set_u32(t, path, "mb-index", index);
}

#define MODULE(t, path, compatible, index) module(t, path, compatible "\0multiboot,module", sizeof(compatible "\0multiboot,module"), index)

static void domain(void *t, const char *path)
{
    node(t, path);
    set_string(t, path, "compatible", "xen,domain");
}

/* dom0 and a guest in hyperlaunch's form, one guest in dom0less's; the writer puts each new node before its siblings. */
static void *good_tree(void)
{
    static const uint8_t uuid[16] = {0xb3, 0xfb, 0x98, 0xfb, 0x8f, 0x9f, 0x67, 0xa3, 1, 2, 3, 4, 5, 6, 7, 8};
    void *t = malloc(TREE_BYTES);

    ck_assert_int_eq(fdt_create_empty_tree(t, TREE_BYTES), 0);
    node(t, "/chosen");
    domain(t, LESS);
    set_u64(t, LESS, "memory", 8191);
    set_u32(t, LESS, "cpus", 4);
    set_u32(t, LESS, "capabilities", 4);
    MODULE(t, LESS "/module@0", "multiboot,kernel", 1);
    fdt_delprop(t, fdt_path_offset(t, LESS "/module@0"), "mb-index");
    set_string(t, LESS "/module@0", "module-name", "hello");
    set_string(t, LESS "/module@0", "bootargs", "");
    node(t, HV);
    set_string(t, HV, "compatible", "hypervisor,xen");
    domain(t, DOM1);
    set_u32(t, DOM1, "memory", 16384);
    set(t, DOM1, "domain-uuid", uuid, sizeof(uuid));
    set_string(t, DOM1, "domain-name", "web");
    MODULE(t, DOM1 "/kernel", "module,kernel", 1);
    domain(t, DOM0);
    set_u32(t, DOM0, "domid", 0);
    set_u32(t, DOM0, "permissions", 3);
    set_u32(t, DOM0, "functions", 0xC000000Fu);
    set_u32(t, DOM0, "mode", 5);
    set_u64(t, DOM0, "memory", 0x20000);
    set_u32(t, DOM0, "cpus", 2);
    MODULE(t, DOM0 "/kernel", "module,kernel", 2);
    set_string(t, DOM0 "/kernel", "bootargs", "console=hvc0");
    MODULE(t, DOM0 "/ramdisk", "module,ramdisk", 3);
    return t;
}

START_TEST(both_forms_are_read)
{
    void *t = good_tree();
    const struct launch_domain *d = launch.domain;

    ck_assert_msg(parse(t, TREE_BYTES) == 0, "%s", err.text);
    memset(t, 0xee, TREE_BYTES); /* the tree is not needed any more */
    free(t);
    ck_assert_uint_eq(launch.nr, 3);
    ck_assert_str_eq(d[0].name, "Domain-0");
    ck_assert_uint_eq(d[0].domid, 0);
    ck_assert_uint_eq(d[0].capabilities, LAUNCH_CONTROL | LAUNCH_HARDWARE | LAUNCH_XENSTORE);
    ck_assert(d[0].console && !d[0].has_uuid);
    ck_assert_uint_eq(d[0].memory_mib, 128);
    ck_assert_uint_eq(d[0].cpus, 2);
    ck_assert_ptr_null(d[0].kernel.name);
    ck_assert_uint_eq(d[0].kernel.index, 2);
    ck_assert_uint_eq(d[0].ramdisk.index, 3);
    ck_assert_str_eq(d[0].cmdline, "console=hvc0");
    ck_assert_str_eq(d[1].name, "web");
    ck_assert_uint_eq(d[1].domid, LAUNCH_DOMID_ANY);
    ck_assert_uint_eq(d[1].capabilities, 0);
    ck_assert(!d[1].console && d[1].has_uuid);
    ck_assert_uint_eq(d[1].uuid[0], 0xb3);
    ck_assert_uint_eq(d[1].uuid[15], 8);
    ck_assert_uint_eq(d[1].cpus, 1);
    ck_assert_ptr_null(d[1].cmdline);
    ck_assert_uint_eq(d[1].ramdisk.index, 0);
    ck_assert_str_eq(d[2].name, "guest-7");
    ck_assert_uint_eq(d[2].memory_mib, 8);
    ck_assert_uint_eq(d[2].cpus, 4);
    ck_assert_uint_eq(d[2].capabilities, LAUNCH_XENSTORE);
    ck_assert_str_eq(d[2].kernel.name, "hello");
    ck_assert_str_eq(d[2].cmdline, "");
    ck_assert_str_eq(warnings, "/chosen/guest@7: memory: ignored: what is less than a whole MiB: it is rounded up\n");
    launch_free(&launch);
    ck_assert_ptr_null(launch.tree);
}
END_TEST

/* One change of the good tree, and the beginning of the line that it must give. */
struct change {
    const char *path, *name;
    const void *data; /* NULL: take the property away */
    size_t size;
    const char *wanted;
};

#define BYTES(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})
#define U32(v) BYTES((uint8_t)((uint32_t)(v) >> 24), (uint8_t)((v) >> 16), (uint8_t)((v) >> 8), (uint8_t)(v))
#define TEXT(s) s, sizeof(s)
#define LONG_64 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct change changes[] = {
    {HV, "compatible", NULL, 0, HV ": compatible: expected \"hypervisor,xen\""},
    {HV, "compatible", TEXT("xen,domain"), HV ": compatible: expected"},
    {DOM1, "compatible", NULL, 0, DOM1 ": compatible: expected \"xen,domain\""},
    {DOM1, "memory", NULL, 0, DOM1 ": memory: missing"},
    {DOM1, "memory", BYTES(0), DOM1 ": memory: expected one number"},
    {DOM1, "memory", "", 0, DOM1 ": memory: expected one number"},
    {DOM1, "memory", U32(0), DOM1 ": memory: out of range"},
    {DOM1, "memory", BYTES(0, 0, 0, 4, 0, 0, 0, 1), DOM1 ": memory: out of range"},
    {DOM1, "memory", BYTES(255, 255, 255, 255, 255, 255, 255, 255), DOM1 ": memory: out of range"},
    {DOM1, "cpus", U32(0), DOM1 ": cpus: 0 is out of range: 1 to 128"},
    {DOM1, "cpus", U32(129), DOM1 ": cpus: 129 is out of range"},
    {DOM1, "cpus", BYTES(1, 0, 0, 0, 0, 0, 0, 1), DOM1 ": cpus: 72057594037927937 is out of range"},
    {DOM1, "cpus", TEXT("two"), DOM1 ": cpus: 1953984256 is out of range"}, /* four bytes are a number */
    {DOM1, "cpus", TEXT("three"), DOM1 ": cpus: expected one number"},
    {DOM1, "domid", U32(0), DOM1 ": domid: domain 0 is the control domain"},
    {DOM1, "domid", U32(0x7ff0), DOM1 ": domid: 32752 is out of range: 0 to 32751"},
    {DOM1, "permissions", U32(1), DOM1 ": domid: there is a control domain already"},
    {DOM1, "permissions", U32(4), DOM1 ": permissions: 4 is out of range"},
    {DOM1, "mode", U32(1), DOM1 ": mode: only paravirtualized 64-bit"},
    {DOM1, "mode", U32(7), DOM1 ": mode: only"},
    {DOM1, "mode", BYTES(5), DOM1 ": mode: expected one number"},
    {DOM1, "functions", BYTES(5), DOM1 ": functions: expected one number"},
    {DOM1, "domain-uuid", BYTES(1, 2, 3, 4, 5, 6, 7, 8), DOM1 ": domain-uuid: expected 16 bytes"},
    {DOM1, "domain-name", TEXT(""), DOM1 ": domain-name: a name has"},
    {DOM1, "domain-name", TEXT("a b"), DOM1 ": domain-name: a name has"},
    {DOM1, "domain-name", TEXT("a/b"), DOM1 ": domain-name: a name has"},
    {DOM1, "domain-name", TEXT("a\nb"), DOM1 ": domain-name: a control character"},
    {DOM1, "domain-name", "abc", 3, DOM1 ": domain-name: expected one string"},
    {DOM1, "domain-name", TEXT("a\0b"), DOM1 ": domain-name: expected one string"},
    {DOM1, "domain-name", "", 0, DOM1 ": domain-name: expected one string"},
    {DOM1, "domain-name", TEXT(LONG_64), DOM1 ": domain-name: a name has"},
    {DOM1, "domain-name", TEXT("Domain-0"), DOM1 ": domain-name: another domain has this name"},
    {DOM0, "domid", U32(3), DOM0 ": domid: the control domain is domain 0"},
    {DOM1 "/kernel", "mb-index", NULL, 0, DOM1 "/kernel: mb-index: missing"},
    {DOM1 "/kernel", "mb-index", U32(0), DOM1 "/kernel: mb-index: 0 is out of range: 1 to"},
    {DOM1 "/kernel", "mb-index", U32(0x80000000u), DOM1 "/kernel: mb-index: 2147483648 is out of range"},
    {DOM1 "/kernel", "module-name", TEXT("x"), DOM1 "/kernel: module-name: mb-index is given as well"},
    {DOM1 "/kernel", "bootargs", BYTES('a'), DOM1 "/kernel: bootargs: expected one string"},
    {DOM1 "/kernel", "compatible", TEXT("module,ramdisk"), DOM1 ": kernel: missing"},
    {DOM1 "/kernel", "compatible", TEXT("module,ramdisk\0module,kernel"), DOM1 "/kernel: compatible: a kernel and a ramdisk in one"},
    {DOM1 "/kernel", "compatible", NULL, 0, DOM1 ": kernel: missing"},
    {DOM0 "/ramdisk", "compatible", TEXT("module,kernel"), DOM0 "/"},
    {LESS "/module@0", "module-name", TEXT(""), LESS "/module@0: module-name: it is empty"},
    {LESS, "capabilities", U32(8), LESS ": capabilities: 8 is out of range: 0 to 7"},
    {LESS, "capabilities", U32(1), LESS ": domid: there is a control domain already"},
    {LESS, "memory", NULL, 0, LESS ": memory: missing"},
};

START_TEST(every_wrong_property_is_named)
{
    const struct change *c = &changes[_i];
    void *t = good_tree();
    int rc;

    if (c->data) {
        set(t, c->path, c->name, c->data, c->size);
    } else {
        ck_assert_int_eq(fdt_delprop(t, fdt_path_offset(t, c->path), c->name), 0);
    }
    rc = parse(t, TREE_BYTES);
    free(t);
    ck_assert_int_eq(rc, -1);
    ck_assert_msg(strncmp(err.text, c->wanted, strlen(c->wanted)) == 0, "'%s' does not begin with '%s'", err.text, c->wanted);
}
END_TEST

START_TEST(a_second_module_of_a_kind_is_refused)
{
    void *t = good_tree();

    MODULE(t, DOM0 "/more", "module,ramdisk", 4);
    ck_assert_int_eq(parse(t, TREE_BYTES), -1);
    ck_assert_ptr_nonnull(strstr(err.text, ": compatible: a second ramdisk"));
    free(t);
}
END_TEST

START_TEST(a_cmdline_has_its_limit)
{
    static char text[1025];
    void *t = good_tree();

    memset(text, 'x', 1023);
    set(t, DOM1 "/kernel", "bootargs", text, 1024);
    ck_assert_int_eq(parse(t, TREE_BYTES), 0);
    ck_assert_uint_eq(strlen(launch.domain[1].cmdline) + strlen(launch.domain[0].cmdline), 1023 + 12);
    launch_free(&launch);
    text[1023] = 'x';
    set(t, DOM1 "/kernel", "bootargs", text, 1025);
    ck_assert_int_eq(parse(t, TREE_BYTES), -1);
    ck_assert_ptr_nonnull(strstr(err.text, DOM1 "/kernel: bootargs: longer than 1023"));
    free(t);
}
END_TEST

START_TEST(what_is_ignored_is_said)
{
    void *t = good_tree();

    set_u32(t, LESS, "memory", 8192);
    set_u32(t, LESS, "passthrough", 1);
    set_u64(t, DOM1 "/kernel", "reg", 1);
    set_string(t, DOM0 "/ramdisk", "bootargs", "x");
    set_u32(t, DOM1, "functions", 3);
    node(t, HV "/config");
    node(t, "/chosen/other");
    ck_assert_int_eq(parse(t, TREE_BYTES), 0);
    ck_assert_ptr_nonnull(strstr(warnings, LESS ": passthrough: ignored: not known here\n"));
    ck_assert_ptr_nonnull(strstr(warnings, DOM1 "/kernel: reg: ignored: modules are found by mb-index"));
    ck_assert_ptr_nonnull(strstr(warnings, DOM0 "/ramdisk: bootargs: ignored: a ramdisk takes no arguments"));
    ck_assert_ptr_nonnull(strstr(warnings, DOM1 ": functions: ignored: the functions BOOT and CRASH"));
    ck_assert_ptr_nonnull(strstr(warnings, HV "/config: compatible: ignored: not a domain\n"));
    ck_assert_ptr_nonnull(strstr(warnings, "/chosen/other: compatible: ignored: not a domain\n"));
    ck_assert_uint_eq(nr_warnings, 6);
    launch_free(&launch);
    free(t);
}
END_TEST

/* A length that leads back to its own token: libfdt 1.6.1 would never end. */
START_TEST(lengths_that_go_backwards)
{
    void *t = good_tree();
    struct fdt_property *p = fdt_get_property_w(t, fdt_path_offset(t, DOM1), "memory", NULL);

    for (uint32_t length = 0xffffffff; length > 0xffffff00; length--) {
        p->len = cpu_to_fdt32(length);
        ck_assert_int_eq(parse(t, TREE_BYTES), -1);
    }
    ck_assert_ptr_nonnull(strstr(err.text, "not a flattened device tree"));
    free(t);
}
END_TEST

START_TEST(depth_is_bounded)
{
    void *t = good_tree();
    char path[200] = "/chosen";

    for (int depth = 2; depth < 16; depth++) {
        node(t, strcat(path, "/x"));
        ck_assert_int_eq(parse(t, TREE_BYTES), 0);
        launch_free(&launch);
    }
    node(t, strcat(path, "/x"));
    ck_assert_int_eq(parse(t, TREE_BYTES), -1);
    free(t);
}
END_TEST

/* libfdt takes any byte in a name: messages stay one line all the same. */
START_TEST(names_of_any_bytes)
{
    void *t = good_tree();
    char *at;

    set_u32(t, DOM1, "ab@cd", 1);
    at = (char *)(uintptr_t)fdt_get_property(t, fdt_path_offset(t, DOM1), "ab@cd", NULL)->data;
    at = (char *)(uintptr_t)fdt_string(t, (int)fdt32_to_cpu(((const struct fdt_property *)(void *)(at - 12))->nameoff));
    at[2] = '\n';
    ck_assert_int_eq(parse(t, TREE_BYTES), 0);
    ck_assert_ptr_nonnull(strstr(warnings, DOM1 ": ab?cd: ignored"));
    launch_free(&launch);
    free(t);
}
END_TEST

START_TEST(warnings_are_bounded)
{
    void *t = good_tree();
    char path[64];

    for (int i = 0; i < 300; i++) {
        snprintf(path, sizeof(path), "/chosen/n%d", i);
        node(t, path);
    }
    ck_assert_int_eq(parse(t, TREE_BYTES), 0);
    ck_assert_uint_eq(nr_warnings, LAUNCH_MAX_WARNINGS + 1);
    launch_free(&launch);
    free(t);
}
END_TEST

START_TEST(domains_are_bounded)
{
    void *t = malloc(TREE_BYTES);
    char path[64];

    ck_assert_int_eq(fdt_create_empty_tree(t, TREE_BYTES), 0);
    node(t, "/chosen");
    for (unsigned int i = 0; i <= LAUNCH_MAX_DOMAINS; i++) {
        snprintf(path, sizeof(path), "/chosen/d%u", i);
        domain(t, path);
        set_u32(t, path, "memory", 4096);
        strcat(path, "/kernel");
        MODULE(t, path, "multiboot,kernel", 1);
        ck_assert_int_eq(parse(t, TREE_BYTES), i < LAUNCH_MAX_DOMAINS ? 0 : -1);
        ck_assert_uint_eq(launch.nr, i < LAUNCH_MAX_DOMAINS ? i + 1 : 0);
        launch_free(&launch);
    }
    ck_assert_ptr_nonnull(strstr(err.text, ": compatible: more than 64 domains"));
    free(t);
}
END_TEST

START_TEST(without_domains_there_is_nothing_to_do)
{
    void *t = malloc(TREE_BYTES);

    ck_assert_int_eq(fdt_create_empty_tree(t, TREE_BYTES), 0);
    ck_assert_int_eq(parse(t, TREE_BYTES), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "/chosen: node: missing"));
    node(t, "/chosen");
    ck_assert_int_eq(parse(t, TREE_BYTES), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "/chosen: compatible: no domain"));
    free(t);
}
END_TEST

START_TEST(no_file_is_a_tree)
{
    ck_assert_int_eq(parse("", 0), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "not a flattened device tree"));
    ck_assert_int_eq(parse("/dts-v1/; / { };", 16), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "dtc -O dtb"));
    ck_assert_int_eq(parse("", LAUNCH_MAX_BYTES + 1), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "larger than 1 MiB"));
}
END_TEST

/* Every length, in memory that ends there, at an odd address: an error, or (behind the tree's end) the same result. */
START_TEST(cut_trees_are_refused)
{
    void *t = good_tree();
    size_t total;
    unsigned int wrong = 0;

    ck_assert_int_eq(fdt_pack(t), 0);
    total = fdt_totalsize(t);
    for (size_t n = 0; n <= total; n++) {
        char *odd = malloc(n + 1);

        memcpy(odd + 1, t, n);
        wrong += parse(odd + 1, n) != (n == total ? 0 : -1);
        launch_free(&launch);
        free(odd);
    }
    ck_assert_uint_eq(wrong, 0);
    free(t);
}
END_TEST

/* Every byte in turn replaced by some others: whatever comes out, nothing is read outside (ASan) and results keep their rules. */
START_TEST(bent_trees_do_no_harm)
{
    static const uint8_t others[] = {0, 1, 3, 0x7f, 0xff};
    void *t = good_tree();
    size_t total;
    unsigned int wrong = 0, accepted = 0;

    ck_assert_int_eq(fdt_pack(t), 0);
    total = fdt_totalsize(t);
    for (size_t at = 0; at < total; at++) {
        uint8_t was = ((uint8_t *)t)[at];

        for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
            ((uint8_t *)t)[at] = others[i];
            if (parse(t, total) == 0) {
                accepted++;
                wrong += launch.nr == 0 || launch.nr > 3 || !launch.domain[0].memory_mib;
            }
            launch_free(&launch);
        }
        ((uint8_t *)t)[at] = was;
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_gt(accepted, 0);
    free(t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("launch");
    TCase *t = tcase_create("launch descriptions");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_test(t, both_forms_are_read);
    tcase_add_loop_test(t, every_wrong_property_is_named, 0, (int)ARRAY_SIZE(changes));
    tcase_add_test(t, a_second_module_of_a_kind_is_refused);
    tcase_add_test(t, a_cmdline_has_its_limit);
    tcase_add_test(t, what_is_ignored_is_said);
    tcase_add_test(t, lengths_that_go_backwards);
    tcase_add_test(t, depth_is_bounded);
    tcase_add_test(t, names_of_any_bytes);
    tcase_add_test(t, warnings_are_bounded);
    tcase_add_test(t, domains_are_bounded);
    tcase_add_test(t, without_domains_there_is_nothing_to_do);
    tcase_add_test(t, no_file_is_a_tree);
    tcase_add_test(t, cut_trees_are_refused);
    tcase_add_test(t, bent_trees_do_no_harm);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
