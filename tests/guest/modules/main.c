/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * NATIVE: yes
 * MODULE: 12345
 * A blob that was loaded with the kernel is where start_info says, whole, and not handed out by the page allocator.
 */
#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/modules.h"

#define SIZE 12345

static bool is_intact(const struct module *module)
{
    const unsigned char *bytes = module->data;

    for (unsigned i = 0; i < SIZE; i++) {
        if (bytes[i] != i * 7 % 251) {
            return false;
        }
    }
    return true;
}

void test_main(void)
{
    struct module module = {0};
    unsigned found = 0;
    unsigned taken = 0;
    void *page;

    for (unsigned i = 0; i < module_count() && found == 0; i++) {
        found = module_get(i, &module) && module.size == SIZE;
    }
    if (!test_check(found, "a module of the right size is there")) {
        return;
    }
    test_check(is_intact(&module), "its contents are right");
    while ((page = page_alloc(0)) != NULL) {
        *(uint64_t *)page =
            ~0ul; /* all of memory: whatever was given out by mistake is overwritten now */
        taken++;
    }
    test_check(taken > 100, "the domain has free memory");
    test_check(is_intact(&module), "and still are when all free memory has been used");
    test_check(!module_get(module_count(), &module), "there is none behind the last");
}
