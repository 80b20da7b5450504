/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * AS: domu
 * CONFIG: max_grant_frames=5; max_maptrack_frames=1
 * What a configuration says of grants is what the guest has: as many frames of its table, and as many mappings of others' pages as
 * one frame keeps track of. One more is refused, with nothing lost: what is given back can be had again.
 */
#include <xen/errno.h>
#include <xen/grant_table.h>

#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/pv/domain.h"
#include "pvk/pv/grants.h"
#include "pvk/pv/hypercall.h"

#define GRANT_FRAMES 5u
/* One frame has room for 256; a hypervisor may keep one of them as the end of its list. */
#define MAPPINGS_LEAST 255u
#define MAPPINGS_MOST  256u
/* By turns, for a hypervisor may have a limit for the mappings of one as well: Xen's is 128 of a kind. */
#define GRANTS 4u

static void setup(uint32_t nr)
{
    uint64_t frames[GRANT_FRAMES + 1];
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = nr};
    long rc;

    set_xen_guest_handle(op.frame_list, frames);
    rc = hc_grant_table_op(GNTTABOP_setup_table, &op, 1);
    test_note("a table of %u frames: %s, status %d", nr, test_rc(rc), op.status);
}

static void check_frames(void)
{
    struct gnttab_query_size size = {.dom = DOMID_SELF};
    long rc = hc_grant_table_op(GNTTABOP_query_size, &size, 1);

    test_check(rc == 0 && size.status == GNTST_okay && size.max_nr_frames == GRANT_FRAMES,
               "the table may have %u frames", size.max_nr_frames);
    setup(GRANT_FRAMES + 1);
    setup(GRANT_FRAMES);
}

static void check_mappings(unsigned self, const char *page)
{
    static struct grant_mapping mappings[MAPPINGS_MOST + 1];
    uint32_t ref[GRANTS];
    unsigned nr = 0;
    int rc = 0;

    for (unsigned i = 0; i < GRANTS; i++) {
        long made = grant_page(self, page, true);

        if (!test_must(made >= 0, "grant number %u", i)) {
            return;
        }
        ref[i] = (uint32_t)made;
    }
    while (nr <= MAPPINGS_MOST && rc == 0) {
        rc = grant_map(self, ref[nr % GRANTS], true, &mappings[nr]);
        nr += rc == 0;
    }
    test_note("one mapping too many: %s", test_rc(rc));
    test_check(nr >= MAPPINGS_LEAST && nr <= MAPPINGS_MOST, "a frame full of mappings");
    test_must(nr > 0 && grant_unmap(&mappings[nr - 1]) == 0, "unmapping one");
    test_note("mapping it again: %s", test_rc(grant_map(self, ref[0], true, &mappings[nr - 1])));
    for (unsigned i = 0; i < nr; i++) {
        test_must(grant_unmap(&mappings[i]) == 0, "unmapping number %u", i);
    }
    for (unsigned i = 0; i < GRANTS; i++) {
        test_must(grant_end(ref[i]) == 0, "ending grant number %u", i);
    }
}

void test_main(void)
{
    int self = domain_id();
    char *page = page_alloc(0);

    if (self < 0 || page == NULL) {
        test_error("no domain id or no memory");
    }
    check_frames();
    check_mappings((unsigned)self, page);
}
