/* SPDX-License-Identifier: MIT */
/*
 * KIND: hostile
 * A descriptor table must hold nothing that leads out of ring 3: no task state, no interrupt gate, no privileged segment.
 * Every access byte is offered to update_descriptor; then a page with one descriptor is offered as a GDT. Segments come back
 * with DPL 3, and call gates, which the ABI tolerates, with DPL 0, so that ring 3 cannot use them. Descriptors that slipped
 * through have been a way into the hypervisor before.
 */
#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/pv/pagetable.h"

#define DESC_FLAT32 0x00cf00000000fffful /* base 0, limit 4 GiB, access byte 0 */

static uint64_t *page;

static uint64_t with_access(unsigned access)
{
    return DESC_FLAT32 | (uint64_t)access << 40;
}

static long update(uint64_t desc)
{
    return hc_update_descriptor(maddr_of_va(page), desc);
}

static void updates(void)
{
    unsigned access;
    unsigned accepted[4] = {0};
    bool system_refused = true, not_present_ok = true, ordinary_ok = true, dpl_ok = true, gate_dead = true;

    for (access = 0; access < 256; access++) {
        long rc = update(with_access(access));
        unsigned kind = (access >> 7) * 2 + ((access >> 4) & 1);

        accepted[kind] += rc == 0;
        if (!(access & 0x80)) {
            not_present_ok &= rc == 0;
        } else if (access & 0x10) {
            ordinary_ok &= rc == 0;
            dpl_ok &= rc != 0 || ((page[0] >> 45) & 3) == 3;
        } else if ((access & 0xf) == 0xc) {
            gate_dead &= rc != 0 || ((page[0] >> 45) & 3) == 0;
        } else if (access & 0xf) {
            system_refused &= rc != 0;
        }
    }
    test_note("accepted: not present %u system, %u ordinary; present %u system, %u ordinary", accepted[0], accepted[1],
              accepted[2], accepted[3]);
    test_check(not_present_ok, "what is not present may be anything");
    test_check(ordinary_ok, "code and data segments are accepted");
    test_check(dpl_ok, "and get DPL 3");
    test_check(system_refused, "interrupt gates, task states and tables are refused");
    test_check(gate_dead, "a call gate is accepted with DPL 0 only");
}

static void places(void)
{
    uint64_t code = with_access(0x9b);

    test_note("not aligned: %s", test_rc(hc_update_descriptor(maddr_make(maddr_raw(maddr_of_va(page)) + 4), code)));
    test_note("no such frame: %s", test_rc(hc_update_descriptor(maddr_make(0xfffffffff000ul), code)));
    test_note("a page table: %s", test_rc(hc_update_descriptor(maddr_of_va(kernel_space.kernel_root), code)));
}

/* The page as a GDT of one frame: it has to be read-only for that. */
static const char *as_gdt(uint64_t desc)
{
    uint64_t frame = mfn_raw(mfn_of_pfn(pfn_of_va(page)));
    long rc;
    unsigned i;

    for (i = 0; i < 512; i++) {
        page[i] = 0;
    }
    page[1] = desc;
    if (map_protect(page, 1, MAP_R)) {
        test_error("cannot protect the page");
    }
    rc = hc_set_gdt(&frame, 16);
    if (rc == 0 && ((desc >> 44) & 9) == 9) {
        test_check(((page[1] >> 45) & 3) == 3, "a segment in a GDT has DPL 3");
    }
    if (hc_set_gdt(&frame, 0)) {
        test_error("cannot give up the GDT");
    }
    if (map_protect(page, 1, MAP_W)) {
        test_error("cannot make the page writable again");
    }
    return test_rc(rc);
}

static void tables(void)
{
    uint64_t frame = mfn_raw(mfn_of_pfn(pfn_of_va(page)));
    uint64_t foreign = 0xfffffffffful;

    test_note("GDT with code: %s", as_gdt(with_access(0x9b)));
    test_note("GDT with ring-0 code: %s", as_gdt(with_access(0x98)));
    test_note("GDT with conforming code: %s", as_gdt(with_access(0x9e)));
    test_note("GDT with data: %s", as_gdt(with_access(0x93)));
    test_note("GDT with a call gate: %s", as_gdt(with_access(0x8c)));
    test_note("GDT with a call gate to the kernel's code: %s", as_gdt(0xffff80000033e033ul | 0xecul << 40));
    test_note("GDT with a call gate to the hypervisor's code: %s", as_gdt(0x00008c00e0080000ul));
    test_note("GDT with a call gate with parameters: %s", as_gdt(0x00008c0100100000ul));
    test_note("GDT with a task state: %s", as_gdt(with_access(0x89)));
    test_note("GDT with an LDT: %s", as_gdt(with_access(0x82)));
    test_note("GDT with an interrupt gate: %s", as_gdt(with_access(0x8e)));
    test_note("GDT with type 0: %s", as_gdt(with_access(0x80)));
    test_note("GDT with a gate that is not present: %s", as_gdt(with_access(0x0c)));
    test_note("GDT in a writable page: %s", test_rc(hc_set_gdt(&frame, 16)));
    test_note("GDT in no frame: %s", test_rc(hc_set_gdt(&foreign, 16)));
    frame = mfn_raw(mfn_of_pfn(pfn_of_va(kernel_space.kernel_root)));
    test_note("GDT in a page table: %s", test_rc(hc_set_gdt(&frame, 16)));
    test_note("GDT with too many entries: %s", test_rc(hc_set_gdt(&frame, FIRST_RESERVED_GDT_ENTRY + 1)));
    test_note("GDT list at no address: %s", test_rc(hc_set_gdt((const uint64_t *)0x8000000000000000ul, 16)));
}

static void stays_read_only(void)
{
    uint64_t frame = mfn_raw(mfn_of_pfn(pfn_of_va(page)));

    if (map_protect(page, 1, MAP_R) || hc_set_gdt(&frame, 16)) {
        test_error("cannot install an empty GDT");
    }
    test_note("writable mapping of a GDT: %s", test_rc(map_protect(page, 1, MAP_W)));
    test_note("update of an entry in use: %s", test_rc(update(with_access(0x93))));
    test_check((page[0] >> 40 & 0xfe) == 0xf2, "the entry is there, with DPL 3");
    test_note("call gate into a GDT in use: %s", test_rc(update(with_access(0x8c))));
    test_note("given up: %s", test_rc(hc_set_gdt(&frame, 0)));
    test_note("writable afterwards: %s", test_rc(map_protect(page, 1, MAP_W)));
}

void test_main(void)
{
    page = page_alloc(0);
    if (!page) {
        test_error("no memory");
    }
    updates();
    places();
    tables();
    stays_read_only();
}
