/* SPDX-License-Identifier: MIT */
/*
 * KIND: hostile
 * AS: both
 * An exception of a kernel whose stack cannot take the frame: there is no handler to be told, and no second stack. The hypervisor
 * must end the domain, and nothing else, when its write of the frame faults.
 */
#include "framework/test.h"
#include "pvk/memory.h"

void test_main(void)
{
    void *hole = window_alloc(2);

    if (hole == NULL) {
        test_error("no window");
    }
    test_expect_crash("an exception with the stack pointer in a hole");
    __asm__ volatile("mov %0, %%rsp\n\tud2" : : "r"((char *)hole + PAGE_SIZE) : "memory");
    __builtin_unreachable();
}
