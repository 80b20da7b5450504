/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * A domain's own memory: giving a page back, getting one again for the same frame number, trading pages for a contiguous extent,
 * the limits and sizes that can be asked for, and lists that cannot be read.
 */
#include <string.h>

#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/pv/foreign.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/pv/pagetable.h"

static long reservation(unsigned cmd, uint64_t *list, uint64_t count, unsigned order)
{
    struct xen_memory_reservation op = {
        .nr_extents = count, .extent_order = order, .domid = DOMID_SELF};

    set_xen_guest_handle(op.extent_start, list);
    return hc_memory_op(cmd, &op);
}

static long ask(unsigned cmd)
{
    domid_t self = DOMID_SELF;

    return hc_memory_op(cmd, &self);
}

static void check_balloon(void)
{
    char *page = page_alloc(0);
    pfn_t pfn = pfn_of_va(page);
    uint64_t frame = mfn_raw(mfn_of_pfn(pfn));
    long before = ask(XENMEM_current_reservation);
    struct mmu_update update;
    pfn_t back;

    if (page == NULL) {
        test_error("no memory");
    }
    test_note("decrease_reservation of a mapped page: %s",
              test_rc(reservation(XENMEM_decrease_reservation, &frame, 1, 0)));
    test_check(ask(XENMEM_current_reservation) == before && probe_write(page, 1),
               "it counts and can be used as long as it is mapped");
    test_check(map_remove(page, 1) == 0, "it is unmapped");
    test_check(!pfn_of_mfn(mfn_make(frame), &back), "then the frame is not ours any more");
    test_check(ask(XENMEM_current_reservation) == before - 1, "and does not count");
    frame = pfn_raw(pfn);
    test_note("populate_physmap: %s", test_rc(reservation(XENMEM_populate_physmap, &frame, 1, 0)));
    p2m_set(pfn, mfn_make(frame));
    test_check(pfn_of_mfn(mfn_make(frame), &back) && pfn_eq(back, pfn),
               "the new frame knows its frame number");
    test_check(map_page(page, pfn, MAP_R | MAP_W) == 0 && probe_write(page, 1),
               "and can be mapped");
    test_check(ask(XENMEM_current_reservation) == before, "the count is what it was");
    update = (struct mmu_update){(frame << PAGE_SHIFT) | MMU_MACHPHYS_UPDATE, pfn_raw(pfn)};
    test_note("setting its frame number by mmu_update: %s",
              test_rc(hc_mmu_update(&update, 1, NULL, DOMID_SELF)));
    page_free(page, 0);
}

/* Frames that are given out are zeroed, for which a hypervisor may use a register of the FPU: nobody is to notice. */
static void check_registers(bool ts)
{
    const uint64_t pattern[2] = {0x0123456789abcdef, 0xfedcba9876543210};
    char *page = page_alloc(0);
    pfn_t pfn = pfn_of_va(page);
    uint64_t frame = mfn_raw(mfn_of_pfn(pfn)), seen[2][2];
    long back, again;

    test_check(map_remove(page, 1) == 0, "a page is unmapped");
    __asm__ volatile("movups %0, %%xmm0\n movups %0, %%xmm7" : : "m"(pattern));
    hc_fpu_taskswitch(ts);
    back = reservation(XENMEM_decrease_reservation, &frame, 1, 0);
    frame = pfn_raw(pfn);
    again = reservation(XENMEM_populate_physmap, &frame, 1, 0);
    hc_fpu_taskswitch(0);
    __asm__ volatile("movups %%xmm0, %0\n movups %%xmm7, %1" : "=m"(seen[0]), "=m"(seen[1]));
    test_check(back == 1 && again == 1, "it goes and one comes");
    test_check(!memcmp(seen[0], pattern, 16) && !memcmp(seen[1], pattern, 16),
               "and the FPU's registers are what they were");
    p2m_set(pfn, mfn_make(frame));
    test_check(map_page(page, pfn, MAP_R | MAP_W) == 0, "it can be mapped");
    page_free(page, 0);
}

#define TRADED_ORDER 2u
#define TRADED       (1u << TRADED_ORDER)

static long exchange(uint64_t *in, uint64_t *out, unsigned in_order, unsigned out_order,
                     unsigned bits, uint64_t *done)
{
    struct xen_memory_exchange op = {
        .in = {.nr_extents = TRADED >> in_order, .extent_order = in_order, .domid = DOMID_SELF},
        .out = {.nr_extents = TRADED >> out_order,
                .extent_order = out_order,
                .mem_flags = XENMEMF_address_bits(bits),
                .domid = DOMID_SELF}};
    long rc;

    set_xen_guest_handle(op.in.extent_start, in);
    set_xen_guest_handle(op.out.extent_start, out);
    rc = hc_memory_op(XENMEM_exchange, &op);
    *done = op.nr_exchanged;
    return rc;
}

/* The four pages at `pages` for one extent, their frames named first to last or the other way round. */
static void check_exchange(char *pages, const char *what, bool backwards)
{
    pfn_t pfn = pfn_of_va(pages), back;
    uint64_t in[TRADED], out = pfn_raw(pfn), done;
    long before = ask(XENMEM_current_reservation), rc;
    unsigned i;

    for (i = 0; i < TRADED; i++) {
        in[backwards ? TRADED - 1 - i : i] = mfn_raw(mfn_of_pfn(pfn_make(pfn_raw(pfn) + i)));
    }
    test_note("%s, mapped: %s", what, test_rc(exchange(in, &out, 0, TRADED_ORDER, 0, &done)));
    test_check(map_remove(pages, TRADED) == 0, "they are unmapped");
    out = pfn_raw(pfn);
    rc = exchange(in, &out, 0, TRADED_ORDER, 0, &done);
    test_note("%s: %s, %lu traded", what, test_rc(rc), (unsigned long)done);
    test_check(out % TRADED == 0, "%s: the extent is aligned", what);
    for (i = 0; i < TRADED; i++) {
        p2m_set(pfn_make(pfn_raw(pfn) + i), mfn_make(out + i));
        test_check(pfn_of_mfn(mfn_make(out + i), &back) && pfn_raw(back) == pfn_raw(pfn) + i,
                   "%s: each frame knows its number", what);
        test_check(map_page(pages + i * PAGE_SIZE, pfn_make(pfn_raw(pfn) + i), MAP_R | MAP_W) ==
                           0 &&
                       probe_write(pages + i * PAGE_SIZE, 1),
                   "%s: and can be used", what);
    }
    test_check(ask(XENMEM_current_reservation) == before, "%s: as many as before", what);
}

static void check_exchanges(void)
{
    char *pages = page_alloc(TRADED_ORDER);
    uint64_t in[TRADED] = {0}, out = 0, done;

    if (!pages) {
        test_error("no memory");
    }
    check_exchange(pages, "four pages for an extent", false);
    check_exchange(pages, "the extent for an extent", false);
    check_exchange(pages, "an extent by its pages backwards", true);
    test_note("frames of nobody: %s", test_rc(exchange(in, &out, 0, TRADED_ORDER, 0, &done)));
    page_free(pages, TRADED_ORDER);
}

static void check_errors(void)
{
    uint64_t list[2] = {0xffffffff, 0xfffffff0};
    struct xen_memory_reservation op = {.nr_extents = 1, .domid = 12345};

    test_note("giving back what is not ours: %s",
              test_rc(reservation(XENMEM_decrease_reservation, list, 2, 0)));
    test_note("nothing: %s", test_rc(reservation(XENMEM_decrease_reservation, list, 0, 0)));
    test_note("a list of nowhere: %s",
              test_rc(reservation(XENMEM_decrease_reservation, NULL, 1, 0)));
    test_note("an extent of 2^40 pages: %s",
              test_rc(reservation(XENMEM_populate_physmap, list, 1, 40)));
    set_xen_guest_handle(op.extent_start, list);
    test_note("of domain 12345: %s", test_rc(hc_memory_op(XENMEM_decrease_reservation, &op)));
    test_note("no argument: %s", test_rc(hc_memory_op(XENMEM_decrease_reservation, NULL)));
    test_note("an unknown command: %s", test_rc(hc_memory_op(60, &op)));
}

#define PIECE_FRAMES 512u
#define PIECES_MAX   64u

/* The machine's table as tools map it: whole pieces of 2 MiB, also of the last one, which they know to be full of frames. */
static void check_machine_table(uint64_t max_mfn)
{
    static uint64_t first[PIECES_MAX], frames[PIECE_FRAMES];
    struct xen_machphys_mfn_list list = {.max_extents = PIECES_MAX};
    uint64_t pieces = max_mfn / (PIECE_FRAMES * 512) + 1;

    set_xen_guest_handle(list.extent_start, first);
    test_note("machphys_mfn_list: %s", test_rc(hc_memory_op(XENMEM_machphys_mfn_list, &list)));
    test_check(list.nr_extents == pieces, "a piece for each GiB");
    for (uint64_t i = 0; i < pieces; i++) {
        const uint64_t *own = (const uint64_t *)MACH2PHYS_VIRT_START + i * PIECE_FRAMES * 512;
        uint64_t *window;

        for (unsigned int k = 0; k < PIECE_FRAMES; k++) {
            frames[k] = first[i] + k;
        }
        window = map_foreign(DOMID_XEN, frames, PIECE_FRAMES, MAP_R, NULL);
        test_check(window, "each frame of a piece can be mapped");
        test_check(i || memcmp(window, own, 512 * sizeof(*own)) == 0,
                   "it is the table that all see");
        unmap_foreign(window, PIECE_FRAMES);
    }
    test_check(!map_foreign(DOMID_XEN, frames, 1, MAP_R | MAP_W, NULL), "not to be written");
}

void test_main(void)
{
    struct xen_machphys_mapping map;

    test_note("machphys_mapping: %s", test_rc(hc_memory_op(XENMEM_machphys_mapping, &map)));
    test_note("it starts at %lx", (unsigned long)map.v_start);
    test_check(ask(XENMEM_maximum_gpfn) >= 0, "maximum_gpfn is a frame number");
    test_check(ask(XENMEM_maximum_reservation) > 0, "maximum_reservation is a count");
    check_balloon();
    check_registers(false);
    check_registers(true);
    check_exchanges();
    check_errors();
    check_machine_table(map.max_mfn);
}
