/* SPDX-License-Identifier: MIT */
/* SOURCES: dom0-tools/libxeno/build.c dom0-tools/libxeno/build_create.c dom0-tools/libxeno/copy_in.c dom0-tools/libxeno/domctl.c dom0-tools/libxeno/sysctl.c dom0-tools/libxeno/memory.c */
/* SOURCES: dom0-tools/libxeno/error.c common/elf.c common/elf_notes.c common/pv_error.c common/pv_plan.c common/pv_tables.c */
/* SOURCES: common/start_info.c common/format.c tests/unit/elf_maker.c tests/unit/fake_hv.c tests/unit/fake_hv_calls.c */
/* DEFINES: malloc=test_malloc */
/*
 * The domain build over a fake hypervisor: the built domain is looked at through its own page tables; then every single
 * operation and allocation fails in turn, after which no domain, frame or mapping may be left and one line must say why.
 */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/elfnote.h>
#include <xen/grant_table.h>
#include <xen/xen.h>

#include "common/compiler.h"
#include "common/typed_int.h"
#include "libxeno/build.h"
#include "tests/unit/elf_maker.h"
#include "tests/unit/fake_hv.h"

#undef malloc
void *malloc(size_t n); /* <stdlib.h> has declared the one below instead */

#define BASE  0xffffffff80000000ul
#define START (1ul << 20)
#define P2M   0x8000000000ul

static struct fhv hv;
static struct xeno xeno = {.t = &hv.t};
static struct elf_maker elf;
static struct xeno_build_config cfg;
static struct xeno_built built;
static struct xeno_error err;
static uint8_t code[20000], ramdisk[70001];
static size_t malloc_fails; /* allocation that fails, from 1; 0: none */

void *test_malloc(size_t n)
{
    return malloc_fails && --malloc_fails == 0 ? NULL : malloc(n);
}

static void setup(void)
{
    fhv_init(&hv);
    for (size_t i = 0; i < sizeof(code); i++) {
        code[i] = (uint8_t)(i * 7 + (i >> 8));
    }
    for (size_t i = 0; i < sizeof(ramdisk); i++) {
        ramdisk[i] = (uint8_t)(i * 13 + (i >> 7));
    }
    em_kernel(&elf, BASE, code, sizeof(code), 40000);
    cfg = (struct xeno_build_config){.name = "d", .kernel_name = "k", .kernel = elf.file, .kernel_size = elf.size,
                                     .ramdisk = ramdisk, .ramdisk_size = sizeof(ramdisk), .cmdline = "quiet x=1", .memory_mib = 8,
                                     .vcpus = 2, .domid = DOMID_INVALID, .uuid = {1, 2, 3}};
    malloc_fails = 0;
}

static void teardown(void)
{
    fhv_free(&hv);
}

static int build(void)
{
    strcpy(err.text, "untouched");
    return xeno_build(&xeno, &cfg, &built, &err);
}

static void build_well(void)
{
    int rc = build();

    ck_assert_msg(rc == 0, "%s", err.text);
    ck_assert_str_eq(err.text, "untouched");
    ck_assert_uint_eq(hv.mappings, 0);
}

static void expect_failure(const char *wanted)
{
    ck_assert_int_eq(build(), -1);
    ck_assert_msg(strstr(err.text, wanted) != NULL, "'%s' does not say '%s'", err.text, wanted);
    ck_assert_ptr_null(strchr(err.text, '\n'));
    ck_assert(fhv_is_clean(&hv));
}

static void guest_read(uint64_t va, void *buf, size_t n)
{
    ck_assert_msg(fhv_guest_read(&hv, built.domid, va, buf, n), "0x%lx is not mapped", va);
}

static struct start_info guest_start_info(void)
{
    struct start_info si;

    guest_read(hv.domain[built.domid].context.user_regs.rsi, &si, sizeof(si));
    return si;
}

/* Which PFN a frame is, by the P2M list that the guest was told of; asserts that M2P agrees. */
static uint64_t pfn_of(const uint64_t *p2m, uint64_t nr, uint64_t mfn)
{
    for (uint64_t pfn = 0; pfn < nr; pfn++) {
        if (p2m[pfn] == mfn) {
            ck_assert_uint_eq(hv.frame[fhv_index(mfn)].pfn, pfn);
            return pfn;
        }
    }
    ck_abort_msg("frame %lx is not in the list", mfn);
    return 0;
}

/* The list holds every frame of the domain once, and M2P is its inverse. */
static uint64_t *check_p2m(const struct start_info *si)
{
    uint64_t *p2m = calloc(si->nr_pages, sizeof(*p2m)), wrong = 0;

    guest_read(si->mfn_list, p2m, si->nr_pages * sizeof(*p2m));
    for (uint64_t pfn = 0; pfn < si->nr_pages; pfn++) {
        wrong += !fhv_owns(&hv, built.domid, p2m[pfn]) || hv.frame[fhv_index(p2m[pfn])].pfn != pfn;
    }
    ck_assert_uint_eq(wrong, 0);
    return p2m;
}

static void check_image(void)
{
    static uint8_t got[sizeof(code) + 65536];
    size_t stubs = ALIGN_UP(sizeof(code), PAGE_SIZE), bss = 40000, wrong = 0;

    guest_read(BASE + START, got, stubs + PAGE_SIZE + bss);
    ck_assert_mem_eq(got, code, sizeof(code));
    for (size_t i = 0; i < bss; i++) {
        wrong += got[stubs + PAGE_SIZE + i] != 0;
    }
    for (size_t i = 0; i < PAGE_SIZE; i++) {
        wrong += got[stubs + i] != 0x0f; /* what the fake writes as stubs */
    }
    ck_assert_uint_eq(wrong, 0);
}

/* Everything that a kernel finds at its start (ABI: xen.h, "Start-of-day memory layout"). */
static void check_start(const struct start_info *si, const uint64_t *p2m)
{
    const struct cpu_user_regs *r = &hv.domain[built.domid].context.user_regs;
    bool writable = true;

    ck_assert_uint_eq(r->rip, BASE + START);
    ck_assert_uint_eq(r->rflags, 0x200);
    for (uint64_t page = 0; page < si->nr_pt_frames; page++) {
        ck_assert_uint_ne(fhv_guest_mfn(&hv, built.domid, si->pt_base + page * PAGE_SIZE, &writable), MFN_INVALID_RAW);
        ck_assert(!writable);
    }
    ck_assert_uint_eq(fhv_guest_mfn(&hv, built.domid, si->pt_base, NULL), hv.domain[built.domid].l4_mfn);
    ck_assert_uint_eq(p2m[(si->pt_base - BASE) / PAGE_SIZE], hv.domain[built.domid].l4_mfn);
    /* The boot stack, and 512 KiB behind it. */
    ck_assert_uint_eq(r->rsp % PAGE_SIZE, 0);
    for (uint64_t va = r->rsp - PAGE_SIZE; va < r->rsp + (512 << 10); va += PAGE_SIZE) {
        writable = false;
        ck_assert_uint_ne(fhv_guest_mfn(&hv, built.domid, va, &writable), MFN_INVALID_RAW);
        ck_assert(writable);
    }
    ck_assert_uint_eq(fhv_guest_mfn(&hv, built.domid, BASE - PAGE_SIZE, NULL), MFN_INVALID_RAW);
}

static void check_ramdisk(const struct start_info *si, const uint64_t *p2m)
{
    uint8_t *got = calloc(1, ALIGN_UP(sizeof(ramdisk), PAGE_SIZE));

    ck_assert_uint_eq(si->mod_len, sizeof(ramdisk));
    if (si->flags & SIF_MOD_START_PFN) {
        for (uint64_t i = 0; i * PAGE_SIZE < sizeof(ramdisk); i++) {
            fhv_frame_read(&hv, p2m[si->mod_start + i], got + i * PAGE_SIZE);
        }
    } else {
        guest_read(si->mod_start, got, sizeof(ramdisk));
    }
    ck_assert_mem_eq(got, ramdisk, sizeof(ramdisk));
    free(got);
}

static void check_guest_pages(const struct start_info *si, const uint64_t *p2m)
{
    static union {
        struct grant_entry_v1 entry[PAGE_SIZE / sizeof(struct grant_entry_v1)];
        struct shared_info shared;
        uint8_t bytes[PAGE_SIZE];
    } page;
    struct fhv_domain *d = &hv.domain[built.domid];

    ck_assert_uint_eq(si->store_mfn, built.store_mfn);
    ck_assert_uint_eq(si->console.domU.mfn, built.console_mfn);
    ck_assert_uint_ne(built.store_mfn, built.console_mfn);
    ck_assert_uint_eq(si->store_evtchn, built.store_port);
    ck_assert_uint_eq(si->console.domU.evtchn, built.console_port);
    ck_assert(d->port[built.store_port].used && d->port[built.console_port].used && built.store_port != built.console_port);
    pfn_of(p2m, si->nr_pages, built.store_mfn);
    pfn_of(p2m, si->nr_pages, built.console_mfn);
    fhv_frame_read(&hv, d->grant_mfn, &page);
    for (unsigned int i = 0; i < 2; i++) {
        ck_assert_uint_eq(page.entry[i].flags, GTF_permit_access);
        ck_assert_uint_eq(page.entry[i].domid, FHV_OWN_DOMID);
        ck_assert_uint_eq(page.entry[i].frame, i == 0 ? built.console_mfn : built.store_mfn);
    }
    ck_assert_uint_eq(page.entry[2].flags, 0);
    ck_assert_uint_eq(si->shared_info, d->shared_mfn << PAGE_SHIFT);
    fhv_frame_read(&hv, d->shared_mfn, &page);
    ck_assert_uint_eq(page.shared.vcpu_info[0].evtchn_upcall_mask, 1);
    /* The rings start empty. */
    fhv_frame_read(&hv, built.console_mfn, &page);
    for (size_t i = 0; i < PAGE_SIZE; i++) {
        ck_assert_uint_eq(page.bytes[i] != 0, false);
    }
}

static void check_domain(void)
{
    struct fhv_domain *d = &hv.domain[built.domid];
    struct start_info si = guest_start_info();
    uint64_t *p2m;

    ck_assert_str_eq(si.magic, "xen-3.0-x86_64");
    ck_assert_uint_eq(si.nr_pages, cfg.memory_mib * 256);
    ck_assert_uint_eq(d->tot_pages, si.nr_pages);
    ck_assert_uint_eq(d->max_pages, si.nr_pages);
    ck_assert_str_eq((char *)si.cmd_line, cfg.cmdline);
    p2m = check_p2m(&si);
    check_image();
    check_start(&si, p2m);
    check_ramdisk(&si, p2m);
    if (!cfg.control) {
        check_guest_pages(&si, p2m);
    }
    free(p2m);
}

START_TEST(a_domain_as_its_kernel_finds_it)
{
    const struct fhv_domain *d;

    build_well();
    d = &hv.domain[built.domid];
    ck_assert_uint_ne(built.domid, 0);
    ck_assert(!d->paused);
    ck_assert_uint_eq(d->vcpus, 2);
    ck_assert_mem_eq(d->handle, cfg.uuid, 16);
    ck_assert_uint_eq(d->pinned_vcpus, 0);
    check_domain();
    ck_assert_uint_eq(guest_start_info().flags, 0);
}
END_TEST

/* 2 MiB pieces or single pages, all of a kind or mixed, in small portions: the guest sees no difference. */
START_TEST(memory_in_any_pieces)
{
    hv.no_superpages = _i & 1;
    hv.chunk = _i & 2 ? 100 : 0;
    cfg.memory_mib = _i & 4 ? 7 : 8;
    build_well();
    check_domain();
}
END_TEST

/* As from Xen, which does not promise zeros: what the kernel may take for zero is. */
START_TEST(memory_that_is_not_zero)
{
    hv.dirty = true;
    hv.no_superpages = _i & 1;
    build_well();
    check_domain();
}
END_TEST

/* Pages of zeros are left alone, and bytes that begin and end anywhere in a page go where they belong. */
START_TEST(images_with_holes)
{
    static const struct {
        size_t from, to;
    } holes[] = {{0, 4096}, {1, 8192}, {4096, 12288}, {4000, 12289}, {0, 20000}, {19999, 20000}, {16384, 20000}, {8192 + 255, 12288}};

    memset(code + holes[_i].from, 0, holes[_i].to - holes[_i].from);
    memset(ramdisk + holes[_i].from, 0, 2 * (holes[_i].to - holes[_i].from));
    em_kernel(&elf, BASE, code, sizeof(code), 40000);
    for (unsigned int dirty = 0; dirty < 2; dirty++) {
        hv.dirty = dirty;
        build_well();
        check_domain();
        ck_assert_int_eq(xeno_domain_destroy(&xeno, built.domid), 0);
    }
}
END_TEST

static void add_notes(bool init_p2m, bool mod_pfn)
{
    elf.ehdr.e_phnum--;
    if (init_p2m) {
        em_note_number(&elf, XEN_ELFNOTE_INIT_P2M, P2M);
    }
    if (mod_pfn) {
        em_note_number(&elf, XEN_ELFNOTE_MOD_START_PFN, 1);
    }
    em_finish(&elf, EM_PT_NOTE);
    cfg.kernel_size = elf.size;
}

START_TEST(a_list_and_a_ramdisk_of_their_own)
{
    struct start_info si;

    add_notes(true, true);
    build_well();
    check_domain();
    si = guest_start_info();
    ck_assert_uint_eq(si.mfn_list, P2M);
    ck_assert_uint_eq(si.flags, SIF_MOD_START_PFN);
    ck_assert_uint_gt(si.nr_p2m_frames, 4);
}
END_TEST

START_TEST(a_control_domain)
{
    struct start_info si;

    memset(&hv.domain[0], 0, sizeof(hv.domain[0])); /* the boot domain is another one then */
    hv.domain[5] = (struct fhv_domain){.used = true};
    hv.t.own_domid = 5;
    cfg.control = true;
    cfg.domid = 0;
    build_well();
    ck_assert_uint_eq(built.domid, 0);
    si = guest_start_info();
    ck_assert_uint_eq(si.flags, SIF_PRIVILEGED | SIF_INITDOMAIN);
    ck_assert_uint_eq(si.store_mfn, 0);
    ck_assert_uint_eq(si.console.domU.mfn, 0);
    ck_assert_uint_eq(built.console_port + built.store_port, 0);
    check_domain();
}
END_TEST

START_TEST(shares_and_affinity)
{
    cfg.weight = 512;
    cfg.cap = 150;
    cfg.affinity = 2;
    cfg.start_paused = true;
    build_well();
    ck_assert_uint_eq(hv.domain[built.domid].weight, 512);
    ck_assert_uint_eq(hv.domain[built.domid].cap, 150);
    ck_assert_uint_eq(hv.domain[built.domid].affinity, 2);
    ck_assert_uint_eq(hv.domain[built.domid].pinned_vcpus, 2);
    ck_assert(hv.domain[built.domid].paused);
}
END_TEST

START_TEST(without_ramdisk_and_arguments)
{
    struct start_info si;

    cfg.ramdisk = NULL;
    cfg.cmdline = NULL;
    cfg.cap = 50;
    build_well();
    si = guest_start_info();
    ck_assert_uint_eq(si.mod_start + si.mod_len, 0);
    ck_assert_str_eq((char *)si.cmd_line, "");
    ck_assert_uint_eq(hv.domain[built.domid].weight, 256);
}
END_TEST

/* ---- what the operator can get wrong ---- */

START_TEST(too_little_memory_for_the_kernel)
{
    cfg.memory_mib = 1;
    expect_failure("d: kernel k with its RAM disk needs at least 2 MiB, memory is 1: raise memory=");
    cfg.memory_mib = 2; /* what it asks for is enough */
    build_well();
    ck_assert_uint_eq(hv.domain[built.domid].tot_pages, 512);
}
END_TEST

START_TEST(more_memory_than_there_is)
{
    cfg.memory_mib = 97;
    expect_failure("d: needs 97 MiB, 96 MiB are free (the control domain has 64 MiB): destroy a domain or lower memory=");
    cfg.memory_mib = 90;
    hv.outstanding = 10 * 256; /* what others have claimed is not free */
    expect_failure("d: needs 90 MiB, 86 MiB are free");
    hv.outstanding = UINT64_MAX;
    expect_failure("d: needs 90 MiB, 0 MiB are free");
    hv.outstanding = 0;
    cfg.memory_mib = 96; /* passes the check; the hypervisor's own frames for a domain are then missing */
    expect_failure("d: cannot get its memory: not enough memory");
    cfg.memory_mib = 95;
    build_well();
}
END_TEST

START_TEST(bad_kernels)
{
    cfg.kernel_size = 10;
    expect_failure("d: kernel k: the file ends before its headers");
    cfg.kernel = "#!/bin/sh";
    expect_failure("d: kernel k: not an ELF file");
    cfg.kernel_size = 0;
    expect_failure("d: kernel k: not an ELF file");
    ck_assert_uint_eq(hv.ops, 0);
}
END_TEST

START_TEST(a_kernel_that_cannot_be_dom0)
{
    elf.ehdr.e_phnum--;
    em_note_number(&elf, XEN_ELFNOTE_SUPPORTED_FEATURES, 1);
    em_finish(&elf, EM_PT_NOTE);
    cfg.kernel_size = elf.size;
    cfg.control = true;
    expect_failure("d: kernel k: its notes do not claim dom0 support");
    cfg.control = false;
    build_well();
}
END_TEST

START_TEST(bad_shares_and_cpus)
{
    cfg.affinity = 4;
    expect_failure("d: cpus= names no CPU of this machine");
    cfg.affinity = 0;
    cfg.cap = 201;
    expect_failure("d: cpu_weight (1-65535) or cap (percent, at most 100 a vCPU) out of range");
    cfg.cap = 0;
    cfg.vcpus = 129;
    expect_failure("d: cannot create the domain: refused as invalid");
    cfg.vcpus = 1;
    cfg.domid = 0;
    expect_failure("d: cannot create the domain: it exists already");
}
END_TEST

/* ---- failure injection ---- */

static void vary(int how)
{
    hv.no_superpages = true;
    cfg.memory_mib = 6;
    cfg.weight = 300;
    cfg.affinity = 1;
    if (how & 1) {
        add_notes(true, true);
    }
    if (how & 2) {
        memset(&hv.domain[0], 0, sizeof(hv.domain[0]));
        hv.domain[5] = (struct fhv_domain){.used = true};
        hv.t.own_domid = 5;
        cfg.control = true;
        cfg.domid = 0;
    }
}

static bool is_clean(void)
{
    bool clean = fhv_free_pages(&hv) == FHV_FRAMES && !hv.mappings && !hv.bindings;

    for (uint32_t id = 0; id < FHV_DOMAINS; id++) {
        clean = clean && (id == hv.t.own_domid || !hv.domain[id].used);
    }
    return clean;
}

/* With single pages each operation matters, so that the nth failing means a failed build, for each n that there is. */
START_TEST(every_operation_fails_once)
{
    uint64_t n, total;
    unsigned int wrong = 0;

    vary(_i);
    build_well();
    total = hv.ops;
    ck_assert_uint_ge(total, 20);
    ck_assert_int_eq((int)xeno_domain_destroy(&xeno, built.domid), 0);
    ck_assert(is_clean());
    for (n = 1; n <= total; n++) {
        hv.ops = 0;
        hv.fail_at = n;
        wrong += build() != -1 || !is_clean() || strcmp(err.text, "untouched") == 0 || strchr(err.text, '\n') ||
                 strncmp(err.text, "d: ", 3) != 0;
        ck_assert_msg(!wrong, "operation %lu of %lu: %s", n, total, err.text);
    }
    hv.ops = 0;
    hv.fail_at = total + 1;
    build_well();
}
END_TEST

/* A piece that cannot be had is made up for by single pages. */
START_TEST(a_missing_superpage_is_no_failure)
{
    unsigned int succeeded = 0;

    build_well();
    for (uint64_t n = 1, total = hv.ops; n <= total; n++) {
        xeno_domain_destroy(&xeno, built.domid);
        ck_assert(is_clean());
        hv.ops = 0;
        hv.fail_at = n;
        if (build() == 0) {
            succeeded++;
            check_domain();
        } else {
            ck_assert(is_clean());
        }
    }
    ck_assert_uint_eq(succeeded, 4); /* 8 MiB */
}
END_TEST

START_TEST(every_allocation_fails_once)
{
    size_t n;

    for (n = 1;; n++) {
        malloc_fails = n;
        if (build() == 0) {
            break;
        }
        ck_assert(is_clean());
        ck_assert_ptr_nonnull(strstr(err.text, "not enough memory"));
    }
    ck_assert_uint_gt(n, 2);
}
END_TEST

START_TEST(a_long_destruction_is_waited_for)
{
    hv.no_superpages = true;
    hv.restarts = 7;
    hv.fail_at = 20;
    expect_failure("d: cannot ");
    ck_assert_uint_eq(hv.restarts, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("build");
    TCase *t = tcase_create("domain build");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_domain_as_its_kernel_finds_it);
    tcase_add_loop_test(t, memory_that_is_not_zero, 0, 2);
    tcase_add_loop_test(t, images_with_holes, 0, 8);
    tcase_add_loop_test(t, memory_in_any_pieces, 0, 8);
    tcase_add_test(t, a_list_and_a_ramdisk_of_their_own);
    tcase_add_test(t, a_control_domain);
    tcase_add_test(t, shares_and_affinity);
    tcase_add_test(t, without_ramdisk_and_arguments);
    tcase_add_test(t, too_little_memory_for_the_kernel);
    tcase_add_test(t, more_memory_than_there_is);
    tcase_add_test(t, bad_kernels);
    tcase_add_test(t, a_kernel_that_cannot_be_dom0);
    tcase_add_test(t, bad_shares_and_cpus);
    tcase_add_loop_test(t, every_operation_fails_once, 0, 4);
    tcase_add_test(t, a_missing_superpage_is_no_failure);
    tcase_add_test(t, every_allocation_fails_once);
    tcase_add_test(t, a_long_destruction_is_waited_for);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
