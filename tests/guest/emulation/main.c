/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * MODELS: yes
 * Privileged instructions that a kernel in ring 3 executes all the same: which of them are emulated, with what result, and
 * which arrive as the exception that a machine would raise.
 */
#include <xen/physdev.h>

#include "framework/test.h"
#include "pvk/pv/hypercall.h"

static uint32_t msr_nr;
static uint64_t msr_value;
static uint64_t reg_value;

static void set_iopl(unsigned iopl)
{
    struct physdev_set_iopl op = {.iopl = iopl};

    test_note("IOPL %u: %s", iopl, test_rc(hc_physdev_op(PHYSDEVOP_set_iopl, &op)));
}

static void try_to(const char *what, void (*fn)(void *arg))
{
    struct trap_seen seen = {0};
    bool returned = trap_catch(fn, NULL, &seen);

    test_note("%s: %s", what, test_trap(returned, &seen));
}

/* The error code should name the vector; QEMU 7.2 makes a wrong one that a hypervisor may pass on. */
static void try_int(const char *what, void (*fn)(void *arg))
{
    struct trap_seen seen = {0};

    test_check(!trap_catch(fn, NULL, &seen) && seen.vector == TRAP_GP, "%s is refused", what);
}

#define PLAIN(name, text)                                                                          \
    static void do_##name(void *arg)                                                               \
    {                                                                                              \
        (void)arg;                                                                                 \
        __asm__ volatile(text : : : "rax", "rcx", "rdx", "rbx", "memory", "cc");                   \
    }
PLAIN(cli, "cli")
PLAIN(sti, "sti")
PLAIN(hlt, "hlt")
PLAIN(clts, "clts")
PLAIN(invd, "invd")
PLAIN(wbinvd, "wbinvd")
PLAIN(in_port, "mov $0x1234, %%edx; in %%dx, %%al")
PLAIN(out_port, "mov $0x1234, %%edx; out %%al, %%dx")
PLAIN(int_80, "int $0x80")
PLAIN(int_20, "int $0x20")
PLAIN(int_13, "int $13")
PLAIN(int_3, "int $3")
PLAIN(read_cr1, ".byte 0x0f, 0x20, 0xc8")
PLAIN(read_cr8, "mov %%cr8, %%rax")
PLAIN(write_cr8, "xor %%eax, %%eax; mov %%rax, %%cr8")
PLAIN(lgdt, "sub $16, %%rsp; lgdt (%%rsp); add $16, %%rsp")
PLAIN(lldt, "xor %%eax, %%eax; lldt %%ax")
PLAIN(ltr, "mov $0x40, %%eax; ltr %%ax")
PLAIN(swapgs, "swapgs")
PLAIN(sysexit, "sysexitl")
PLAIN(rdpmc, "xor %%ecx, %%ecx; rdpmc")
PLAIN(rdtsc, "rdtsc")
PLAIN(monitor, "xor %%eax, %%eax; xor %%ecx, %%ecx; xor %%edx, %%edx; monitor")
PLAIN(xsetbv_bad, "mov $1, %%ecx; xor %%eax, %%eax; xor %%edx, %%edx; xsetbv")
PLAIN(vmcall, "vmcall")
PLAIN(load_hv_data, "mov $0xe010, %%eax; mov %%eax, %%es")
PLAIN(load_hv_tss, "mov $0xe040, %%eax; mov %%eax, %%es")
PLAIN(load_beyond, "mov $0xfff3, %%eax; mov %%eax, %%es")
PLAIN(load_flat, "mov $0xe02b, %%eax; mov %%eax, %%es; xor %%eax, %%eax; mov %%eax, %%es")

/* Each width, and what becomes of the rest of rax; with and without a prefix, by dx and by a number. */
static void ports(void)
{
    static const uint64_t before = 0x1122334455667788ul;
    uint64_t byte = before, word = before, four = before, wide = before, number = before, out = before;

    __asm__ volatile("in %%dx, %%al" : "+a"(byte) : "d"(0x1234));
    __asm__ volatile("in %%dx, %%ax" : "+a"(word) : "d"(0x1234));
    __asm__ volatile("in %%dx, %%eax" : "+a"(four) : "d"(0x1234));
    __asm__ volatile(".byte 0x48; in %%dx, %%eax" : "+a"(wide) : "d"(0x1234));
    __asm__ volatile("in $0xf7, %%al" : "+a"(number));
    __asm__ volatile("out %%al, %%dx; out %%eax, %%dx" : "+a"(out) : "d"(0x1234));
    test_note("in: %lx %lx %lx %lx %lx; out: %lx", byte, word, four, wide, number, out);
}

static void simple(void)
{
    set_iopl(4);
    set_iopl(0);
    try_to("cli with IOPL 0", do_cli);
    try_to("in with IOPL 0", do_in_port);
    set_iopl(1);
    try_to("cli", do_cli);
    try_to("sti", do_sti);
    try_to("out to a port that nobody has", do_out_port);
    ports();
    try_to("hlt", do_hlt);
    try_to("clts", do_clts);
    try_to("invd", do_invd);
    try_to("wbinvd", do_wbinvd);
    try_to("int 0x80", do_int_80);
    try_int("int 0x20", do_int_20);
    try_int("int 13", do_int_13);
    try_to("int 3", do_int_3);
    try_to("mov from cr1", do_read_cr1);
    try_to("mov from cr8", do_read_cr8);
    try_to("mov to cr8", do_write_cr8);
    try_to("lgdt", do_lgdt);
    try_to("lldt", do_lldt);
    try_to("ltr", do_ltr);
    try_to("swapgs", do_swapgs);
    try_to("sysexit", do_sysexit);
    try_to("rdpmc", do_rdpmc);
    try_to("rdtsc", do_rdtsc);
    try_to("monitor", do_monitor);
    try_to("xsetbv 1", do_xsetbv_bad);
    try_to("vmcall", do_vmcall);
    try_to("es = the hypervisor's data", do_load_hv_data);
    try_to("es = the hypervisor's task state", do_load_hv_tss);
    try_to("es = beyond the table", do_load_beyond);
    try_to("es = the flat segment", do_load_flat);
}

static void do_rdmsr(void *arg)
{
    uint32_t low, high;

    (void)arg;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr_nr));
    msr_value = low | (uint64_t)high << 32;
}

static void do_wrmsr(void *arg)
{
    (void)arg;
    __asm__ volatile("wrmsr" : : "c"(msr_nr), "a"((uint32_t)msr_value), "d"((uint32_t)(msr_value >> 32)) : "memory");
}

static void read_msr(uint32_t nr, bool print_value)
{
    struct trap_seen seen = {0};
    bool returned;

    msr_nr = nr;
    returned = trap_catch(do_rdmsr, NULL, &seen);
    if (returned && print_value) {
        test_note("rdmsr %x: %lx", nr, msr_value);
    } else {
        test_note("rdmsr %x: %s", nr, test_trap(returned, &seen));
    }
}

static void write_msr(uint32_t nr, uint64_t value)
{
    struct trap_seen seen = {0};
    bool returned;

    msr_nr = nr;
    msr_value = value;
    returned = trap_catch(do_wrmsr, NULL, &seen);
    test_note("wrmsr %x = %lx: %s", nr, value, test_trap(returned, &seen));
}

static void msrs(void)
{
    static const uint32_t readable[] = {0x1b,       0x277,      0xc0000080, 0xc0000102, 0xc0000103, 0xc0010015, 0xc0011029, 0xc0010055, 0x179,      0x17a,
                                        0x17b,      0x400,      0x401,      0x404,      0x408,      0x174,
                                        0xc0000081, 0xc0000082, 0xc0000084, 0x48,       0x1a0,      0x6e0,
                                        0x800,      0xc0010114, 0xc0010117, 0xc0010000, 0xc0010004, 0xc0010010,
                                        0x1d9,      0xfe,       0x2ff,      0x200,      0x17,       0x40000000,
                                        0x12345678};
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(readable); i++) {
        read_msr(readable[i], true);
    }
    read_msr(0x10, false);
    read_msr(0x8b, false);
    write_msr(0xc0000100, 0x1000);
    read_msr(0xc0000100, true);
    write_msr(0xc0000100, 0x0000800000000000ul);
    write_msr(0xc0000101, 0x0000800000000000ul);
    write_msr(0xc0000102, 0x2000);
    read_msr(0xc0000102, true);
    write_msr(0xc0000102, 0xffff7ffffffffffful);
    write_msr(0xc0000103, 7);
    read_msr(0xc0000103, true);
    write_msr(0x277, 0x0000050100070406ul);
    write_msr(0x277, 0x0007040600070406ul);
    write_msr(0xc0000080, 0xd01);
    write_msr(0xc0000080, 0x501);
    write_msr(0x1b, 0xfee00900);
    write_msr(0x10, 0);
    write_msr(0x179, 0);
    write_msr(0x17a, 0);
    write_msr(0x400, 0);
    write_msr(0x401, 0);
    write_msr(0xc0010015, 0x01000011);
    write_msr(0xc0011029, 2);
    write_msr(0xc0000082, 0x1000);
    write_msr(0x174, 0x10);
    write_msr(0x48, 0);
    write_msr(0xc0010000, 0);
    write_msr(0xc0010117, 0x1000);
    write_msr(0x40000000, 0);
    write_msr(0x12345678, 0);
}

#define CONTROL_REGISTER(n)                                                                        \
    static void read_cr##n(void *arg)                                                              \
    {                                                                                              \
        (void)arg;                                                                                 \
        __asm__ volatile("mov %%cr" #n ", %0" : "=r"(reg_value));                                  \
    }                                                                                              \
    static void write_cr##n(void *arg)                                                             \
    {                                                                                              \
        (void)arg;                                                                                 \
        __asm__ volatile("mov %0, %%cr" #n : : "r"(reg_value) : "memory");                         \
    }
CONTROL_REGISTER(0)
CONTROL_REGISTER(2)
CONTROL_REGISTER(3)
CONTROL_REGISTER(4)

static uint64_t show(const char *what, void (*fn)(void *arg))
{
    struct trap_seen seen = {0};

    reg_value = 0;
    if (trap_catch(fn, NULL, &seen)) {
        test_note("%s: %lx", what, reg_value);
    } else {
        test_note("%s: %s", what, test_trap(false, &seen));
    }
    return reg_value;
}

static void store(const char *what, void (*fn)(void *arg), uint64_t value)
{
    reg_value = value;
    try_to(what, fn);
}

static void control_registers(void)
{
    uint64_t cr3, cr4;
    struct trap_seen seen = {0};

    show("cr0", read_cr0);
    store("cr0 with TS", write_cr0, 0x8005003b);
    show("cr0", read_cr0);
    store("cr0 as it was", write_cr0, 0x80050033);
    store("cr0 without WP", write_cr0, 0x80040033);
    store("cr0 without paging", write_cr0, 0x00050033);
    show("cr0", read_cr0);
    cr4 = show("cr4", read_cr4);
    store("cr4 with FSGSBASE", write_cr4, cr4 | 0x10000);
    show("cr4", read_cr4);
    store("cr4 with OSXSAVE", write_cr4, cr4 | 0x40000);
    show("cr4", read_cr4);
    store("cr4 with SMEP and SMAP", write_cr4, cr4 | 0x300000);
    show("cr4", read_cr4);
    store("cr4 with TSD", write_cr4, cr4 | 4);
    show("cr4", read_cr4);
    try_to("rdtsc with TSD", do_rdtsc);
    store("cr4 without PAE", write_cr4, cr4 & ~0x20ul);
    show("cr4", read_cr4);
    store("cr4 with VME and PGE", write_cr4, cr4 | 0x81);
    show("cr4", read_cr4);
    store("cr4 as it was", write_cr4, cr4);
    if (trap_catch(read_cr3, NULL, &seen)) {
        cr3 = reg_value;
        test_check((cr3 & 0xfff) == 0, "cr3 is a frame");
        store("cr3 as it is", write_cr3, cr3);
        store("cr3 = no frame of mine", write_cr3, 0x1000);
        store("cr3 = no frame at all", write_cr3, 0xfffffffff000);
    }
    store("cr2", write_cr2, 0x123456);
    show("cr2", read_cr2);
}

static void do_forced_cpuid(void *arg)
{
    uint32_t *regs = arg;

    __asm__ volatile(XEN_CPUID : "+a"(regs[0]), "=b"(regs[1]), "+c"(regs[2]), "=d"(regs[3]));
}

static void cpuid(uint32_t leaf, uint32_t sub)
{
    uint32_t regs[4] = {leaf, 0, sub, 0};
    struct trap_seen seen = {0};

    if (trap_catch(do_forced_cpuid, regs, &seen)) {
        test_note("cpuid %x.%x: %08x %08x %08x %08x", leaf, sub, regs[0], regs[1], regs[2], regs[3]);
    } else {
        test_note("cpuid %x.%x: %s", leaf, sub, test_trap(false, &seen));
    }
}

static void forced_cpuid(void)
{
    cpuid(0x40000000, 0);
    cpuid(0x40000001, 0);
    cpuid(0x40000002, 0);
    cpuid(0x40000004, 0);
    cpuid(0x40000006, 0);
    cpuid(0x40000100, 0);
}

void test_main(void)
{
    simple();
    msrs();
    control_registers();
    forced_cpuid();
}
