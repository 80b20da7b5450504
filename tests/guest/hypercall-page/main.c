/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * The hypercall page: each slot must make the call of its number and keep the registers that the ABI promises to keep. Without
 * a page of the hypervisor (variant `none`), `syscall` with the number in eax is the same call.
 */
#include <string.h>

#include "framework/test.h"
#include "pvk/pv/hypercall.h"

#define UNKNOWN_NR 100 /* beyond every hypercall that there is */

static void check_registers(void)
{
    uint64_t rbx = 0x1111;
    uint64_t rcx = 0x2222;
    uint64_t r12 = 0x3333;
    uint64_t rax = (uintptr_t)hypercall_page + __HYPERVISOR_xen_version * 32;
    uint64_t r11 = 0x4444;

    __asm__ volatile("mov %[r11], %%r11\n\t"
                     "mov %[r12], %%r12\n\t"
                     "xor %%edi, %%edi\n\t"
                     "xor %%esi, %%esi\n\t"
                     "call *%%rax\n\t"
                     "mov %%r11, %[r11]\n\t"
                     "mov %%r12, %[r12]"
                     : "+a"(rax), "+b"(rbx), "+c"(rcx), [r11] "+m"(r11), [r12] "+m"(r12)
                     :
                     : "rdi", "rsi", "rdx", "r8", "r9", "r10", "r11", "r12", "memory");
    test_check(rbx == 0x1111 && r12 == 0x3333, "callee-saved registers survive");
    test_check(rcx == 0x2222 && r11 == 0x4444,
               "rcx and r11 survive, although syscall destroys them");
    test_check(rax >> 16 == 4, "the result is in rax: major version 4");
}

static long direct_syscall(uint64_t nr, uint64_t a1, uint64_t a2)
{
    __asm__ volatile("syscall" : "+a"(nr), "+D"(a1), "+S"(a2) : : "rcx", "r11", "memory");
    return (long)nr;
}

void test_main(void)
{
    long by_page = hypercall_raw(__HYPERVISOR_xen_version, XENVER_version, 0, 0, 0, 0);

    test_note("xen_version by the page: %lx", by_page);
    test_check(direct_syscall(__HYPERVISOR_xen_version, XENVER_version, 0) == by_page,
               "a direct syscall gives the same");
    test_note("with bits set in the upper half of rax: %s",
              test_rc(direct_syscall(0xffffffff00000000ul | __HYPERVISOR_xen_version,
                                     XENVER_version, 0)));
    check_registers();
    test_note("number %u: %s", UNKNOWN_NR, test_rc(hypercall_raw(UNKNOWN_NR, 0, 0, 0, 0, 0)));
    test_note("a number of 32 bits: %s", test_rc(direct_syscall(0xfffffffful, 0, 0)));
    test_note("a number of 31 bits: %s", test_rc(direct_syscall(0x7ffffffful, 0, 0)));
}
