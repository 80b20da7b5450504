/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * AS: both
 * Grants from a domain to itself, which go through all the checks that grants to others go through: mapping, what a read-only
 * grant allows, revoking while mapped, copies, and references that were never granted.
 */
#include <string.h>

#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/pv/domain.h"
#include "pvk/pv/grants.h"

static void check_map(unsigned self, char *page)
{
    struct grant_mapping mapping;
    long ref = grant_page(self, page, false);
    int rc;

    test_check(ref >= 8, "a reference outside of the reserved ones");
    rc = grant_map(self, (uint32_t)ref, false, &mapping);
    if (!test_check(rc == 0, "mapping it: %s", test_rc(rc))) {
        return;
    }
    memcpy(page, "granted", 8);
    test_check(strcmp(mapping.va, "granted") == 0, "the mapping shows the page");
    *(char *)mapping.va = 'G';
    test_check(page[0] == 'G', "and writes reach it");
    test_note("ending a grant in use: %s", test_rc(grant_end((uint32_t)ref)));
    test_note("unmapping: %s", test_rc(grant_unmap(&mapping)));
    test_note("ending it then: %s", test_rc(grant_end((uint32_t)ref)));
    test_note("mapping what has ended: %s",
              test_rc(grant_map(self, (uint32_t)ref, false, &mapping)));
}

static void check_read_only(unsigned self, char *page)
{
    struct grant_mapping mapping;
    long ref = grant_page(self, page, true);

    test_note("mapping a read-only grant writable: %s",
              test_rc(grant_map(self, (uint32_t)ref, false, &mapping)));
    if (test_check(grant_map(self, (uint32_t)ref, true, &mapping) == 0, "mapping it read-only")) {
        test_check(!probe_write(mapping.va, 1), "a write to it faults");
        grant_unmap(&mapping);
    }
    test_note("copying into it: %s", test_rc(grant_copy_to(self, (uint32_t)ref, 0, page, 8)));
    test_check(grant_end((uint32_t)ref) == 0, "ending it");
}

static void check_copy(unsigned self, char *page, char *other)
{
    long ref = grant_page(self, page, false);

    memset(page, 'a', PAGE_SIZE);
    memset(other, 'b', PAGE_SIZE);
    test_note("copy from: %s", test_rc(grant_copy_from(self, (uint32_t)ref, 100, other + 200, 50)));
    test_check(other[199] == 'b' && other[200] == 'a' && other[249] == 'a' && other[250] == 'b',
               "exactly the bytes asked for were copied");
    test_note("copy to: %s", test_rc(grant_copy_to(self, (uint32_t)ref, 0, other, 10)));
    test_check(page[0] == 'b' && page[9] == 'b' && page[10] == 'a', "and in the other direction");
    test_note("a copy beyond the page: %s",
              test_rc(grant_copy_from(self, (uint32_t)ref, 4000, other, 200)));
    test_check(grant_end((uint32_t)ref) == 0, "ending it");
}

static void check_wrong(unsigned self, char *page)
{
    struct grant_mapping mapping;
    long ref = grant_page(12345, page, false);

    test_note("a reference for someone else: %s",
              test_rc(grant_map(self, (uint32_t)ref, false, &mapping)));
    test_note("a reference never granted: %s", test_rc(grant_map(self, 1000, false, &mapping)));
    test_note("a reference beyond the table: %s",
              test_rc(grant_map(self, 0x7fffffff, false, &mapping)));
    test_note("a domain that is not there: %s", test_rc(grant_map(12345, 8, false, &mapping)));
    test_check(grant_end((uint32_t)ref) == 0, "ending it");
}

void test_main(void)
{
    int self = domain_id();
    char *page = page_alloc(0);
    char *other = page_alloc(0);

    if (self < 0 || page == NULL || other == NULL) {
        test_error("no domain id or no memory");
    }
    check_map((unsigned)self, page);
    check_read_only((unsigned)self, page);
    check_copy((unsigned)self, page, other);
    check_wrong((unsigned)self, page);
}
