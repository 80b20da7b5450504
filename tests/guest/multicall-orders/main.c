/* SPDX-License-Identifier: MIT */
/*
 * KIND: hostile
 * AS: both
 * Batches in orders that no honest kernel makes: calls that change what the batch itself needs (its list, its tables, the stack
 * it returns to), that wait in the midst of it, or that leave it. A hypervisor that looks at its state before the batch and not
 * before each call goes wrong here (XSA-213: an iret in a batch, and what came behind it).
 */
#include <string.h>

#include <xen/sched.h>

#include "framework/hostile.h"
#include "framework/test.h"
#include "pvk/clock.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"

#define UNTOUCHED 0x5a5au
#define MAX_CALLS 4u

static struct multicall_entry entry(unsigned nr, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)
{
    return (struct multicall_entry){.op = nr, .result = UNTOUCHED, .args = {a1, a2, a3, a4}};
}

static struct multicall_entry marker(void)
{
    return entry(__HYPERVISOR_xen_version, XENVER_version, 0, 0, 0);
}

static const char *was_made(const struct multicall_entry *call)
{
    return call->result == UNTOUCHED ? "not made" : test_rc((long)call->result);
}

static long run(const char *what, struct multicall_entry *calls, unsigned nr)
{
    long rc = hc_multicall(calls, nr);

    test_note("%s: %s", what, test_rc(rc));
    return rc;
}

static void report(const struct multicall_entry *calls, unsigned nr)
{
    for (unsigned i = 0; i < nr; i++) {
        test_note("  call %u: %s", i, was_made(&calls[i]));
    }
}

/* ---- the list itself ---- */

static void own_list(void)
{
    struct multicall_entry *list = page_new();
    const uint64_t read_only = pte_make(mfn_of_pfn(pfn_of_va(list)), PTE_PAGE_RO);
    const uint64_t writable = pte_make(mfn_of_pfn(pfn_of_va(list)), PTE_PAGE_RW);

    list[0] = entry(__HYPERVISOR_update_va_mapping, HC_ARG(list), read_only, UVMF_INVLPG, 0);
    list[1] = entry(__HYPERVISOR_update_va_mapping, HC_ARG(list), writable, UVMF_INVLPG, 0);
    run("the list becomes read-only, and writable again", list, 2);
    test_must(hc_update_va_mapping(list, writable, UVMF_INVLPG) == 0, "the list is writable");
    report(list, 2);

    list[0] = entry(__HYPERVISOR_update_va_mapping, HC_ARG(list), 0, UVMF_INVLPG, 0);
    list[1] = marker();
    run("the list goes away", list, 2);
    test_must(hc_update_va_mapping(list, writable, UVMF_INVLPG) == 0, "the list is back");
    report(list, 2);
    page_free(list, 0);
}

/* Each call writes its result over what comes next. */
static void overlapping_list(void)
{
    char *page = page_new();
    struct multicall_entry *list = (struct multicall_entry *)(void *)page;

    list[0] = entry(__HYPERVISOR_mmuext_op, HC_ARG(page), 0, HC_ARG(&list[1]), DOMID_SELF); /* its count of done ones: a number */
    list[1] = entry(__HYPERVISOR_event_channel_op, 77, 0, 0, 0);
    run("a call that makes the next one's number", list, 2);
    report(list, 2);
    page_free(page, 0);
}

/* ---- tables ---- */

static void tables(void)
{
    uint64_t *table = table_new(), *page = page_new();
    struct mmuext_op pin = {.cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = mfn_of(table)};
    struct mmuext_op unpin = {.cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = mfn_of(table)};
    struct mmu_update update = {.ptr = mfn_of(table) << PAGE_SHIFT, .val = pte_make(mfn_make(mfn_of(page)), PTE_PAGE_RW)};
    const uint64_t writable = pte_make(mfn_of_pfn(pfn_of_va(table)), PTE_PAGE_RW);
    struct multicall_entry calls[MAX_CALLS];

    calls[0] = entry(__HYPERVISOR_mmuext_op, HC_ARG(&pin), 1, 0, DOMID_SELF);
    calls[1] = entry(__HYPERVISOR_mmu_update, HC_ARG(&update), 1, 0, DOMID_SELF);
    calls[2] = entry(__HYPERVISOR_update_va_mapping, HC_ARG(table), writable, UVMF_INVLPG, 0);
    calls[3] = entry(__HYPERVISOR_mmuext_op, HC_ARG(&unpin), 1, 0, DOMID_SELF);
    run("pin, update, make writable, unpin", calls, 4);
    report(calls, 4);
    calls[0] = entry(__HYPERVISOR_update_va_mapping, HC_ARG(table), writable, UVMF_INVLPG, 0);
    calls[1] = entry(__HYPERVISOR_mmuext_op, HC_ARG(&pin), 1, 0, DOMID_SELF);
    calls[2] = entry(__HYPERVISOR_mmuext_op, HC_ARG(&unpin), 1, 0, DOMID_SELF);
    run("make writable, pin, unpin", calls, 3);
    report(calls, 3);
    table_close(table);
    table_free(table);
    page_free(page, 0);
}

/* ---- waiting, and leaving ---- */

static void waiting(void)
{
    struct sched_poll nothing = {.timeout = clock_ns() + 2 * NS_PER_MS};
    struct multicall_entry calls[MAX_CALLS];

    calls[0] = entry(__HYPERVISOR_set_timer_op, clock_ns() + 2 * NS_PER_MS, 0, 0, 0);
    calls[1] = entry(__HYPERVISOR_sched_op, SCHEDOP_block, 0, 0, 0);
    calls[2] = marker();
    run("a timer, block, and a call", calls, 3);
    report(calls, 3);
    calls[0] = entry(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0);
    calls[1] = entry(__HYPERVISOR_sched_op, SCHEDOP_poll, HC_ARG(&nothing), 0, 0);
    calls[2] = marker();
    run("yield, poll, and a call", calls, 3);
    report(calls, 3);
}

static void stacks(void)
{
    struct multicall_entry calls[MAX_CALLS];

    calls[0] = entry(__HYPERVISOR_stack_switch, 0xe02b, ADDR_HYPERVISOR, 0, 0);
    calls[1] = entry(__HYPERVISOR_set_callbacks, ADDR_NOT_CANONICAL, ADDR_GAP_TOP, 1ul << 63, 0);
    calls[2] = entry(__HYPERVISOR_fpu_taskswitch, 1, 0, 0, 0);
    calls[3] = entry(__HYPERVISOR_fpu_taskswitch, 0, 0, 0, 0);
    run("a stack of the hypervisor, entry points that are not canonical", calls, 4);
    report(calls, 4);
}

/* A batch with an iret in it, at whose stack its frame lies: it goes on at the label, and what came behind it is not made. */
static void leaving(void)
{
    static struct multicall_entry calls[3];
    uint64_t rax;

    calls[0] = marker();
    calls[1] = entry(__HYPERVISOR_iret, 0, 0, 0, 0);
    calls[2] = marker();
    __asm__ volatile("mov %%rsp, %%rbx\n\t"
                     "lea 1f(%%rip), %%rdx\n\t"
                     "push $0xe02b\n\t"
                     "push %%rbx\n\t"
                     "push $0x202\n\t"
                     "push $0xe030\n\t"
                     "push %%rdx\n\t"
                     "push $0\n\t"      /* flags */
                     "push $0\n\t"      /* rcx */
                     "push $0\n\t"      /* r11 */
                     "push $0x1234\n\t" /* rax */
                     "mov $13, %%eax\n\t"
                     "syscall\n\t"
                     "mov %%rbx, %%rsp\n\t" /* where the batch came back by itself */
                     "mov $0x77, %%eax\n"
                     "1:"
                     : "=a"(rax)
                     : "D"(calls), "S"(3ul)
                     : "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
    test_note("iret in a batch: %s", rax == 0x1234 ? "left" : "came back");
    test_note("  before it: %s, behind it: %s", was_made(&calls[0]), was_made(&calls[2]));
}

void test_main(void)
{
    own_list();
    overlapping_list();
    tables();
    waiting();
    stacks();
    leaving();
    test_still_works();
}
