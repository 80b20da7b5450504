/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * MODELS: yes
 * A kernel stores straight into its own L1 tables, which are mapped read-only: the hypervisor checks the entry and carries
 * the store out, whichever instruction of those that kernels use it was (docs/adr/0007). Entries that break a rule, other levels and odd operands are page faults.
 */
#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/pv/pagetable.h"

static char *window;            /* what the entry maps */
static const volatile uint64_t *slot; /* the entry, through the linear map */
static uint64_t entry_a, entry_b;
static void *frame_a, *frame_b;

struct op {
    uint64_t value;
    const volatile void *where;
    uint64_t result;
};

#define STORE(name, text)                                                                          \
    static void do_##name(void *arg)                                                               \
    {                                                                                              \
        struct op *op = arg;                                                                       \
        uint64_t v = op->value;                                                                    \
                                                                                                   \
        __asm__ volatile(text : "+a"(v) : "D"(op->where), "S"(arg) : "rcx", "rdx", "r8", "r9", "r12", "r13", "r14", "r15", "memory", "cc"); \
        op->result = v;                                                                            \
    }
STORE(mov, "mov %%rax, (%%rdi)")
STORE(xchg, "xchg %%rax, (%%rdi)")
STORE(mov32, "movl %%eax, (%%rdi)")
STORE(mov16, "movw %%ax, (%%rdi)")
STORE(mov8, "movb %%al, (%%rdi)")
STORE(mov_ah, "movb %%ah, (%%rdi)")
STORE(mov_imm, "movq $0, (%%rdi)")
STORE(and_byte, "andb $0xfd, (%%rdi)")
STORE(lock_and_byte, "lock andb $0xfd, (%%rdi)")
STORE(lock_or, "lock orq $0x200, (%%rdi)")
STORE(lock_btr, "lock btrq $1, (%%rdi)")
STORE(btr_reg, "mov $1, %%ecx; lock btrq %%rcx, (%%rdi)")
STORE(lock_bts, "lock btsq $9, (%%rdi)")
STORE(xor_flag, "xorq $0x400, (%%rdi)")
STORE(cmpxchg, "mov %%rax, %%rcx; mov (%%rdi), %%rax; lock cmpxchg %%rcx, (%%rdi)")
STORE(cmpxchg_other, "mov %%rax, %%rcx; xor %%eax, %%eax; lock cmpxchg %%rcx, (%%rdi)")
STORE(stosq, "stosq")
STORE(mov_disp8, "lea -8(%%rdi), %%rcx; mov %%rax, 8(%%rcx)")
STORE(mov_disp32, "lea 0x1000(%%rdi), %%rdx; mov %%rax, -0x1000(%%rdx)")
STORE(mov_high, "mov %%rdi, %%r13; mov %%rax, %%r9; mov %%r9, 0(%%r13)")
STORE(mov_r12, "mov %%rdi, %%r12; mov %%rax, (%%r12)")
STORE(mov_other_segment, "ds mov %%rax, (%%rdi)")
STORE(xchg_high, "lea 0x70(%%rdi), %%r8; mov %%rax, %%r15; xchg %%r15, -0x70(%%r8); mov %%r15, %%rax")
STORE(xchg_self, "mov %%rax, %%r14; mov %%rdi, %%rax; xchg %%r14, (%%rax); mov %%r14, %%rax")
STORE(mov_index, "mov $0, %%ecx; mov %%rax, (%%rdi, %%rcx, 8)")

static void set(uint64_t entry)
{
    if (hc_update_va_mapping(window, entry, UVMF_INVLPG | UVMF_LOCAL)) {
        test_error("cannot set the entry");
    }
}

/* What the entry says, without the bits that the processor sets and the hypervisor adds. */
static const char *state(void)
{
    uint64_t now = *slot;
    const char *frame = pte_mfn(now).raw == pte_mfn(entry_a).raw ? "a" : pte_mfn(now).raw == pte_mfn(entry_b).raw ? "b" : "?";

    if (!(now & PTE_P)) {
        return now ? "absent, not zero" : "zero";
    }
    if (now & PTE_W) {
        return *frame == 'a' ? "a, writable" : *frame == 'b' ? "b, writable" : "another frame, writable";
    }
    return *frame == 'a' ? "a, read-only" : *frame == 'b' ? "b, read-only" : "another frame, read-only";
}

static void observe(const char *what, void (*fn)(void *arg), uint64_t value)
{
    struct op op = {.value = value, .where = slot};
    struct trap_seen seen = {0};
    bool returned;

    set(entry_a);
    returned = trap_catch(fn, &op, &seen);
    test_note("%s: %s; %s%s", what, test_trap(returned, &seen), state(), *slot & 0x600 ? ", software bits" : "");
    if (!returned && seen.vector == TRAP_PF) {
        test_check(seen.fault_address - (uint64_t)slot < 8, "the fault is at the entry");
    }
}

static void instructions(void)
{
    observe("mov", do_mov, entry_b);
    observe("xchg", do_xchg, entry_b);
    observe("mov of 32 bits", do_mov32, entry_b);
    observe("mov of 16 bits", do_mov16, entry_b);
    observe("mov of 8 bits", do_mov8, entry_a & ~PTE_W);
    observe("mov of ah", do_mov_ah, entry_a);
    observe("mov of an immediate", do_mov_imm, 0);
    observe("and of a byte", do_and_byte, 0);
    observe("lock and of a byte", do_lock_and_byte, 0);
    observe("lock or", do_lock_or, 0);
    observe("lock btr", do_lock_btr, 0);
    observe("lock btr by register", do_btr_reg, 0);
    observe("lock bts", do_lock_bts, 0);
    observe("xor", do_xor_flag, 0);
    observe("cmpxchg", do_cmpxchg, entry_b);
    observe("cmpxchg of another value", do_cmpxchg_other, entry_b);
    observe("stos", do_stosq, entry_b);
    observe("mov with an index", do_mov_index, entry_b);
    observe("mov with 8 bits of displacement", do_mov_disp8, entry_b);
    observe("mov with 32 bits of displacement", do_mov_disp32, entry_b);
    observe("mov of r9 by r13", do_mov_high, entry_b);
    observe("mov by r12", do_mov_r12, entry_b);
    observe("mov with a segment prefix", do_mov_other_segment, entry_b);
    observe("xchg of r15 by r8", do_xchg_high, entry_b);
    observe("xchg by rax", do_xchg_self, entry_b);
}

static void results(void)
{
    struct op op = {.where = slot};
    struct trap_seen seen;

    set(entry_a);
    op.value = entry_b;
    test_check(trap_catch(do_xchg, &op, &seen) && pte_mfn(op.result).raw == pte_mfn(entry_a).raw, "xchg gives the old entry");
    set(entry_a);
    test_check(trap_catch(do_xchg_high, &op, &seen) && pte_mfn(op.result).raw == pte_mfn(entry_a).raw, "so it does in r15");
    op.value = entry_a;
    test_check(trap_catch(do_cmpxchg_other, &op, &seen) && op.result == *slot, "a failed cmpxchg gives the entry");
    op.value = entry_b;
    test_check(trap_catch(do_xchg, &op, &seen), "xchg");
    *(volatile char *)frame_b = 77;
    pt_flush_page(window);
    test_check(*(volatile char *)window == 77, "the mapping is in force");
}

static void refusals(void)
{
    uint64_t l2_frame;
    struct pt_entry found;
    struct op op = {0};
    struct trap_seen seen = {0};
    bool returned;

    if (!pt_find(&kernel_space, (uintptr_t)window, 2, false, &found)) {
        test_error("no L2 entry");
    }
    l2_frame = *found.entry;
    observe("a page table, writable", do_mov, pte_make(pte_mfn(l2_frame), PTE_P | PTE_W | PTE_A | PTE_D));
    observe("a page table, read-only", do_mov, pte_make(pte_mfn(l2_frame), PTE_P | PTE_A | PTE_D));
    observe("no frame at all", do_mov, 0x000ffffffffff000ul | PTE_P);
    observe("an absent entry with garbage", do_mov, 0x123456789a8);
    op.where = found.entry;
    op.value = l2_frame;
    returned = trap_catch(do_mov, &op, &seen);
    test_note("store of the same L2 entry: %s", test_trap(returned, &seen));
    op.where = (const volatile char *)slot + 4;
    op.value = entry_b;
    set(entry_a);
    returned = trap_catch(do_mov, &op, &seen);
    test_note("store across two entries: %s; %s", test_trap(returned, &seen), state());
}

/* The fault is at the first byte of the table, the operand begins in the writable page before it: not a store to an entry. */
static void across_pages(void)
{
    char *pair = window_alloc(2);
    void *before = page_alloc(0);
    pfn_t table = pfn_of_va((const void *)((uintptr_t)slot & ~0xffful));
    const volatile uint64_t *first = (const volatile uint64_t *)((uintptr_t)slot & ~0xffful);
    uint64_t was = *first;
    struct op op = {.value = entry_b};
    struct trap_seen seen = {0};
    bool returned;

    if (!pair || !before || map_page(pair, pfn_of_va(before), MAP_W) || map_page(pair + PAGE_SIZE, table, 0)) {
        test_error("no two pages side by side");
    }
    op.where = pair + PAGE_SIZE - 4;
    returned = trap_catch(do_mov, &op, &seen);
    test_note("store from a page into a table: %s", test_trap(returned, &seen));
    test_check(*first == was, "the table is as it was");
    test_check(map_remove(pair, 2) == 0, "unmap both");
    page_free(before, 0);
}

static void assist(void)
{
    test_note("assist off: %s", test_rc(hc_vm_assist(VMASST_CMD_disable, VMASST_TYPE_writable_pagetables)));
    observe("mov without the assist", do_mov, entry_b);
    test_note("assist on: %s", test_rc(hc_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables)));
}

void test_main(void)
{
    struct pt_entry found;
    pfn_t pfn;

    frame_a = page_alloc(0);
    frame_b = page_alloc(0);
    window = window_alloc(1);
    if (!frame_a || !frame_b || !window || map_page(window, pfn_of_va(frame_a), MAP_W) ||
        !pt_find(&kernel_space, (uintptr_t)window, 1, false, &found)) {
        test_error("no memory");
    }
    if (!pfn_of_mfn(pte_mfn(*found.entry), &pfn)) {
        test_error("the entry maps no frame of mine");
    }
    slot = found.entry;
    entry_a = pte_make(mfn_of_pfn(pfn_of_va(frame_a)), PTE_P | PTE_W | PTE_A | PTE_D | PTE_NX);
    entry_b = pte_make(mfn_of_pfn(pfn_of_va(frame_b)), PTE_P | PTE_W | PTE_A | PTE_D | PTE_NX);
    test_note("assist on: %s", test_rc(hc_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables)));
    instructions();
    results();
    refusals();
    across_pages();
    assist();
    set(entry_a);
    test_check(map_remove(window, 1) == 0, "unmap");
}
