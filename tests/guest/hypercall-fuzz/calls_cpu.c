/* SPDX-License-Identifier: MIT */
/*
 * All other calls: entry points, descriptors, events, vCPUs, scheduling, versions, and numbers that mean nothing. What would
 * end or stop this domain is turned into its harmless relative here.
 */
#include <string.h>

#include <xen/callback.h>
#include <xen/event_channel.h>
#include <xen/nmi.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/xen.h>

#include "common/compiler.h"
#include "framework/hostile.h"
#include "fuzz.h"
#include "pvk/clock.h"

#define POLL_MAX_NS 100000u

/* A code address for a handler that must never run: events are masked until the real one is back. */
static uint64_t any_entry(struct fuzzer *f)
{
    return one_in(f, 3) ? bad_address(f) : any_address(f);
}

static void make_trap_table(struct fuzzer *f, struct call *c)
{
    struct trap_info traps[12];
    unsigned nr = (unsigned)below(f, ARRAY_SIZE(traps));

    for (unsigned i = 0; i < nr; i++) {
        traps[i] = (struct trap_info){
            .vector = (uint8_t)rnd(f),
            .flags = (uint8_t)below(f, 8),
            .cs = (uint16_t)(one_in(f, 4) ? rnd(f) : FLAT_KERNEL_CS),
            .address = one_in(f, 8) ? any_entry(f) : 0x1000 + below(f, 4096),
        };
    }
    memset(&traps[nr], 0, sizeof(traps[0]));
    c->nr = __HYPERVISOR_set_trap_table;
    c->args[0] = one_in(f, 12) ? 0 : argument(f, traps, (nr + !one_in(f, 8)) * sizeof(traps[0]));
    f->dirty |= DIRTY_ENTRIES;
}

static void make_callback(struct fuzzer *f, struct call *c)
{
    struct callback_register reg = {
        .type = (uint16_t)(one_in(f, 8) ? any_number(f) : below(f, 9)),
        .flags = (uint16_t)(one_in(f, 4) ? any_number(f) : below(f, 2)),
        .address = any_entry(f),
    };

    if (reg.type == CALLBACKTYPE_failsafe) {
        reg.address = ADDR_NOT_CANONICAL; /* may be called at any moment, so it stays as it is */
    }
    c->nr = one_in(f, 8) ? __HYPERVISOR_nmi_op : __HYPERVISOR_callback_op;
    c->args[0] = one_in(f, 8) ? any_number(f) : below(f, 3);
    if (c->nr == __HYPERVISOR_nmi_op) {
        c->args[0] &= 1;
        c->args[1] = argument(f, &reg.address, sizeof(reg.address));
    } else {
        c->args[1] = argument(f, &reg, sizeof(reg));
    }
    f->dirty |= DIRTY_ENTRIES;
}

static void make_gdt(struct fuzzer *f, struct call *c)
{
    uint64_t frames[16];
    unsigned nr = (unsigned)below(f, one_in(f, 4) ? 16 : 3);

    for (unsigned i = 0; i < ARRAY_SIZE(frames); i++) {
        frames[i] = any_frame(f, false);
    }
    c->nr = __HYPERVISOR_set_gdt;
    c->args[0] = argument(f, frames, sizeof(frames));
    c->args[1] = one_in(f, 8) ? any_number(f) : nr * 512ul - (nr > 0 ? below(f, 512) : 0);
    f->dirty |= DIRTY_TABLES;
}

static void make_descriptor(struct fuzzer *f, struct call *c)
{
    static const uint64_t descriptors[] = {
        0x00affb000000fffful, 0x00cff3000000fffful, 0x00af9b000000fffful, 0x0000e90000000000ul,
        0x0000ec0000e00000ul, 0x00008200000000fful, 0x0000890000000067ul,
    };
    uint64_t where = any_frame(f, true) & 0xffffffffffffful;

    where = (frame_is_kept(where) ? sandbox.mfns[0] : where) << 12;
    c->nr = __HYPERVISOR_update_descriptor;
    c->args[0] = where | (one_in(f, 8) ? below(f, 4096) : below(f, 512) * 8);
    c->args[1] = one_in(f, 4) ? rnd(f)
                              : descriptors[below(f, ARRAY_SIZE(descriptors))] ^
                                    (one_in(f, 3) ? 1ul << below(f, 64) : 0);
}

static void make_segment_base(struct fuzzer *f, struct call *c)
{
    c->nr = __HYPERVISOR_set_segment_base;
    c->args[0] = one_in(f, 16) ? any_number(f) : below(f, 5);
    c->args[1] = one_in(f, 2) ? any_address(f) : any_number(f);
    if ((uint32_t)c->args[0] == SEGBASE_GS_USER_SEL) {
        /* a selector of a table that is about to go would fault at the next switch, into the failsafe callback */
        c->args[1] = one_in(f, 2) ? below(f, 4) : FLAT_KERNEL_DS | below(f, 4);
    }
    f->dirty |= DIRTY_SEGMENTS;
}

static void make_debugreg(struct fuzzer *f, struct call *c)
{
    c->nr = one_in(f, 4) ? __HYPERVISOR_get_debugreg : __HYPERVISOR_set_debugreg;
    c->args[0] = one_in(f, 8) ? any_number(f) : below(f, 8);
    c->args[1] = one_in(f, 4) ? any_number(f) : result_at(f) & ~7ul;
    if ((uint32_t)c->args[0] == 7) {
        /* data breakpoints: on what the hypervisor writes for us, and nothing of ours reads before they are gone */
        c->args[1] =
            one_in(f, 4) ? any_number(f) & ~0x300fful : (below(f, 0x100) | 0x400) | 0xddul << 16;
    }
    f->dirty |= DIRTY_DEBUG;
}

/* ---- calls that belong to no group ---- */

static void make_physdev_op(struct fuzzer *f, struct call *c)
{
    uint32_t words[6];

    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        words[i] = (uint32_t)any_number(f);
    }
    *c = (struct call){__HYPERVISOR_physdev_op, {below(f, 32), argument(f, words, sizeof(words))}};
    f->dirty |= DIRTY_ENTRIES;
}

static void make_callbacks_or_stack(struct fuzzer *f, struct call *c)
{
    f->dirty |= DIRTY_ENTRIES;
    switch (below(f, 3)) {
    case 0:
        *c = (struct call){__HYPERVISOR_set_callbacks,
                           {any_entry(f), ADDR_NOT_CANONICAL, any_entry(f)}};
        break;
    case 1:
        *c = (struct call){__HYPERVISOR_stack_switch, {any_number(f), any_address(f)}};
        break;
    default:
        *c = (struct call){__HYPERVISOR_fpu_taskswitch, {any_number(f)}};
        break;
    }
}

void make_cpu_call(struct fuzzer *f, struct call *c)
{
    static void (*const makers[])(struct fuzzer * f, struct call * c) = {
        make_trap_table,   make_callback, make_gdt,        make_descriptor,         make_descriptor,
        make_segment_base, make_debugreg, make_physdev_op, make_callbacks_or_stack,
    };

    *c = (struct call){0};
    makers[below(f, ARRAY_SIZE(makers))](f, c);
}

/* ---- events ---- */

void make_event_channel_op(struct fuzzer *f, struct call *c)
{
    union {
        struct evtchn_alloc_unbound alloc_unbound;
        struct evtchn_bind_interdomain bind_interdomain;
        struct evtchn_bind_virq bind_virq;
        struct evtchn_bind_ipi bind_ipi;
        struct evtchn_close close;
        struct evtchn_send send;
        struct evtchn_status status;
        struct evtchn_bind_vcpu bind_vcpu;
        struct evtchn_reset reset;
        uint32_t words[8];
    } a;
    uint64_t cmd = one_in(f, 16) ? any_number(f) : below(f, 14);

    for (unsigned i = 0; i < ARRAY_SIZE(a.words); i++) {
        a.words[i] = (uint32_t)any_number(f);
    }
    switch ((uint32_t)cmd) {
    case EVTCHNOP_alloc_unbound:
        a.alloc_unbound.dom = (domid_t)any_domid(f, false);
        a.alloc_unbound.remote_dom = (domid_t)any_domid(f, false);
        break;
    case EVTCHNOP_bind_interdomain:
        a.bind_interdomain.remote_dom = (domid_t)any_domid(f, false);
        a.bind_interdomain.remote_port = (uint32_t)any_port(f);
        break;
    case EVTCHNOP_bind_virq:
        a.bind_virq.virq = (uint32_t)(one_in(f, 8) ? any_number(f) : below(f, 24));
        a.bind_virq.vcpu = (uint32_t)any_vcpu(f);
        break;
    case EVTCHNOP_bind_ipi:
        a.bind_ipi.vcpu = (uint32_t)any_vcpu(f);
        break;
    case EVTCHNOP_status:
        a.status.dom = (domid_t)any_domid(f, false);
        a.status.port = (uint32_t)any_port(f);
        break;
    case EVTCHNOP_reset:
        a.reset.dom = (domid_t)any_domid(f, true);
        break;
    default:
        a.bind_vcpu.port =
            (uint32_t)any_port(f); /* also the first word of close, send and unmask */
        a.bind_vcpu.vcpu = (uint32_t)any_vcpu(f);
        break;
    }
    *c = (struct call){__HYPERVISOR_event_channel_op, {cmd, argument(f, &a, sizeof(a))}};
}

/* ---- vCPUs and time ---- */

static uint64_t any_area(struct fuzzer *f)
{
    uint64_t words[2] = {result_at(f), any_number(f)};

    f->dirty |= DIRTY_AREAS;
    return argument(f, words, sizeof(words));
}

static uint64_t any_time(struct fuzzer *f)
{
    uint64_t words[2];

    words[0] = one_in(f, 2) ? any_number(f) : clock_ns() + below(f, 1 << 22);
    words[1] = below(f, 4);
    f->dirty |= DIRTY_TIMER;
    return argument(f, words, sizeof(words));
}

/* A state for a vCPU that never runs: what is wrong with it is found now. */
static uint64_t any_context(struct fuzzer *f)
{
    static struct vcpu_guest_context contexts[NR_FUZZERS];
    struct vcpu_guest_context *ctx = &contexts[f->cpu];
    uint64_t *words = (uint64_t *)ctx;

    memset(ctx, 0, sizeof(*ctx));
    ctx->flags = VGCF_IN_KERNEL;
    ctx->user_regs.cs = FLAT_KERNEL_CS;
    ctx->user_regs.ss = FLAT_KERNEL_SS;
    ctx->ctrlreg[3] = xen_pfn_to_cr3(one_in(f, 2) ? sandbox.own_l4 : any_frame(f, true));
    for (uint64_t i = below(f, 6); i > 0; i--) {
        words[below(f, sizeof(*ctx) / 8)] = one_in(f, 2) ? any_number(f) : any_address(f);
    }
    if (one_in(f, 3)) {
        ctx->gdt_ents = below(f, 1024);
        ctx->gdt_frames[0] = any_frame(f, true);
        ctx->gdt_frames[1] = any_frame(f, true);
    }
    return argument(f, ctx, sizeof(*ctx));
}

void make_vcpu_op(struct fuzzer *f, struct call *c)
{
    struct vcpu_register_vcpu_info info = {any_frame(f, true), (uint32_t)any_number(f), 0};
    uint64_t cmd = one_in(f, 16) ? any_number(f) : below(f, 14);
    uint64_t id = any_vcpu(f);

    if (cmd == VCPUOP_send_nmi) {
        cmd = VCPUOP_is_up;
    }
    if (cmd >= VCPUOP_register_runstate_memory_area && cmd <= VCPUOP_stop_singleshot_timer &&
        !one_in(f, 4)) {
        id = f->cpu;
    }
    *c = (struct call){__HYPERVISOR_vcpu_op, {cmd, id, result_at(f)}};
    switch ((uint32_t)cmd) {
    case VCPUOP_initialise:
        c->args[1] = (uint32_t)id < VCPU_SPARE ? VCPU_SPARE : id;
        c->args[2] = any_context(f);
        break;
    case VCPUOP_up:
    case VCPUOP_down:
        c->args[1] = (uint32_t)id < VCPU_NUMBERS ? VCPU_BOUNCED : id;
        break;
    case VCPUOP_register_vcpu_info:
        c->args[1] = (uint32_t)id < VCPU_SPARE ? VCPU_SPARE : id;
        info.offset = one_in(f, 2) ? (uint32_t)below(f, 64) * 64 : info.offset;
        c->args[2] = argument(f, &info, sizeof(info));
        break;
    case VCPUOP_register_runstate_memory_area:
    case VCPUOP_register_vcpu_time_memory_area:
        c->args[2] = any_area(f);
        break;
    case VCPUOP_set_periodic_timer:
    case VCPUOP_set_singleshot_timer:
        c->args[2] = any_time(f);
        break;
    default:
        f->dirty |= DIRTY_TIMER;
        break;
    }
}

static void make_poll(struct fuzzer *f, struct call *c)
{
    uint32_t ports[16];
    struct sched_poll poll = {
        .nr_ports = (unsigned)(one_in(f, 8) ? any_number(f) : below(f, ARRAY_SIZE(ports))),
        .timeout = clock_ns() + below(f, POLL_MAX_NS), /* 0 would be for ever */
    };

    for (unsigned i = 0; i < ARRAY_SIZE(ports); i++) {
        ports[i] = (uint32_t)any_port(f);
    }
    poll.ports.p = (void *)argument(f, ports, sizeof(ports));
    c->args[0] = SCHEDOP_poll;
    c->args[1] = argument(f, &poll, sizeof(poll));
}

/* Never block, shutdown, or a shutdown by another name. */
static void make_sched_op(struct fuzzer *f, struct call *c)
{
    uint32_t words[2] = {(uint32_t)any_domid(f, true), (uint32_t)below(f, 8)};

    c->nr = __HYPERVISOR_sched_op;
    switch (below(f, 8)) {
    case 0:
        make_poll(f, c);
        break;
    case 1:
        c->args[0] = SCHEDOP_shutdown;
        c->args[1] = ADDR_HYPERVISOR + below(f, 1 << 20);
        break;
    case 2:
        c->args[0] = SCHEDOP_remote_shutdown;
        c->args[1] = argument(f, words, sizeof(words));
        break;
    case 3:
        c->args[0] = SCHEDOP_shutdown_code;
        c->args[1] = argument(f, &words[1], sizeof(words[1]));
        break;
    case 4:
        c->args[0] = 7 + (any_number(f) & 0x7fffffff);
        break;
    case 5:
        c->nr = __HYPERVISOR_sched_op_compat;
        c->args[0] = one_in(f, 2) ? SCHEDOP_yield : 3 + (any_number(f) & 0x7fffffff);
        break;
    default:
        c->args[0] = SCHEDOP_yield;
        break;
    }
}

static void make_version(struct fuzzer *f, struct call *c)
{
    uint32_t words[2] = {(uint32_t)any_number(f), (uint32_t)any_number(f)};

    c->nr = __HYPERVISOR_xen_version;
    c->args[0] = one_in(f, 12) ? any_number(f) : below(f, 12);
    c->args[1] =
        c->args[0] == XENVER_get_features ? argument(f, words, sizeof(words)) : result_at(f);
}

static void make_tools_call(struct fuzzer *f, struct call *c)
{
    static const uint8_t calls[] = {__HYPERVISOR_domctl, __HYPERVISOR_sysctl,
                                    __HYPERVISOR_platform_op};
    static const uint32_t versions[] = {0x15, 0x15, 0x03000001};
    uint32_t words[32];
    uint64_t which = below(f, ARRAY_SIZE(calls));

    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        words[i] = (uint32_t)any_number(f);
    }
    words[which == 2 ? 1 : 0] = (uint32_t)below(f, 90);
    words[which == 2 ? 0 : 1] = versions[which];
    c->nr = calls[which];
    c->args[0] = argument(f, words, sizeof(words));
}

void make_plain_call(struct fuzzer *f, struct call *c)
{
    *c = (struct call){0};
    switch (below(f, 16)) {
    case 0:
        *c = (struct call){__HYPERVISOR_vm_assist, {any_number(f), any_number(f)}};
        break;
    case 1:
        *c = (struct call){__HYPERVISOR_set_timer_op, {any_number(f)}};
        f->dirty |= DIRTY_TIMER;
        break;
    case 2:
        /* writes are few: they end up on a serial line */
        *c = (struct call){__HYPERVISOR_console_io,
                           {1 + below(f, 3), any_number(f), any_address(f)}};
        break;
    case 3:
    case 4:
        make_tools_call(f, c);
        break;
    case 5:
    case 6:
    case 7:
    case 8:
        make_version(f, c);
        break;
    default:
        make_sched_op(f, c);
        break;
    }
}

/* A number that is no call here, or a call with arguments that fit nothing. */
void make_garbage(struct fuzzer *f, struct call *c)
{
    static const uint8_t absent[] = {11, 16, 19, 27, 31, 34, 37, 38,  39,  40, 41,
                                     42, 43, 48, 49, 55, 63, 64, 127, 128, 200};

    *c = (struct call){0};
    c->nr = absent[below(f, ARRAY_SIZE(absent))];
    if (one_in(f, 2)) {
        c->nr = any_number(f) | 1ul << (one_in(f, 2) ? 6 : 32 + below(f, 31));
    }
    for (unsigned i = 0; i < ARRAY_SIZE(c->args); i++) {
        c->args[i] = one_in(f, 2) ? bad_address(f) : any_number(f);
    }
}
