/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * What a control domain does to build another: create it, give it memory, write to its frames through foreign mappings, and
 * destroy it. A frame that is not the domain's is refused, each by itself, and mappings keep a dying domain's memory alive.
 */
#include <string.h>

#include <xen/domctl.h>
#include <xen/errno.h>

#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/pv/foreign.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"

#define NR_PAGES 8u

static long domctl(struct xen_domctl *op, unsigned cmd, unsigned domid)
{
    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = (domid_t)domid;
    return hc_domctl(op);
}

static unsigned create(void)
{
    struct xen_domctl op = {0};
    long rc;

    op.u.createdomain.max_vcpus = 1;
    op.u.createdomain.max_evtchn_port = 63;
    op.u.createdomain.max_grant_frames = 1;
    op.u.createdomain.max_maptrack_frames = 1;
    op.u.createdomain.grant_opts = 1;
    memcpy(op.u.createdomain.handle, "a test's domain", 16);
    rc = domctl(&op, XEN_DOMCTL_createdomain, 0xffff);
    test_note("createdomain: %s", test_rc(rc));
    if (rc != 0) {
        test_fail("no domain, no test");
    }
    return op.domain;
}

static void give_memory(unsigned domid, uint64_t *frames)
{
    struct xen_memory_reservation want = {.nr_extents = NR_PAGES, .domid = (domid_t)domid};
    struct xen_domctl op = {0};

    for (unsigned i = 0; i < NR_PAGES; i++) {
        frames[i] = i;
    }
    set_xen_guest_handle(want.extent_start, frames);
    test_note("populate_physmap beyond the limit: %s",
              test_rc(hc_memory_op(XENMEM_populate_physmap, &want)));
    op.u.max_mem.max_memkb = NR_PAGES * 4;
    test_note("max_mem: %s", test_rc(domctl(&op, XEN_DOMCTL_max_mem, domid)));
    test_note("populate_physmap: %s", test_rc(hc_memory_op(XENMEM_populate_physmap, &want)));
}

static uint64_t pages_of(unsigned domid)
{
    struct xen_domctl op = {0};
    long rc = domctl(&op, XEN_DOMCTL_getdomaininfo, domid);

    return rc == 0 && op.domain == domid ? op.u.getdomaininfo.tot_pages : 0;
}

static void check_mapping(unsigned domid, uint64_t *frames)
{
    uint64_t good = frames[3];
    int errors[NR_PAGES];
    char *va = map_foreign(domid, frames, NR_PAGES, MAP_R | MAP_W, NULL);
    const char *again;

    if (!test_check(va != NULL, "its frames are mapped")) {
        return;
    }
    for (unsigned i = 0; i < NR_PAGES; i++) {
        memset(va + i * PAGE_SIZE, 'a' + (int)i, PAGE_SIZE);
    }
    unmap_foreign(va, NR_PAGES);
    test_check(!probe_write(va, 0), "unmapped, they are gone");

    frames[3] = mfn_raw(mfn_of_pfn(pfn_make(0))); /* ours */
    test_check(map_foreign(domid, frames, NR_PAGES, MAP_R, NULL) == NULL,
               "with a frame that is not the domain's, nothing is mapped");
    again = map_foreign(domid, frames, NR_PAGES, MAP_R, errors);
    test_check(again != NULL && errors[2] == 0 && errors[4] == 0,
               "with a list for errors, the others are");
    test_note("error of the wrong one: %s", test_rc(errors[3]));
    frames[3] = good;
    if (again != NULL) {
        test_check(again[0] == 'a' && again[7 * PAGE_SIZE + 100] == 'h',
                   "what was written is there");
        test_check(!probe_read(again + 3 * PAGE_SIZE, &good) &&
                       !probe_write((void *)(uintptr_t)again, 0),
                   "with a hole in it, and read-only");
        unmap_foreign((void *)(uintptr_t)again, NR_PAGES);
    }
}

static void destroy(unsigned domid)
{
    struct xen_domctl op = {0};
    long rc;

    do {
        rc = domctl(&op, XEN_DOMCTL_destroydomain, domid);
    } while (rc == -XEN_ERESTART);
    test_note("destroydomain: %s", test_rc(rc));
}

void test_main(void)
{
    uint64_t frames[NR_PAGES];
    uint64_t before = page_nr_free();
    struct xen_domctl op = {0};
    unsigned domid = create();
    char *va;

    give_memory(domid, frames);
    test_check(pages_of(domid) == NR_PAGES, "the domain has the pages that it was given");
    check_mapping(domid, frames);
    test_note("map of a domain that is not there: %s",
              map_foreign(12345, frames, 1, MAP_R, NULL) == NULL ? "refused" : "mapped");
    va = map_foreign(domid, frames, 1, MAP_R | MAP_W, NULL);
    destroy(domid);
    test_check(va != NULL && va[0] == 'a' && probe_write(va, 1),
               "a mapping that was there when the domain died can still be used");
    test_check(pages_of(domid) == 1, "and the page under it is all that is left of the domain");
    unmap_foreign(va, 1);
    test_note("getdomaininfo after the last mapping: %s",
              test_rc(domctl(&op, XEN_DOMCTL_getdomaininfo, domid) == 0 && op.domain == domid
                          ? 0
                          : -XEN_ESRCH));
    test_check(before - page_nr_free() < 8, "the windows took page tables at most");
}
