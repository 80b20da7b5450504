/* SPDX-License-Identifier: MIT */
/*
 * KIND: hostile
 * A million random hypercalls from two vCPUs: every number, structures that are valid but for a field, frames of ours, of others
 * and of nobody, lists that end at the end of a page or beyond it, batches of all that. Whatever they get, the hypervisor and the
 * domain beside this one live on, and afterwards free memory is what it was. seed=N and calls=N make another run.
 */
/*
 * ON: xenolith
 * AS: domu
 * VCPUS: 6
 * BESIDE: yes
 * TIMEOUT: 400
 */
#include <stdio.h>
#include <string.h>

#include <xen/callback.h>
#include <xen/memory.h>
#include <xen/vcpu.h>

#include "framework/hostile.h"
#include "framework/test.h"
#include "fuzz.h"
#include "pvk/clock.h"
#include "pvk/machine.h"
#include "pvk/memory.h"
#include "pvk/pv/domain.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/pv/start_info.h"
#include "pvk/smp.h"
#include "pvk/thread.h"

#define CALLS      1000000u
#define SEED       20241123u
#define MASKED_RUN 64u   /* calls between two times that events are let in */
#define SWEEP_RUN  8192u /* calls between two times that ports and frames are seen to */
#define NR_PORTS   4096u
#define NR_COUNTED 64u

/* The kernel's own (libpvk/pv/entry.S, traps.c): where it goes back to after each call that moved something. */
extern const struct trap_info pv_trap_table[];
void entry_event(void);
void entry_failsafe(void);
void entry_syscall(void);

static struct fuzzer fuzzers[NR_FUZZERS];
static uint64_t calls_each;
static uint64_t made[NR_FUZZERS][NR_COUNTED];
static uint64_t worked[NR_FUZZERS][NR_COUNTED];

/* ---- one call, and what undoes it ---- */

/*
 * FS holds the stack protector's canary and GS the CPU: both are put back before any code that looks at them runs, and this
 * function does not.
 */
static __attribute__((no_stack_protector, noinline)) long issue(const struct call *c, bool segments,
                                                                uint64_t cpu_area)
{
    register uint64_t r10 __asm__("r10") = c->args[3];
    register uint64_t r8 __asm__("r8") = c->args[4];
    register uint64_t r9 __asm__("r9") = c->args[5];
    uint64_t a1 = c->args[0], a2 = c->args[1], a3 = c->args[2];
    uint64_t rax = c->nr;

    __asm__ volatile("syscall"
                     : "+a"(rax), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8), "+r"(r9)
                     :
                     : "rcx", "r11", "memory", "cc");
    if (segments) {
        hypercall_raw(__HYPERVISOR_set_segment_base, SEGBASE_GS_KERNEL, cpu_area, 0, 0, 0);
        hypercall_raw(__HYPERVISOR_set_segment_base, SEGBASE_FS, cpu_area, 0, 0, 0);
        hypercall_raw(__HYPERVISOR_set_segment_base, SEGBASE_GS_USER_SEL, 0, 0, 0, 0);
        hypercall_raw(__HYPERVISOR_set_segment_base, SEGBASE_GS_USER, 0, 0, 0, 0);
    }
    return (long)rax;
}

static void put_callback(uint16_t type, void (*entry)(void), uint16_t flags)
{
    struct callback_register reg = {.type = type, .flags = flags, .address = HC_ARG(entry)};

    if (hypercall_raw(__HYPERVISOR_callback_op, CALLBACKOP_register, HC_ARG(&reg), 0, 0, 0) != 0) {
        test_error("a callback cannot be put back");
    }
}

static void put_entries_back(void)
{
    struct physdev_set_iopl iopl = {.iopl = 0};

    hypercall_raw(__HYPERVISOR_set_trap_table, 0, 0, 0, 0, 0);
    if (hypercall_raw(__HYPERVISOR_set_trap_table, HC_ARG(pv_trap_table), 0, 0, 0, 0) != 0) {
        test_error("the trap table cannot be put back");
    }
    put_callback(CALLBACKTYPE_event, entry_event, 0);
    put_callback(CALLBACKTYPE_failsafe, entry_failsafe, CALLBACKF_mask_events);
    put_callback(CALLBACKTYPE_syscall, entry_syscall, CALLBACKF_mask_events);
    hypercall_raw(__HYPERVISOR_callback_op, CALLBACKOP_unregister,
                  HC_ARG(&(struct callback_unregister){.type = CALLBACKTYPE_nmi}), 0, 0, 0);
    hypercall_raw(__HYPERVISOR_fpu_taskswitch, 0, 0, 0, 0, 0);
    hypercall_raw(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, HC_ARG(&iopl), 0, 0, 0);
}

static void put_tables_back(void)
{
    struct mmuext_op ops[2] = {{.cmd = MMUEXT_SET_LDT}, {.cmd = MMUEXT_NEW_USER_BASEPTR}};

    hypercall_raw(__HYPERVISOR_set_gdt, 0, 0, 0, 0, 0);
    if (hypercall_raw(__HYPERVISOR_mmuext_op, HC_ARG(ops), 2, 0, DOMID_SELF, 0) != 0) {
        test_error("the LDT or the user root cannot be put back");
    }
}

/* Debug registers in this order: what breaks first, then where. */
static void put_debug_back(void)
{
    static const unsigned order[] = {7, 0, 1, 2, 3, 6};

    for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
        hypercall_raw(__HYPERVISOR_set_debugreg, order[i], 0, 0, 0, 0);
    }
}

static void put_areas_back(void)
{
    uint64_t none[2] = {0};

    for (unsigned v = 0; v < VCPU_NUMBERS; v++) {
        hypercall_raw(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, v, HC_ARG(none),
                      0, 0);
    }
}

static void put_slot_back(void)
{
    struct mmu_update req = {sandbox.slot, 0};

    if (hypercall_raw(__HYPERVISOR_mmu_update, HC_ARG(&req), 1, 0, DOMID_SELF, 0) != 0) {
        test_error("the L4 entry cannot be cleared");
    }
}

static void put_back(struct fuzzer *f)
{
    unsigned dirty = f->dirty;

    f->dirty = dirty & DIRTY_TIMER; /* seen to when events are let in */
    if ((dirty & DIRTY_DEBUG) != 0) {
        put_debug_back();
    }
    if ((dirty & DIRTY_ENTRIES) != 0) {
        put_entries_back();
    }
    if ((dirty & DIRTY_TABLES) != 0) {
        put_tables_back();
    }
    if ((dirty & DIRTY_AREAS) != 0) {
        put_areas_back();
    }
    if ((dirty & DIRTY_SLOT) != 0) {
        put_slot_back();
    }
}

/* ---- the mixture ---- */

static void make_one(struct fuzzer *f, struct call *c)
{
    static void (*const makers[])(struct fuzzer * f, struct call * c) = {
        make_mmu_update,        make_mmu_update,        make_mmu_update, make_mmuext_op,
        make_mmuext_op,         make_mmuext_op,         make_mmuext_op,  make_update_va_mapping,
        make_update_va_mapping, make_update_va_mapping, make_memory_op,  make_grant_table_op,
        make_grant_table_op,    make_grant_table_op,    make_cpu_call,   make_cpu_call,
        make_event_channel_op,  make_event_channel_op,  make_vcpu_op,    make_plain_call,
        make_plain_call,        make_garbage,
    };

    makers[below(f, ARRAY_SIZE(makers))](f, c);
}

static void make_multicall(struct fuzzer *f, struct call *c)
{
    struct multicall_entry list[8];
    unsigned nr = (unsigned)below(f, ARRAY_SIZE(list) + 1);

    memset(list, 0, sizeof(list));
    for (unsigned i = 0; i < nr; i++) {
        struct call one;

        make_one(f, &one);
        list[i].op = one_in(f, 32) ? __HYPERVISOR_multicall : one.nr;
        if (list[i].op == __HYPERVISOR_multicall) {
            one.args[0] = bad_address(f);
        }
        memcpy(list[i].args, one.args, sizeof(list[i].args));
    }
    *c = (struct call){__HYPERVISOR_multicall, {argument(f, list, nr * sizeof(list[0])), nr}};
}

static void count(const struct fuzzer *f, const struct call *c, long rc)
{
    unsigned nr = c->nr < NR_COUNTED - 1 ? (unsigned)c->nr : NR_COUNTED - 1;

    made[f->cpu][nr]++;
    worked[f->cpu][nr] += rc >= 0;
}

static void one_call(struct fuzzer *f)
{
    uint64_t cpu_area;
    struct call c;
    long rc;

    f->in_used = 0;
    f->end_used = false;
    if (one_in(f, 12)) {
        make_multicall(f, &c);
    } else {
        make_one(f, &c);
    }
    __asm__ volatile("mov %%gs:0, %0" : "=r"(cpu_area));
    rc = issue(&c, (f->dirty & DIRTY_SEGMENTS) != 0, cpu_area);
    put_back(f);
    grants_remember(f, &c, rc);
    count(f, &c, rc);
    f->nr_calls++;
}

/* ---- between calls ---- */

static void nothing(struct timer *timer)
{
    (void)timer;
}

/* Own timers again, and events in: interrupts that came are taken here. */
static void let_events_in(struct fuzzer *f, irq_state was)
{
    struct timer timer = {.fn = nothing};

    if ((f->dirty & DIRTY_TIMER) != 0) {
        hypercall_raw(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, f->cpu, 0, 0, 0);
        timer_set(&timer, 1); /* the first of the list: the hypervisor's timer is set again */
        timer_cancel(&timer);
        f->dirty = 0;
    }
    irq_restore(was);
}

/* Ports that calls have made are closed, or there would soon be none left to make. */
static void close_ports(void)
{
    for (uint32_t port = 1; port < NR_PORTS; port++) {
        struct evtchn_close op = {.port = port};

        if (port >= KEPT_PORTS || (sandbox.kept_ports >> port & 1) == 0) {
            hypercall_raw(__HYPERVISOR_event_channel_op, EVTCHNOP_close, HC_ARG(&op), 0, 0, 0);
        }
    }
}

/* Frames that may have been given away are replaced as long as there are any to be had. */
static void refill(struct fuzzer *f)
{
    for (unsigned i = 0; i < SANDBOX_FRAMES; i++) {
        uint64_t mfn;
        struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};

        set_xen_guest_handle(r.extent_start, &mfn);
        if ((f->lost >> i & 1) != 0 &&
            hypercall_raw(__HYPERVISOR_memory_op, XENMEM_increase_reservation, HC_ARG(&r), 0, 0,
                          0) == 1) {
            frame_keep(mfn, false);
            sandbox.mfns[i] = mfn;
        }
    }
    f->lost = 0;
}

static void fuzz(void *arg)
{
    struct fuzzer *f = arg;

    while (f->nr_calls < calls_each) {
        irq_state was = irq_save();

        for (unsigned i = 0; i < MASKED_RUN; i++) {
            one_call(f);
        }
        if (f->nr_calls % SWEEP_RUN == 0 && f->cpu == 0) {
            close_ports();
        }
        if (f->nr_calls % SWEEP_RUN == 0) {
            refill(f);
        }
        let_events_in(f, was);
    }
}

/* ---- set-up ---- */

static void keep_own_frames(void)
{
    const uint64_t *list = (const uint64_t *)start_info->mfn_list;

    for (uint64_t pfn = 0; pfn < start_info->nr_pages; pfn++) {
        frame_keep(list[pfn], true);
    }
    frame_keep(start_info->shared_info >> PAGE_SHIFT, true);
}

static void keep_own_ports(void)
{
    for (uint32_t port = 1; port < KEPT_PORTS; port++) {
        struct evtchn_status op = {.dom = DOMID_SELF, .port = port};

        if (hc_event_channel_op(EVTCHNOP_status, &op) == 0 && op.status != EVTCHNSTAT_closed) {
            sandbox.kept_ports |= 1ul << port;
        }
    }
}

/* Some frames start as what tables look like: empty ones, L1s full of pages, L2s and L3s over them. */
static void fill_frame(unsigned i)
{
    uint64_t *table = (uint64_t *)sandbox.pages[i];
    unsigned lower = i < 16 ? 32 : i < 24 ? 0 : 16;

    for (unsigned at = 0; i < 28 && at < 8; at++) {
        uint64_t mfn = sandbox.mfns[lower + (i + at) % (i < 16 ? 32 : 8)];

        table[at] = mfn << PAGE_SHIFT | (i < 16 ? PTE_PAGE_RO : PTE_TABLE_FLAGS);
    }
}

static void make_sandbox(void)
{
    char *pages = page_alloc(7);

    if (pages == NULL || map_remove(pages + SANDBOX_FRAMES * PAGE_SIZE, 1) != 0) {
        test_error("no memory for the sandbox");
    }
    for (unsigned i = 0; i < SANDBOX_FRAMES; i++) {
        sandbox.pages[i] = pages + i * PAGE_SIZE;
        sandbox.mfns[i] = mfn_of(sandbox.pages[i]);
        frame_keep(sandbox.mfns[i], false);
    }
    for (unsigned i = 0; i < SANDBOX_FRAMES; i++) {
        fill_frame(i);
        if (i < 32) {
            table_close(sandbox.pages[i]);
        }
    }
}

/* Addresses whose entries are side by side in one L1 table, one more than are used: nothing is mapped behind. */
static void make_window(void)
{
    struct pt_entry l1;
    char *window;

    do {
        window = window_alloc(SANDBOX_WINDOW + 1);
    } while (window != NULL && pt_index((uintptr_t)window, 1) + SANDBOX_WINDOW >= PT_ENTRIES);
    if (window == NULL || !pt_find(&kernel_space, (uintptr_t)window, 1, true, &l1)) {
        test_error("no window");
    }
    sandbox.window = window;
    sandbox.window_pte = maddr_raw(l1.where);
    sandbox.own_l4 = mfn_of(kernel_space.kernel_root);
    sandbox.slot = sandbox.own_l4 << PAGE_SHIFT | SANDBOX_SLOT * sizeof(uint64_t);
    sandbox.own_domid = (unsigned)domain_id();
}

static void map_grants(void)
{
    uint64_t frame = 0;
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = 1};
    struct pt_entry l1;
    void *va = window_new();

    set_xen_guest_handle(op.frame_list, &frame);
    l1 = entry_of(va, 1);
    if (hc_grant_table_op(GNTTABOP_setup_table, &op, 1) != 0 || op.status != GNTST_okay ||
        pt_write(l1.where, pte_make(mfn_make(frame), pte_flags(MAP_R | MAP_W))) != 0) {
        test_error("no grant table");
    }
    sandbox.grants = va;
}

/* Pages with nothing mapped behind them. */
static char *pages_before_hole(unsigned nr)
{
    char *va = window_alloc(nr + 1);

    for (unsigned i = 0; va != NULL && i < nr; i++) {
        if (map_page(va + i * PAGE_SIZE, pfn_of_va(page_new()), MAP_W) != 0) {
            return NULL;
        }
    }
    return va;
}

static void make_fuzzer(unsigned cpu, uint64_t seed)
{
    struct fuzzer *f = &fuzzers[cpu];

    f->cpu = cpu;
    f->rng = seed * 0x9e3779b97f4a7c15ul + cpu + 1;
    f->in = pages_before_hole(IN_PAGES);
    f->out = pages_before_hole(1);
    if (f->in == NULL || f->out == NULL) {
        test_error("no memory for arguments");
    }
}

/* All that the third vCPU ever does: switch itself off. */
__asm__(".text\n"
        "fuzz_bounced: mov $24, %eax\n" /* vcpu_op */
        "mov $2, %edi\n"                /* VCPUOP_down */
        "mov $2, %esi\n"
        "xor %edx, %edx\n"
        "syscall\n"
        "jmp fuzz_bounced\n");
extern const char fuzz_bounced[];

static void make_bounced(void)
{
    static struct vcpu_guest_context ctx;
    char *stack = page_new();

    ctx.flags = VGCF_IN_KERNEL;
    ctx.user_regs.rip = HC_ARG(fuzz_bounced);
    ctx.user_regs.rsp = HC_ARG(stack) + PAGE_SIZE;
    ctx.user_regs.cs = FLAT_KERNEL_CS;
    ctx.user_regs.ss = FLAT_KERNEL_SS;
    ctx.kernel_ss = FLAT_KERNEL_SS;
    ctx.kernel_sp = HC_ARG(stack) + PAGE_SIZE;
    ctx.ctrlreg[3] = xen_pfn_to_cr3(sandbox.own_l4);
    test_must(hc_vcpu_op(VCPUOP_initialise, VCPU_BOUNCED, &ctx) == 0,
              "the third vCPU is initialised");
}

static void print_counts(void)
{
    for (unsigned nr = 0; nr < NR_COUNTED; nr++) {
        uint64_t all = made[0][nr] + made[1][nr];

        if (all != 0 && (nr == NR_COUNTED - 1 || hypercall_name(nr)[0] != '?')) {
            printf("%s: %lu calls, %lu worked\n",
                   nr == NR_COUNTED - 1 ? "no such number" : hypercall_name(nr), all,
                   worked[0][nr] + worked[1][nr]);
        }
    }
}

void test_main(void)
{
    uint64_t seed = cmdline_number("seed", SEED);
    struct thread *other;

    calls_each = cmdline_number("calls", CALLS) / NR_FUZZERS;
    if (cpu_count() <= VCPU_SPARE) {
        test_skip("needs %u vCPUs", VCPU_SPARE + 1);
    }
    test_note("seed=%lu calls=%lu", seed, calls_each * NR_FUZZERS);
    if (cpu_start(1) != 0) {
        test_error("the second CPU does not start");
    }
    keep_own_frames();
    make_sandbox();
    make_window();
    map_grants();
    make_bounced();
    for (unsigned cpu = 0; cpu < NR_FUZZERS; cpu++) {
        make_fuzzer(cpu, seed);
    }
    keep_own_ports();
    other = thread_create_on(1, "fuzz", fuzz, &fuzzers[1]);
    if (other == NULL) {
        test_error("no thread");
    }
    fuzz(&fuzzers[0]);
    thread_join(other);
    print_counts();
    test_check(fuzzers[0].nr_calls + fuzzers[1].nr_calls >= calls_each * NR_FUZZERS,
               "all calls have been made");
    test_still_works();
}
