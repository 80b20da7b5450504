/* SPDX-License-Identifier: MIT */
/* SOURCES: common/pv_plan.c common/pv_tables.c common/start_info.c common/pv_error.c */
/*
 * Plans and page tables over many shapes of kernel, module and memory: runs do not overlap and lie inside the domain, an
 * independent walker finds every mapped address at the frame that the plan says, tables are read-only, USER is everywhere,
 * and each page-table frame is reached exactly as often as its level allows.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/compiler.h"
#include "common/pv_plan.h"
#include "common/pv_tables.h"
#include "common/start_info.h"

struct world {
    uint64_t nr_pages;
    uint8_t *frames; /* nr_pages frames, index = pfn */
};

static unsigned int wrong; /* findings of the loops over pages, asserted once at their end */

/* MFNs are PFNs in a scrambled order, so that mixing them up shows. */
static uint64_t mfn_of_pfn(uint64_t nr, uint64_t pfn)
{
    return 0x100000 + (nr - 1 - pfn);
}

static void *frame_cb(void *ctx, uint64_t pfn)
{
    struct world *w = ctx;

    wrong += pfn >= w->nr_pages;
    return w->frames + pfn % w->nr_pages * PAGE_SIZE;
}

static mfn_t mfn_cb(void *ctx, uint64_t pfn)
{
    struct world *w = ctx;

    wrong += pfn >= w->nr_pages;
    return mfn_make(mfn_of_pfn(w->nr_pages, pfn));
}

static uint64_t pfn_of_entry(const struct world *w, uint64_t e)
{
    uint64_t pfn = w->nr_pages - 1 - ((e >> 12 & 0xfffffffffful) - 0x100000);

    wrong += pfn >= w->nr_pages;
    return pfn % w->nr_pages;
}

/* The independent walker: recursion over the four levels; returns the L1 entry or 0. */
static uint64_t walk(const struct world *w, uint64_t table_pfn, int level, uint64_t va)
{
    const uint64_t *t = (const void *)(w->frames + table_pfn * PAGE_SIZE);
    uint64_t e = t[va >> (12 + 9 * (level - 1)) & 511];

    if (!(e & 1)) {
        return 0;
    }
    wrong += !(e & 4) || (e & 0x80); /* USER everywhere, no large page */
    return level == 1 ? e : walk(w, pfn_of_entry(w, e), level - 1, va);
}

static uint64_t count_present(const struct world *w, uint64_t table_pfn, int level)
{
    const uint64_t *t = (const void *)(w->frames + table_pfn * PAGE_SIZE);
    uint64_t n = 0;

    for (int i = 0; i < 512; i++) {
        if (t[i] & 1) {
            n += level == 1 ? 1 : count_present(w, pfn_of_entry(w, t[i]), level - 1);
        }
    }
    return n;
}

static void check_runs(const struct pv_plan *p, uint64_t usable)
{
    const struct pv_run *const runs[] = {&p->kernel, &p->module,  &p->p2m,         &p->start_info,
                                         &p->store,  &p->console, &p->page_tables, &p->stack};
    struct pv_run tables = {.pfn = p->p2m.pfn + p->p2m.nr, .nr = p->p2m_table_frames};

    for (size_t i = 0; i < ARRAY_SIZE(runs); i++) {
        ck_assert_uint_le(runs[i]->pfn + runs[i]->nr, usable);
        for (size_t j = 0; j < i; j++) {
            ck_assert(runs[i]->pfn >= runs[j]->pfn + runs[j]->nr || runs[j]->pfn >= runs[i]->pfn + runs[i]->nr ||
                      runs[i]->nr == 0 || runs[j]->nr == 0);
        }
        if (runs[i] != &p->p2m) {
            ck_assert(runs[i]->pfn >= tables.pfn + tables.nr || tables.pfn >= runs[i]->pfn + runs[i]->nr || tables.nr == 0);
        }
    }
    ck_assert_uint_le(tables.pfn + tables.nr, usable);
}

static bool is_table(const struct pv_plan *p, uint64_t pfn)
{
    return (pfn >= p->page_tables.pfn && pfn < p->page_tables.pfn + p->page_tables.nr) ||
           (pfn >= p->p2m.pfn + p->p2m.nr && pfn < p->p2m.pfn + p->p2m.nr + p->p2m_table_frames);
}

static void check_mapping(const struct world *w, const struct pv_plan *p, const struct pv_mapping *m)
{
    uint64_t n = (m->va_end - m->va_start) >> 12;

    for (uint64_t i = 0; i < n; i++) {
        uint64_t e = walk(w, p->l4_pfn, 4, m->va_start + (i << 12));
        uint64_t pfn = m->first_pfn + i;

        wrong += !e || pfn_of_entry(w, e) != pfn || !(e & 2) != is_table(p, pfn);
    }
    ck_assert_uint_eq(wrong, 0);
}

static void check_one(const struct pv_plan_input *in)
{
    struct world w = {.nr_pages = in->nr_pages};
    struct pv_memory mem = {frame_cb, mfn_cb, &w};
    uint64_t mapped;
    struct pv_plan p;

    ck_assert_int_eq(pv_plan_make(in, &p), PV_OK);
    check_runs(&p, in->usable_pages);
    w.frames = malloc(w.nr_pages * PAGE_SIZE);
    memset(w.frames, 0xa5, p.used_pfns * PAGE_SIZE); /* frames arrive dirty */
    ck_assert_int_eq(pv_tables_write(&p, &mem), 0);
    ck_assert_int_eq(pv_p2m_write(&p, &mem), 0);
    check_mapping(&w, &p, &p.region);
    if (in->image->has_init_p2m) {
        check_mapping(&w, &p, &p.p2m_map);
    }
    mapped = (p.region.va_end - p.region.va_start + p.p2m_map.va_end - p.p2m_map.va_start) >> 12;
    ck_assert_uint_eq(count_present(&w, p.l4_pfn, 4), mapped);
    for (uint64_t pfn = 0; pfn < w.nr_pages; pfn++) {
        const uint64_t *list = (const void *)(w.frames + p.p2m.pfn * PAGE_SIZE);

        wrong += list[pfn] != mfn_of_pfn(w.nr_pages, pfn);
    }
    ck_assert_uint_eq(wrong, 0);
    free(w.frames);
}

static struct pv_image image_of(uint64_t virt_base, uint64_t start_mib, uint64_t kernel_kib, bool init_p2m, bool mod_pfn)
{
    return (struct pv_image){.virt_base = virt_base,
                             .kernel_start = start_mib << 20,
                             .kernel_end = (start_mib << 20) + (kernel_kib << 10),
                             .entry = virt_base + (start_mib << 20),
                             .has_init_p2m = init_p2m,
                             .init_p2m = 0x8000000000ul,
                             .mod_start_pfn = mod_pfn};
}

START_TEST(every_shape_is_mapped_as_planned)
{
    static const uint64_t bases[] = {0xffffffff80000000ul, 0, 0x400000, 0xffffffffc0000000ul};
    static const uint64_t kernels_kib[] = {4, 200, 3000};
    static const uint64_t modules[] = {0, 1, 4096, 5000000};
    static const uint64_t mem_mib[] = {16, 24};

    for (size_t b = 0; b < ARRAY_SIZE(bases); b++) {
        for (size_t k = 0; k < ARRAY_SIZE(kernels_kib); k++) {
            for (size_t m = 0; m < ARRAY_SIZE(modules); m++) {
                for (int bits = 0; bits < 16; bits++) {
                    struct pv_image img = image_of(bases[b], 1 + (uint64_t)(bits >> 3) * 3, kernels_kib[k], bits & 1, bits & 2);
                    struct pv_plan_input in = {.image = &img,
                                               .nr_pages = mem_mib[(m + k) % 2] << 8,
                                               .module_bytes = modules[m],
                                               .store_console = bits & 4};

                    in.usable_pages = in.nr_pages;
                    check_one(&in);
                }
            }
        }
    }
}
END_TEST

START_TEST(the_least_memory_is_exact)
{
    struct pv_image img = image_of(0xffffffff80000000ul, 1, 200, true, true);
    struct pv_plan_input in = {.image = &img, .module_bytes = 100000, .store_console = true};
    struct pv_plan p;

    in.nr_pages = in.usable_pages = pv_plan_min_pages(&in);
    ck_assert_uint_gt(in.nr_pages, 256);
    check_one(&in);
    in.nr_pages = in.usable_pages = in.nr_pages - 1;
    ck_assert_int_eq(pv_plan_make(&in, &p), PV_TOO_BIG);
}
END_TEST

/* Without INIT_P2M the list lies in the kernel's 2 GiB: there is a most as well, which must not hide the least. */
START_TEST(the_least_memory_is_found_below_the_most)
{
    struct pv_image img = image_of(0xffffffff80000000ul, 1, 200, false, false);
    struct pv_plan_input in = {.image = &img, .module_bytes = 100000, .store_console = true};
    struct pv_plan p;

    in.nr_pages = in.usable_pages = 1ul << 32;
    ck_assert_int_eq(pv_plan_make(&in, &p), PV_TOO_BIG);
    in.nr_pages = in.usable_pages = pv_plan_min_pages(&in);
    ck_assert_uint_gt(in.nr_pages, 256);
    ck_assert_uint_lt(in.nr_pages, 1024);
    check_one(&in);
    in.nr_pages = in.usable_pages = in.nr_pages - 1;
    ck_assert_int_eq(pv_plan_make(&in, &p), PV_TOO_BIG);
    in.module_bytes = 1ul << 40;
    ck_assert_uint_eq(pv_plan_min_pages(&in), 0);
}
END_TEST

START_TEST(impossible_inputs_are_refused)
{
    struct pv_image img = image_of(0xffffffff80000000ul, 1, 200, true, true);
    struct pv_plan_input in = {.image = &img, .nr_pages = 4096, .usable_pages = 4096};
    struct pv_plan p;

    in.module_bytes = UINT64_MAX;
    ck_assert_int_eq(pv_plan_make(&in, &p), PV_TOO_BIG);
    in.module_bytes = 0;
    in.nr_pages = UINT64_MAX;
    ck_assert_int_eq(pv_plan_make(&in, &p), PV_TOO_BIG);
    in.nr_pages = 4096;
    img.init_p2m = 0xffffffff00000000ul; /* the kernel's own L4 slot */
    ck_assert_int_eq(pv_plan_make(&in, &p), PV_P2M_OVERLAP);
    img.init_p2m = 0x00007ffffffff000ul; /* runs out of the lower half */
    ck_assert_int_eq(pv_plan_make(&in, &p), PV_BAD_ADDRESS);
    img = image_of((1ul << 47) - (2ul << 20), 1, 200, false, false);
    ck_assert_int_eq(pv_plan_make(&in, &p), PV_OK); /* ends where the lower half does */
    in.module_bytes = 1ul << 20;
    ck_assert_int_eq(pv_plan_make(&in, &p), PV_BAD_ADDRESS);
}
END_TEST

START_TEST(start_info_says_what_was_planned)
{
    static struct {
        struct start_info si;
        uint8_t rest[PAGE_SIZE - sizeof(struct start_info)];
    } page;
    struct pv_image img = image_of(0xffffffff80000000ul, 1, 200, true, true);
    struct pv_plan_input in = {.image = &img, .nr_pages = 8192, .usable_pages = 8192, .module_bytes = 777, .store_console = true};
    char cmdline[2000];
    struct pv_plan p;
    struct start_info_input si = {.plan = &p, .image = &img, .shared_info = maddr_make(0x5000), .module_bytes = 777,
                                  .cmdline = cmdline, .store_mfn = mfn_make(11), .console_mfn = mfn_make(12), .store_port = 1,
                                  .console_port = 2};

    memset(cmdline, 'x', sizeof(cmdline) - 1);
    cmdline[sizeof(cmdline) - 1] = 0;
    ck_assert_int_eq(pv_plan_make(&in, &p), PV_OK);
    memset(&page, 0xff, sizeof(page));
    start_info_fill(&page.si, &si);
    ck_assert_str_eq(page.si.magic, "xen-3.0-x86_64");
    ck_assert_uint_eq(page.si.nr_pages, 8192);
    ck_assert_uint_eq(page.si.flags & SIF_MOD_START_PFN, SIF_MOD_START_PFN);
    ck_assert_uint_eq(page.si.mod_start, p.module.pfn);
    ck_assert_uint_eq(page.si.mfn_list, 0x8000000000ul);
    ck_assert_uint_eq(page.si.first_p2m_pfn, p.p2m.pfn);
    ck_assert_uint_eq(strlen((char *)page.si.cmd_line), sizeof(page.si.cmd_line) - 1);
    ck_assert_uint_eq(page.si.console.domU.evtchn, 2);
    ck_assert_uint_eq(page.rest[0], 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pv_plan");
    TCase *t = tcase_create("plan and tables");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_set_timeout(t, 120);
    tcase_add_test(t, every_shape_is_mapped_as_planned);
    tcase_add_test(t, the_least_memory_is_exact);
    tcase_add_test(t, the_least_memory_is_found_below_the_most);
    tcase_add_test(t, impossible_inputs_are_refused);
    tcase_add_test(t, start_info_says_what_was_planned);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
