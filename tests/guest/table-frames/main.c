/* SPDX-License-Identifier: MIT */
/*
 * KIND: hostile
 * AS: both
 * BESIDE: yes
 * Frames of the machine's memory that are not this domain's are asked for, writable and read-only, in the domain's own name
 * and in the names of those who are no domain: free memory, the hypervisor's code, tables and stacks, and other domains' frames
 * must all be refused.
 * Frames that belong to interrupt controllers and frame numbers that exist nowhere come last.
 */
#include <string.h>
#include <xen/version.h>

#include "framework/hostile.h"
#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/pv/grants.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/pv/start_info.h"

#define MAX_REGIONS 64u
#define LOW_FRAMES  256u /* the first MiB is the firmware's, which a hardware domain may look at */

struct region {
    uint64_t start;
    uint64_t size;
    uint32_t type;
} __packed_struct;

static struct region regions[MAX_REGIONS];
static unsigned nr_regions;
static const volatile uint64_t *slot;
static uint64_t where;
static uint64_t grants; /* the frame of my grant table */

static void read_map(void)
{
    struct xen_memory_map map = {.nr_entries = MAX_REGIONS};

    set_xen_guest_handle(map.buffer, regions);
    if (hc_memory_op(XENMEM_machine_memory_map, &map) != 0) {
        regions[0] = (struct region){.size = ~0ul, .type = 1}; /* not for this domain: nothing of the machine is, then */
        map.nr_entries = 1;
    }
    nr_regions = map.nr_entries;
}

/* Whole frames of RAM only: what a region has in part is the firmware's or nobody's. */
static bool is_ram(uint64_t mfn)
{
    for (unsigned i = 0; i < nr_regions; i++) {
        if (regions[i].type == 1 && mfn << PAGE_SHIFT >= regions[i].start &&
            (mfn + 1) << PAGE_SHIFT <= regions[i].start + regions[i].size) {
            return true;
        }
    }
    return false;
}

/* Two frames are the hypervisor's, but lent to this domain, which may map them. */
static bool is_mine(uint64_t mfn)
{
    pfn_t pfn;

    return pfn_of_mfn(mfn_make(mfn), &pfn) || mfn == start_info->shared_info >> PAGE_SHIFT ||
           mfn == grants;
}

static long try_frame(uint64_t mfn, uint64_t flags, unsigned domid)
{
    struct mmu_update update = {.ptr = where, .val = pte_make(mfn_make(mfn), flags)};
    long rc = hypercall_raw(__HYPERVISOR_mmu_update, HC_ARG(&update), 1, 0, domid, 0);

    if (rc == 0) {
        update.val = 0;
        if (hc_mmu_update(&update, 1, NULL, DOMID_SELF) != 0) {
            test_fail("a mapping cannot be taken back");
        }
    }
    return rc;
}

/* Xen lets its first domain read a few frames of its own (trace buffers and the like); ours has none such. */
static unsigned long published(void)
{
    xen_extraversion_t extra = "";

    hypercall_raw(__HYPERVISOR_xen_version, XENVER_extraversion, HC_ARG(extra), 0, 0, 0);
    return strcmp(extra, "-xenolith") == 0 ? 0 : 16;
}

static void all_of_memory(void)
{
    static const struct {
        const char *name;
        uint64_t flags;
        unsigned domid;
    } ways[] = {
        {"writable", PTE_PAGE_RW, DOMID_SELF},
        {"read-only", PTE_PAGE_RO, DOMID_SELF},
        {"as a device's, writable", PTE_PAGE_RW, DOMID_IO},
        {"as the hypervisor's, writable", PTE_PAGE_RW, DOMID_XEN},
    };
    unsigned long mapped[ARRAY_SIZE(ways)] = {0};
    long last = hc_memory_op(XENMEM_maximum_ram_page, NULL);
    uint64_t looked_at = 0;
    uint64_t first[ARRAY_SIZE(ways)] = {0};

    test_check(last > 0, "the machine has an end");
    for (uint64_t mfn = LOW_FRAMES; mfn <= (uint64_t)last; mfn++) {
        if (!is_ram(mfn) || is_mine(mfn)) {
            continue;
        }
        looked_at++;
        for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
            /* Every other frame, or some: that is enough for pieces of 64 KiB. */
            if ((mfn + i) % (i == 0 ? 2 : 16) == 0 &&
                try_frame(mfn, ways[i].flags, ways[i].domid) == 0) {
                if (mapped[i]++ == 0) {
                    first[i] = mfn;
                }
            }
        }
    }
    test_check(looked_at > 0, "there is memory that is not mine");
    for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
        bool read_only = (ways[i].flags & PTE_W) == 0;
        bool ok = mapped[i] <= (read_only ? published() : 0);

        test_check(ok, "none of it can be mapped %s", ways[i].name);
        if (!ok) {
            test_note("%lu frames, the first is %lx", mapped[i], first[i]);
        }
    }
}

static void special_frames(void)
{
    static const struct {
        const char *name;
        uint64_t mfn;
    } frames[] = {
        {"the local APIC", 0xfee00},
        {"an address for message-signalled interrupts", 0xfee10},
        {"a frame beyond all memory", MFN_BEYOND},
        {"the last number of 52 bits", 0xfffffffffful},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(frames); i++) {
        test_note("%s, writable: %s", frames[i].name,
                  test_rc(try_frame(frames[i].mfn, PTE_PAGE_RW, DOMID_SELF)));
    }
    /* A hypervisor may let its hardware domain look at the I/O APIC: then without the right to write. */
    if (entry_write(slot, MMU_NORMAL_PT_UPDATE, pte_make(mfn_make(0xfec00), PTE_PAGE_RW)) == 0) {
        test_must((*slot & PTE_W) == 0, "the I/O APIC is not writable");
        test_must(entry_write(slot, MMU_NORMAL_PT_UPDATE, 0) == 0, "the entry is cleared");
    }
    test_note("the I/O APIC, writable: no");
    test_note("in the name of a domain that is not there: %s",
              test_rc(try_frame(0x1000, PTE_PAGE_RW, NO_DOMAIN)));
    test_note("in the name of the idle domain: %s",
              test_rc(try_frame(0x1000, PTE_PAGE_RW, DOMID_IDLE)));
    test_note("in the name of nobody: %s", test_rc(try_frame(0x1000, PTE_PAGE_RW, DOMID_INVALID)));
    test_note("in the name of the copy-on-write domain: %s",
              test_rc(try_frame(0x1000, PTE_PAGE_RW, DOMID_COW)));
}

/* Where mmu_update writes: in tables of mine only, at entries only. */
static void special_places(void)
{
    uint64_t *page = page_new();
    uint64_t own = mfn_of(page) << PAGE_SHIFT;
    static const uint64_t addresses[] = {0,    0x1000,   0xfee00000, MFN_BEYOND << PAGE_SHIFT,
                                         ~7ul, 1ul << 52};
    struct mmu_update update = {.val = 0x1234567890ul << 8};

    for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++) {
        update.ptr = addresses[i];
        test_note("an update at %lx: %s", addresses[i],
                  test_rc(hc_mmu_update(&update, 1, NULL, DOMID_SELF)));
    }
    update.ptr = own + 8;
    test_note("in a page that is no table: %s",
              test_rc(hc_mmu_update(&update, 1, NULL, DOMID_SELF)));
    test_note("what is there: %s", page[1] == update.val ? "the value" : "nothing");
    update.ptr = own + 20;
    test_note("at an address that is no entry: %s",
              test_rc(hc_mmu_update(&update, 1, NULL, DOMID_SELF)));
    update.ptr = where + 4;
    test_note("between two entries of a table: %s",
              test_rc(hc_mmu_update(&update, 1, NULL, DOMID_SELF)));
    test_check(*slot == 0, "nothing was written there");
    page_free(page, 0);
}

void test_main(void)
{
    struct pt_entry found = entry_of(window_new(), 1);

    slot = found.entry;
    where = maddr_raw(found.where);
    grants = grant_table_mfn();
    read_map();
    all_of_memory();
    special_frames();
    special_places();
    test_still_works();
}
