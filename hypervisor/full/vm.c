/* SPDX-License-Identifier: MIT */
/*
 * Life of a fully virtualized domain: made with its engine, its vCPUs' loop of runs and work, its end.
 * Invariant: between two runs nothing of a vCPU is on the CPU's stack, so the scheduler may take the CPU away at any time.
 */
#include <xen/domctl.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "common/format.h"
#include "debug/console.h"
#include "full/full.h"
#include "mm/hv_alloc.h"
#include "sched/sched.h"
#include "sched/switch_hooks.h"
#include "x86/cpu.h"
#include "x86/entry.h"
#include "x86/percpu.h"
#include "x86/pgtable.h"
#include "x86/tlb.h"
#include "x86/traps.h"

#define PAT_RESET   0x0007040600070406ul /* APM vol. 2, 7.8.2 */
#define DR6_RESET   0xffff0ff0ul
#define DR7_RESET   0x400ul
#define CR0_RESET   (CR0_ET)
#define FLAGS_RESET 2ul
#define ATTR_CODE16 0x9bu /* present, code, readable, accessed */
#define ATTR_DATA16 0x93u
#define ATTR_LDT    0x82u
#define ATTR_TSS    0x8bu

const struct full_engine *full_engine_for(uint32_t create_flags)
{
    const struct full_engine *e =
        create_flags & XEN_DOMCTL_CDF_hap ? &full_engine_svm : &full_engine_trap;

    return e->able() ? e : NULL;
}

/* ---- a vCPU runs ---- */

static bool events_wait(const struct vcpu *v)
{
    return __atomic_load_n(&v->info->evtchn_upcall_pending, __ATOMIC_SEQ_CST) != 0;
}

/*
 * It waits until `over`. What came before the flag was there to be seen is looked for here: the end itself, and any event,
 * because no other event wakes a vCPU while one is pending.
 */
static void wait_for(struct vcpu *v, bool (*over)(struct vcpu *))
{
    sched_sleep_nosync(v, VPF_BLOCKED);
    if (events_wait(v) || over(v)) {
        sched_wake(v, VPF_BLOCKED);
    }
}

/* False: it waits, and the scheduler has been asked to look for another one. */
static bool prepare(struct vcpu *v)
{
    struct full_vcpu *fv = v->full;

    if (events_wait(v)) {
        full_events_take(v);
    }
    if (fv->request.out && !full_request_finish(v)) {
        wait_for(v, full_request_answered);
        return false;
    }
    if (fv->halted && !full_irq_waits(v)) {
        wait_for(v, full_irq_waits);
        return false;
    }
    fv->halted = false;
    full_irq_deliver(v);
    return true;
}

static void __noreturn_fn loop(void)
{
    for (;;) {
        struct vcpu *v = current_vcpu();

        if (preempt_pending()) {
            trap_exit_work(); /* may give the CPU to another vCPU and not come back */
        } else if (prepare(v)) {
            v->domain->full->engine->run(v);
        }
    }
}

void full_resume(void)
{
    stack_reset_and_call(loop);
}

static void switch_in(struct vcpu *v)
{
    tlb_load_cr3(hv_root_pa());
    if (cpu_features.rdtscp) {
        wrmsr(MSR_TSC_AUX, v->full->tsc_aux);
    }
    v->domain->full->engine->in(v);
}

static void switch_out(struct vcpu *v)
{
    v->domain->full->engine->out(v);
}

static const struct switch_hooks full_switch_hooks = {
    .out = switch_out, .in = switch_in, .resume = full_resume};

void full_halt(struct vcpu *v)
{
    v->full->halted = !(v->regs.rflags & FLAG_TF); /* a single step ends it at once */
}

void full_exited(struct vcpu *v, unsigned int reason)
{
    struct full_vcpu *fv = v->full;

    fv->past[fv->nr_past++ % ARRAY_SIZE(fv->past)] =
        (struct full_past){v->regs.rip, (uint8_t)reason};
    COUNT(v, exit, reason);
}

/* One line, newest first. */
static void report_past(const struct vcpu *v)
{
    static const char *const names[XENOLITH_EXITS] = {
        "interrupt",  "window",    "halt",     "cpuid",       "msr", "port",     "memory",
        "exception",  "debug-reg", "shutdown", "instruction", "dm",  "injected", "shadow",
        "privileged", "flags",     "control",  "syscall",     "code"};
    const struct full_vcpu *fv = v->full;
    uint32_t nr = MIN(fv->nr_past, (uint32_t)ARRAY_SIZE(fv->past));
    char line[256];
    int n = 0;

    for (uint32_t i = 1; i <= nr; i++) {
        const struct full_past *p = &fv->past[(fv->nr_past - i) % ARRAY_SIZE(fv->past)];

        n += format(line + n, sizeof(line) - (size_t)n, " %s %lx", names[p->reason], p->rip);
    }
    hv_log_guest("d%u v%u: last exits:%s\n", v->domain->id, v->id, nr ? line : " none");
}

void full_crash(struct vcpu *v, const char *why)
{
    struct full_state s;

    v->domain->full->engine->state_get(v, &s);
    domain_crash(v->domain, "vCPU %u: %s at %04x:%lx", v->id, why, s.seg[SEG_NR_CS].sel,
                 v->regs.rip);
    hv_log_guest(
        "d%u v%u: rsp %016lx rflags %08lx cr0 %08lx cr2 %016lx cr3 %016lx cr4 %08lx efer %lx\n",
        v->domain->id, v->id, v->regs.rsp, v->regs.rflags, s.cr0, s.cr2, s.cr3, s.cr4, s.efer);
    report_past(v);
}

static void reset_state(struct full_state *s)
{
    *s = (struct full_state){.cr0 = CR0_RESET, .dr6 = DR6_RESET, .dr7 = DR7_RESET};
    for (unsigned int i = 0; i < SEG_NRS; i++) {
        s->seg[i] = (struct full_seg){.attr = ATTR_DATA16, .limit = 0xffff};
    }
    s->seg[SEG_NR_CS].attr = ATTR_CODE16;
    s->seg[SEG_NR_LDTR].attr = ATTR_LDT;
    s->seg[SEG_NR_TR].attr = ATTR_TSS;
    s->seg[SEG_NR_GDTR].attr = s->seg[SEG_NR_IDTR].attr = 0;
}

void full_start_ap(struct vcpu *v, uint8_t vector)
{
    struct full_state s;

    reset_state(&s);
    s.seg[SEG_NR_CS].sel = (uint16_t)(vector << 8);
    s.seg[SEG_NR_CS].base = (uint64_t)vector << 12;
    v->regs = (struct cpu_user_regs){.rflags = FLAGS_RESET};
    v->full->halted = false;
    (void)v->domain->full->engine->state_set(v, &s); /* what a reset leaves is legal */
    v->initialised = VCPU_INITIALISED;
    sched_wake(v, VPF_DOWN);
}

/* ---- a domain's and a vCPU's life here ---- */

static int unit_init(struct domain *d)
{
    struct full_domain *fd;
    int rc;

    if (!(d->create_flags & XEN_DOMCTL_CDF_hvm)) {
        return 0;
    }
    fd = hv_alloc(sizeof(*fd));
    if (!fd) {
        return -ENOMEM;
    }
    fd->d = d;
    spin_init(&fd->lock, "full", LOCK_FULL);
    fd->engine = full_engine_for(d->create_flags);
    fd->scan = !(d->create_flags & XENOLITH_CDF_NO_SCAN);
    d->full = fd;
    rc = fd->engine ? physmap_init(fd) : -EOPNOTSUPP;
    return rc ? rc : fd->engine->domain_init(fd);
}

/* The vCPUs are off every CPU, and the timers end here: nobody looks at the map for a guest any more. */
static int unit_kill(struct domain *d)
{
    int rc;

    if (!d->full) {
        return 0;
    }
    rc = physmap_clear(d->full);
    if (rc == 0) {
        full_server_end(d);
        full_timers_stop(d->full);
    }
    return rc;
}

static void vcpu_free_full(struct vcpu *v)
{
    if (v->full) {
        v->domain->full->engine->vcpu_free(v);
        hv_free(v->full);
        v->full = NULL;
    }
}

/* One that never became its domain's goes at once; the others stay for whoever still looks, until the domain is freed. */
static void unit_vcpu_kill(struct vcpu *v)
{
    if (v->domain->vcpu[v->id] != v) {
        vcpu_free_full(v);
    }
}

static int unit_vcpu_init(struct vcpu *v)
{
    struct full_domain *fd = v->domain->full;
    struct full_state s;
    int rc;

    if (!fd) {
        return 0;
    }
    v->full = hv_alloc(sizeof(*v->full));
    if (!v->full) {
        return -ENOMEM;
    }
    v->full->v = v;
    v->full->pat = PAT_RESET;
    v->hooks = &full_switch_hooks;
    rc = fd->engine->vcpu_init(v);
    if (rc) {
        vcpu_free_full(v);
        return rc;
    }
    reset_state(&s);
    v->regs = (struct cpu_user_regs){.rflags = FLAGS_RESET};
    full_irq_init(v->full);
    (void)fd->engine->state_set(v, &s); /* what a reset leaves is legal */
    return 0;
}

static void unit_free(struct domain *d)
{
    struct full_domain *fd = d->full;
    struct vcpu *v;
    unsigned int i;

    if (!fd) {
        return;
    }
    for_each_vcpu (d, v, i) {
        vcpu_free_full(v);
    }
    if (fd->engine) {
        fd->engine->domain_free(fd);
    }
    physmap_free(fd);
    hv_free(fd);
    d->full = NULL;
}

DOMAIN_UNIT(35, full_unit, .name = "full", .init = unit_init, .kill = unit_kill,
            .vcpu_init = unit_vcpu_init, .vcpu_kill = unit_vcpu_kill, .free = unit_free);
