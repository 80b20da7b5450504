/* SPDX-License-Identifier: MIT */
/*
 * What single operations cost, in TSC ticks: under QEMU's -icount shift=0 a tick is an instruction. Each operation is done in a
 * loop whose own cost is taken off; lines are "BENCH name ticks". The same image runs on every hypervisor.
 *   bench [n=1000] [only=NAME]
 */
#include <stdio.h>
#include <string.h>

#include "pvk/machine.h"
#include "pvk/memory.h"
#include "pvk/pv/domain.h"
#include "pvk/pv/events.h"
#include "pvk/pv/grants.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/pv/pagetable.h"
#include "pvk/smp.h"
#include "pvk/thread.h"
#include "pvk/user.h"

#define UNKNOWN_HYPERCALL 62u
#define MMU_BATCH         512u
#define STACK_VA          0x10000000ul

static uint64_t n;
static bool failed;
static char only[32];

static bool wanted(const char *name)
{
    return only[0] == '\0' || strcmp(only, name) == 0;
}

static inline uint64_t ticks(void)
{
    uint32_t lo, hi;

    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
    return (uint64_t)hi << 32 | lo;
}

/* A window of tests/bench/profile/count.c lies between the two nopl, which do nothing to everybody else. */
static uint64_t measure(void (*fn)(void))
{
    uint64_t start;

    __asm__ volatile("nopl 0x62656730(%%rax)" : : : "memory");
    start = ticks();
    for (uint64_t i = 0; i < n; i++) {
        fn();
    }
    start = ticks() - start;
    __asm__ volatile("nopl 0x62656731(%%rax)" : : : "memory");
    return start;
}

static void nothing(void)
{
    __asm__ volatile("" : : : "memory");
}

static void report(const char *name, void (*fn)(void), unsigned int per_call)
{
    uint64_t empty, full;

    if (!wanted(name)) {
        return;
    }
    measure(fn); /* once to warm what is done on first use */
    empty = measure(nothing);
    full = measure(fn);
    printf("BENCH %s %lu\n", name, (full - empty) / n / per_call);
}

/* ---- hypercalls ---- */

static void unknown_hypercall(void)
{
    hypercall_raw(UNKNOWN_HYPERCALL, 0, 0, 0, 0, 0);
}

static void xen_version(void)
{
    hypercall_raw(__HYPERVISOR_xen_version, XENVER_version, 0, 0, 0, 0);
}

static void yield(void)
{
    hypercall_raw(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0, 0);
}

/* ---- exceptions: an entry point of our own, with nothing in it but the way back ---- */

extern char bench_ud_entry[], bench_pf_entry[];
void bench_iret(void);

/* Frame: rcx r11 [error] rip cs rflags rsp ss. The iret stub pushes rcx r11 rax itself; flags 0 stand above rip. */
__asm__(".pushsection .text\n"
        "bench_ud_entry:\n"
        "    popq %rcx\n    popq %r11\n    addq $2, (%rsp)\n    pushq $0\n    jmp hypercall_page + 23 * 32\n"
        "bench_pf_entry:\n"
        "    popq %rcx\n    popq %r11\n    addq $8, %rsp\n    addq $2, (%rsp)\n    pushq $0\n    jmp hypercall_page + 23 * 32\n"
        "bench_iret:\n" /* back to the caller: in a frame, a code selector without RPL 3 is kernel mode */
        "    popq %rdx\n    movq %rsp, %rax\n    movl %ss, %ecx\n    pushq %rcx\n    pushq %rax\n    pushfq\n    pushq $0xe030\n"
        "    pushq %rdx\n    pushq $0\n    jmp hypercall_page + 23 * 32\n"
        ".popsection\n");

static void set_trap(unsigned int vector, const char *entry)
{
    struct trap_info t[2];

    memset(t, 0, sizeof(t));
    t[0].vector = (uint8_t)vector;
    t[0].cs = FLAT_KERNEL_CS;
    t[0].address = (unsigned long)entry;
    hypercall_raw(__HYPERVISOR_set_trap_table, HC_ARG(t), 0, 0, 0, 0);
}

static void invalid_opcode(void)
{
    __asm__ volatile("ud2" : : : "rcx", "r11", "memory");
}

static void page_fault(void)
{
    /* A two-byte load from an address where nothing is. */
    __asm__ volatile("movb (%%rax), %%al" : : "a"(0x1000ul) : "rcx", "r11", "memory");
}

static void exceptions(void)
{
    report("iret", bench_iret, 1);
    set_trap(6, bench_ud_entry);
    report("exception-and-iret", invalid_opcode, 1);
    set_trap(14, bench_pf_entry);
    report("page-fault-and-iret", page_fault, 1);
}

/* ---- user mode ---- */

static USER_CODE void user_calls(uint64_t unused)
{
    (void)unused;
    for (;;) {
        uint64_t nr = 1;

        __asm__ volatile("syscall" : "+a"(nr) : : "rcx", "r11", "memory");
    }
}

static struct user_context users[2];

static void one_user_call(void)
{
    user_run(&users[0]);
}

/* Two processes take turns: a system call leaves one, and the kernel goes on with the other. */
static void one_user_switch(void)
{
    user_run(&users[0]);
    user_run(&users[1]);
}

static bool user_create(struct user_context *user)
{
    struct user_space *space = user_space_create();
    void *stack = page_alloc(0);

    if (!space || !stack || user_map_code(space) || user_map(space, STACK_VA, pfn_of_va(stack), MAP_R | MAP_W)) {
        puts("bench: no user space");
        return false;
    }
    user_context_init(user, space, user_code_address((const void *)user_calls), STACK_VA + PAGE_SIZE - 8, 0);
    return true;
}

static void user_mode(void)
{
    if (user_create(&users[0]) && user_create(&users[1])) {
        report("user-syscall-and-back", one_user_call, 1);
        report("process-switch", one_user_switch, 2);
    }
}

/* ---- events ---- */

static uint32_t self_port;
static volatile uint64_t events_seen;

static void event_arrived(uint32_t port, void *arg)
{
    (void)port;
    (void)arg;
    events_seen++;
}

static void send_to_self(void)
{
    uint64_t before = events_seen;

    event_send(self_port);
    while (events_seen == before) {
        __asm__ volatile("pause");
    }
}

static void events(void)
{
    long port = event_bind_ipi(0, event_arrived, NULL);

    if (port < 0) {
        puts("bench: no event channel");
        return;
    }
    self_port = (uint32_t)port;
    report("event-to-self", send_to_self, 1);
}

/* ---- an event for a vCPU that runs on another CPU: what both sides execute until the handler has run ---- */

static uint32_t other_port;
static volatile bool stop;

static void stay_awake(void *unused)
{
    (void)unused;
    while (!stop) {
        __asm__ volatile("pause");
    }
}

static void send_to_other(void)
{
    uint64_t before = events_seen;

    event_send(other_port);
    while (events_seen == before) {
        __asm__ volatile("pause");
    }
}

static void events_between_cpus(void)
{
    struct thread *t;
    long port;

    if (cpu_count() < 2 || !wanted("event-to-running-vcpu")) {
        return;
    }
    port = cpu_start(1) ? -1 : event_bind_ipi(1, event_arrived, NULL);
    t = port < 0 ? NULL : thread_create_on(1, "awake", stay_awake, NULL);
    if (!t) {
        puts("bench: no second CPU");
        return;
    }
    other_port = (uint32_t)port;
    report("event-to-running-vcpu", send_to_other, 1);
    stop = true;
    thread_join(t);
}

/* ---- page tables: the entries of one L1 that maps a page of ours again and again ---- */

static struct mmu_update updates[MMU_BATCH];
static unsigned int batch;
static void *window;
static uint64_t page_pte;
static bool toggle;

/* Every second round writes other bits of the same frame: the general path, with references. */
static void mmu_update_batch(void)
{
    toggle = !toggle;
    for (unsigned int i = 0; i < batch; i++) {
        updates[i].val = toggle ? page_pte : 0;
    }
    hypercall_raw(__HYPERVISOR_mmu_update, HC_ARG(updates), batch, 0, DOMID_SELF, 0);
}

static void fill_only(void)
{
    toggle = !toggle;
    for (unsigned int i = 0; i < batch; i++) {
        updates[i].val = toggle ? page_pte : 0;
    }
    __asm__ volatile("" : : : "memory");
}

static void update_va(void)
{
    toggle = !toggle;
    hypercall_raw(__HYPERVISOR_update_va_mapping, HC_ARG(window), toggle ? page_pte : 0, UVMF_INVLPG, 0, 0);
}

static void report_batch(unsigned int count)
{
    char name[32];
    uint64_t empty, full;

    snprintf(name, sizeof(name), "mmu_update-%u", count);
    if (!wanted(name)) {
        return;
    }
    batch = count;
    measure(mmu_update_batch);
    empty = measure(fill_only);
    full = measure(mmu_update_batch);
    printf("BENCH %s %lu\n", name, (full - empty) / n);
}

static void page_tables(void)
{
    void *page = page_alloc(0);
    uint64_t saved = n;

    window = window_alloc(MMU_BATCH);
    if (!page || !window) {
        puts("bench: no window");
        return;
    }
    page_pte = maddr_raw(maddr_of_mfn(mfn_of_pfn(pfn_of_va(page)))) | 0x67; /* P RW US A D */
    for (unsigned int i = 0; i < MMU_BATCH; i++) {
        struct pt_entry at;
        char *va = (char *)window + i * PAGE_SIZE;

        if (map_page(va, pfn_of_va(page), MAP_R | MAP_W) || map_remove(va, 1) || !pt_find(&kernel_space, (uintptr_t)va, 1, false, &at)) {
            puts("bench: no page-table entry");
            return;
        }
        updates[i].ptr = maddr_raw(at.where) | MMU_NORMAL_PT_UPDATE;
    }
    report("update_va_mapping", update_va, 1);
    report_batch(1);
    n = n / 16 + 2;
    n &= ~1ul;
    report_batch(64);
    report_batch(512);
    n = saved;
}

/* ---- grants: the two hypercalls, without a kernel's bookkeeping around them ---- */

static struct gnttab_map_grant_ref grant_map_op;

static void grant_map_unmap(void)
{
    struct gnttab_map_grant_ref map = grant_map_op;
    struct gnttab_unmap_grant_ref unmap = {.host_addr = map.host_addr};

    hypercall_raw(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, HC_ARG(&map), 1, 0, 0);
    unmap.handle = map.handle;
    hypercall_raw(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, HC_ARG(&unmap), 1, 0, 0);
    failed |= map.status != GNTST_okay || unmap.status != GNTST_okay;
}

static void grants(void)
{
    int self = domain_id();
    void *page = page_alloc(0);
    long ref = page && self >= 0 ? grant_page((unsigned int)self, page, false) : -1;

    if (ref < 0 || !window) {
        puts("bench: no grant");
        return;
    }
    grant_map_op = (struct gnttab_map_grant_ref){.host_addr = HC_ARG(window), .flags = GNTMAP_host_map, .ref = (uint32_t)ref, .dom = (domid_t)self};
    report("grant-map-and-unmap", grant_map_unmap, 1);
}

int main(void)
{
    n = cmdline_number("n", 1000) & ~1ul;
    cmdline_value("only", only, sizeof(only));
    report("unknown-hypercall", unknown_hypercall, 1);
    report("xen_version", xen_version, 1);
    report("yield-alone", yield, 1);
    events();
    events_between_cpus();
    page_tables();
    grants();
    user_mode();
    exceptions();
    printf("BENCH done %d\n", failed);
    return failed;
}
