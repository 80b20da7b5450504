/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * ON: xenolith
 * A selector that was good when the guest loaded it is bad when the vCPU comes back to a CPU: the failsafe callback tells the
 * guest which selectors it had, and the interrupted code goes on. On one hypervisor only: another may keep the registers of
 * a vCPU that merely waits, and never reload them.
 */
#include "framework/test.h"
#include "pvk/clock.h"
#include "pvk/memory.h"
#include "pvk/pv/events.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"

#define DATA_SEGMENT 0x00cff3000000fffful
#define SELECTOR     0x0bu

extern char failsafe_entry[];
uint64_t failsafe_count, failsafe_rax, failsafe_sel[4];

/* Frame: rcx r11 ds es fs gs rip cs rflags rsp ss; back by the iret hypercall, whose frame begins rax r11 rcx flags. */
__asm__(".pushsection .text\n"
        "failsafe_entry:\n\t"
        "mov %rax, failsafe_rax(%rip)\n\t"
        "incq failsafe_count(%rip)\n\t"
        "mov 16(%rsp), %rax\n\t"
        "mov %rax, failsafe_sel(%rip)\n\t"
        "mov 24(%rsp), %rax\n\t"
        "mov %rax, 8+failsafe_sel(%rip)\n\t"
        "mov 32(%rsp), %rax\n\t"
        "mov %rax, 16+failsafe_sel(%rip)\n\t"
        "mov 40(%rsp), %rax\n\t"
        "mov %rax, 24+failsafe_sel(%rip)\n\t"
        "pop %rcx\n\t"
        "pop %r11\n\t"
        "add $32, %rsp\n\t"
        "push $0\n\t"
        "push %rcx\n\t"
        "push %r11\n\t"
        "push failsafe_rax(%rip)\n\t"
        "mov $23, %eax\n\t"
        "syscall\n\t"
        "ud2\n"
        ".popsection");

static void nothing(uint32_t port, void *arg)
{
    (void)port;
    (void)arg;
}

static uint16_t read_es(void)
{
    uint32_t sel;

    __asm__ volatile("mov %%es, %0" : "=r"(sel));
    return (uint16_t)sel;
}

void test_main(void)
{
    struct callback_register reg = {.type = CALLBACKTYPE_failsafe, .address = HC_ARG(failsafe_entry)};
    uint64_t *page = page_alloc(0);
    long port = event_bind_ipi(0, nothing, NULL);
    uint64_t frame;

    if (!page || port < 0) {
        test_error("no memory or no port");
    }
    event_mask((uint32_t)port);
    frame = mfn_raw(mfn_of_pfn(pfn_of_va(page)));
    page[1] = DATA_SEGMENT;
    if (map_protect(page, 1, MAP_R) || hc_set_gdt(&frame, 512)) {
        test_error("no descriptor table");
    }
    test_note("failsafe callback: %s", test_rc(hc_callback_op(CALLBACKOP_register, &reg)));
    __asm__ volatile("mov %0, %%es" : : "r"(SELECTOR));
    event_poll((uint32_t)port, clock_ns() + 2 * NS_PER_MS);
    test_check(failsafe_count == 0 && read_es() == SELECTOR, "a good selector survives a wait");
    test_note("descriptor taken away: %s", test_rc(hc_update_descriptor(maddr_of_va(&page[1]), 0)));
    event_poll((uint32_t)port, clock_ns() + 2 * NS_PER_MS);
    test_check(failsafe_count == 1, "the failsafe callback was called once");
    test_check(failsafe_sel[1] == SELECTOR && failsafe_sel[0] == 0, "and was told the selectors");
    test_check(read_es() == 0, "a null selector is in its place");
    event_poll((uint32_t)port, clock_ns() + 2 * NS_PER_MS);
    test_check(failsafe_count == 1, "and loads");
}
