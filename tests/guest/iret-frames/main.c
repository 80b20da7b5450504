/* SPDX-License-Identifier: MIT */
/*
 * KIND: hostile
 * MODELS: yes
 * Frames for the iret hypercall that no honest kernel builds. A bad address or selector must come back as an exception of
 * the guest, never of the hypervisor; flags that ring 3 may not have must vanish.
 */
#include "framework/test.h"
#include "pvk/pv/hypercall.h"

static struct iret_context frame;
static uint64_t flags_after;
static uint64_t regs_after[3];

/* Where and how an attempt ends: by the instruction behind the hypercall, or by an exception that leads there too. */
static uint64_t resume_rip, resume_rsp;
static struct trap_seen seen;
static bool trapped;

static bool caught(struct trap_regs *regs)
{
    trapped = true;
    seen = (struct trap_seen){.vector = regs->vector, .error_code = regs->error_code, .rip = regs->rip};
    regs->rip = resume_rip;
    regs->rsp = resume_rsp;
    regs->cs = 0xe030;
    regs->ss = 0xe02b;
    regs->rflags = 0x202;
    return true;
}

/* Continues at the label through the hypercall, with frame's selectors and flags; frame.rip 0 stands for the label. */
static void do_iret(void)
{
    __asm__ volatile("push %%rbp\n\t"
                     "mov %%rsp, %[rsp]\n\t"
                     "lea 1f(%%rip), %%rdx\n\t"
                     "mov %%rdx, %[resume]\n\t"
                     "mov %[rip], %%rax\n\t"
                     "test %%rax, %%rax\n\t"
                     "cmove %%rdx, %%rax\n\t"
                     "push %[ss]\n\t"
                     "push %[rsp]\n\t"
                     "push %[rflags]\n\t"
                     "push %[cs]\n\t"
                     "push %%rax\n\t"
                     "push %[flags]\n\t"
                     "push %[rcx]\n\t"
                     "push %[r11]\n\t"
                     "push %[rax]\n\t"
                     "mov %[nr], %%eax\n\t"
                     "syscall\n\t"
                     "ud2\n"
                     "1:\n\t"
                     "mov %%rax, %[rax_after]\n\t"
                     "mov %%rcx, %[rcx_after]\n\t"
                     "mov %%r11, %[r11_after]\n\t"
                     "pushf\n\t"
                     "pop %[flags_after]\n\t"
                     "push $0x202\n\t"
                     "popf\n\t"
                     "cld\n\t"
                     "pop %%rbp"
                     : [flags_after] "=m"(flags_after), [rax_after] "=m"(regs_after[0]), [rcx_after] "=m"(regs_after[1]),
                       [r11_after] "=m"(regs_after[2]), [rsp] "=m"(resume_rsp), [resume] "=m"(resume_rip)
                     : [rip] "m"(frame.rip), [ss] "m"(frame.ss), [rflags] "m"(frame.rflags), [cs] "m"(frame.cs),
                       [flags] "m"(frame.flags), [rcx] "m"(frame.rcx), [r11] "m"(frame.r11), [rax] "m"(frame.rax),
                       [nr] "i"(__HYPERVISOR_iret)
                     : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
                       "memory", "cc");
}

static const char *attempt(void)
{
    trapped = false;
    do_iret();
    if (trapped && frame.rip) {
        test_check(seen.rip == frame.rip, "the exception is where iret wanted to go");
    }
    return test_trap(!trapped, &seen);
}

static void reset(void)
{
    frame = (struct iret_context){.cs = 0xe030, .ss = 0xe02b, .rflags = 0x202};
}

static void addresses(void)
{
    static const uint64_t bad[] = {0x0000800000000000ul, 0xffff7ffffffffffful, 0x8000000000000000ul};
    unsigned i;

    reset();
    frame.rax = 0x1111;
    frame.rcx = 0x2222;
    frame.r11 = 0x3333;
    test_note("a good frame: %s", attempt());
    test_check(regs_after[0] == 0x1111 && regs_after[1] == 0x2222 && regs_after[2] == 0x3333, "rax, rcx and r11 come from the frame");
    frame.rax = 0x8000000000000000ul;
    test_note("any rax: %s", attempt());
    test_check(regs_after[0] == 0x8000000000000000ul, "rax may be any value");
    for (i = 0; i < ARRAY_SIZE(bad); i++) {
        reset();
        frame.rip = bad[i];
        test_note("rip %lx: %s", bad[i], attempt());
    }
    reset();
    frame.rip = 0xffff830000000000ul;
    test_note("rip in the hypervisor's range: %s", attempt());
    frame.rip = 0xffff800000000000ul;
    test_note("rip in the machine-to-physical table: %s", attempt());
}

static void selectors(void)
{
    static const uint16_t cs[] = {0, 4, 0x10, 0xe008, 0xe010, 0xe018, 0xe020, 0xe028, 0xe038, 0xe040, 0xe048, 0xfff8};
    static const uint16_t ss[] = {0, 3, 7, 0x13, 0xe00b, 0xe013, 0xe023, 0xe033, 0xe043, 0xfffb};
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(cs); i++) {
        reset();
        frame.cs = cs[i];
        /* 32-bit code at a 64-bit address runs somewhere else: nothing to be seen there. */
        if (cs[i] != 0xe020) {
            test_note("cs %x: %s", cs[i], attempt());
        }
    }
    for (i = 0; i < ARRAY_SIZE(ss); i++) {
        reset();
        frame.ss = ss[i];
        test_note("ss %x: %s", ss[i], attempt());
    }
}

static void flags(void)
{
    static const uint64_t bits[] = {0x1000, 0x2000, 0x3000, 0x4000, 0x20000, 0x40000, 0x80000, 0x100000, 0x200000,
                                    0x8, 0x20, 0x8000, 0x400000, 1ul << 32, 1ul << 63};
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(bits); i++) {
        reset();
        frame.rflags |= bits[i];
        test_note("flag %lx: %s", bits[i], attempt());
        test_check((flags_after & 0x3000) == 0, "no IOPL");
        test_check(flags_after & 0x200, "interrupts are on");
        test_check((flags_after & 0x1a0000) == 0, "no VM, VIF, VIP");
    }
    reset();
    frame.rflags = 2;
    test_note("events masked: %s", attempt());
    test_check(flags_after & 0x200, "the hardware flag stays set");
    reset();
    frame.flags = ~0ul;
    test_note("all frame flags: %s", attempt());
    reset();
    frame.cs = 0xffffffff0000e030ul;
    test_note("garbage above cs: %s", attempt());
    reset();
    frame.ss = 0xffffffffffffe02bul;
    test_note("garbage above ss: %s", attempt());
}

static void last(void)
{
    test_expect_crash("iret to user mode without user page tables");
    reset();
    frame.cs = 0xe033;
    attempt();
    test_fail("the domain lives on");
}

void test_main(void)
{
    static const uint8_t vectors[] = {TRAP_TS, TRAP_NP, TRAP_SS, TRAP_GP, TRAP_PF};
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(vectors); i++) {
        trap_set_handler(vectors[i], caught);
    }
    addresses();
    selectors();
    flags();
    last();
}
