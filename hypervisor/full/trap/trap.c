/* SPDX-License-Identifier: MIT */
/*
 * The trap engine: what a vCPU has on a CPU, entries and exits, and which part of the engine each exit is for.
 * Invariant: an exit is a bounded amount of work; the guest is told of a fault or its instruction is behind it, never both.
 */
#include "full/trap/trap.h"

#include "common/compiler.h"
#include "common/errno.h"
#include "common/string.h"
#include "debug/console.h"
#include "mm/hv_alloc.h"
#include "mm/map.h"
#include "x86/gdt_tss.h"
#include "x86/guest_state.h"
#include "x86/layout.h"
#include "x86/percpu.h"
#include "x86/pgtable.h"
#include "x86/tlb.h"
#include "x86/traps.h"

#define EFER_GUEST      (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)
#define DR6_BREAKPOINTS 0xful
#define DR6_STEP        (1ul << 14)
#define DR6_IDLE        0xffff0ff0ul
#define DR7_IDLE        0x400ul
#define DR7_ENABLED     0xfful
#define LDT_ENTRIES     8u

/* ---- a domain's and a vCPU's life ---- */

static bool able(void)
{
    return cpu_features.nx && cpu_features.syscall;
}

static int domain_init(struct full_domain *fd)
{
    return trap_shadow_init(fd, fd->scan);
}

static int vcpu_init(struct vcpu *v)
{
    struct trap_vcpu *t = hv_alloc(sizeof(*t));

    v->full->engine_data = t;
    if (!t) {
        return -ENOMEM;
    }
    t->ldt = hv_alloc_pages(1);
    v->slow_paths = 1; /* nothing of it takes the short ways of PV guests */
    return t->ldt ? 0 : -ENOMEM;
}

static void vcpu_free(struct vcpu *v)
{
    struct trap_vcpu *t = trap_of(v);

    if (t && t->ldt) {
        hv_free_pages(t->ldt, 1);
    }
    hv_free(t);
    v->full->engine_data = NULL;
}

static void state_get(const struct vcpu *v, struct full_state *s)
{
    struct trap_vcpu *t = trap_of(v);

    trap_bases_sync(t);
    *s = t->s;
}

static int state_set(struct vcpu *v, const struct full_state *s)
{
    const uint64_t bases[] = {s->seg[SEG_NR_FS].base, s->seg[SEG_NR_GS].base, s->kernel_gs_base,
                              s->lstar, s->cstar};
    struct trap_vcpu *t = trap_of(v);

    if (s->efer & ~EFER_GUEST || s->cr0 >> 32 || s->dr6 >> 32 || s->dr7 >> 32) {
        return -EINVAL;
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(bases); i++) {
        if (!trap_is_canonical(bases[i])) {
            return -EINVAL; /* the CPU would fault when we load it */
        }
    }
    t->s = *s;
    t->event.valid = t->window = false;
    t->shadow_at = NO_SHADOW;
    t->segments_stale = true;
    return 0;
}

static void paging_get(const struct vcpu *v, struct full_paging *p)
{
    const struct trap_vcpu *t = trap_of(v);

    *p = (struct full_paging){.cr0 = t->s.cr0,
                              .cr3 = t->s.cr3,
                              .cr4 = t->s.cr4,
                              .efer = t->s.efer,
                              .cs_base = t->s.seg[SEG_NR_CS].base,
                              .code_bits = (uint8_t)trap_code_bits(t),
                              .user = trap_cpl(t) == 3};
}

/* ---- interrupts and exceptions of the guest ---- */

static bool irq_ready(const struct vcpu *v)
{
    const struct trap_vcpu *t = trap_of(v);

    return v->regs.rflags & FLAG_IF && v->regs.rip != t->shadow_at && !t->event.valid &&
           !t->step.active;
}

/* All that switches interrupts on is an exit; only what STI holds back needs one more. */
static void irq_window(struct vcpu *v)
{
    struct trap_vcpu *t = trap_of(v);

    t->window = v->regs.rip == t->shadow_at;
}

static void inject(struct vcpu *v, uint8_t vector)
{
    trap_of(v)->event = (struct trap_event){.valid = true, .vector = vector};
}

void trap_raise(struct vcpu *v, uint8_t vector, bool has_code, uint32_t code)
{
    trap_of(v)->event =
        (struct trap_event){.valid = true, .vector = vector, .has_code = has_code, .code = code};
}

void trap_raise_fault(struct vcpu *v, const struct full_walk *w)
{
    trap_of(v)->s.cr2 = w->linear;
    trap_raise(v, VEC_PF, true, w->code);
}

void trap_debug(struct vcpu *v, uint64_t why)
{
    struct full_state *s = &trap_of(v)->s;

    s->dr6 = (s->dr6 & ~DR6_BREAKPOINTS) | why;
    s->dr7 &= ~DR7_DETECT;
    trap_raise(v, VEC_DB, false, 0);
}

void trap_behind(struct vcpu *v, const struct full_insn *insn)
{
    uint64_t rip = v->regs.rip + insn->length;

    v->regs.rip = trap_code_bits(trap_of(v)) == 64 ? rip : (uint32_t)rip;
    v->regs.rflags &= ~FLAG_RF;
    if (trap_of(v)->stepping) {
        trap_debug(v, DR6_STEP);
    }
}

/* Why the guest was left: said before anything else that the exit leads to is counted. */
void trap_count(struct vcpu *v, unsigned int reason)
{
    trap_of(v)->reason = (uint8_t)reason;
    full_exited(v, reason);
}

/* A shutdown of the processor. */
void trap_triple_fault(struct vcpu *v)
{
    trap_count(v, XENOLITH_EXIT_SHUTDOWN);
    full_crash(v, "triple fault");
}

/* ---- on a CPU ---- */

static void in(struct vcpu *v)
{
    struct trap_vcpu *t = trap_of(v);
    struct percpu *p = this_cpu();
    mfn_t ldt = mfn_of_hv(t->ldt);

    gdt_window_set(NULL, 0);
    ldt_window_set(&ldt, LDT_ENTRIES);
    p->trap_entry = (uint64_t)trap_exit;
    p->syscall_entry = (uint64_t)trap_syscall_entry;
    p->syscall32_entry = (uint64_t)trap_syscall32_entry;
    t->segments_stale = true;
    t->loaded = false; /* bases are in s.seg until the selectors have been loaded */
    trap_cpu_registers(v);
    trap_breakpoints_load(t);
}

static void out(struct vcpu *v)
{
    trap_segments_sync(v);
    trap_bases_sync(trap_of(v));
    trap_of(v)->loaded = false;
    ldt_window_set(NULL, 0);
    cpu_entries_reset();
    write_dr7(DR7_IDLE);
    write_cr4(cr4_base);
    clts(); /* the FPU is saved next */
    tlb_load_cr3(hv_root_pa());
    trap_of(v)->root_loaded = 0;
}

/*
 * The guest's breakpoints watch its own addresses, which nothing else uses while it is loaded. Those on the hypervisor's and on ports
 * would stop the hypervisor.
 */
void trap_breakpoints_load(const struct trap_vcpu *t)
{
    uint64_t dr7 = t->s.dr7;

    for (unsigned int i = 0; i < 4; i++) {
        if ((dr7 >> (16 + 4 * i) & 3) == 2 ||
            t->s.dr[i] - (HV_VIRT_START - 8) < HV_VIRT_END - HV_VIRT_START + 8 ||
            !trap_is_canonical(t->s.dr[i])) {
            dr7 &= ~(3ul << 2 * i | 0xful << (16 + 4 * i));
        }
    }
    if (dr7 & DR7_ENABLED) {
        write_dr0(t->s.dr[0]);
        write_dr1(t->s.dr[1]);
        write_dr2(t->s.dr[2]);
        write_dr3(t->s.dr[3]);
    }
    write_dr7(dr7 & ~DR7_DETECT);
}

void trap_cpu_registers(struct vcpu *v)
{
    const struct trap_vcpu *t = trap_of(v);
    uint64_t bits = CR4_TSD | (cpu_features.fsgsbase ? CR4_FSGSBASE : 0),
             cr4 = cr4_base | (t->s.cr4 & bits);

    if (read_cr4() != cr4) {
        write_cr4(cr4);
    }
    if (t->s.cr0 & (CR0_TS | CR0_EM)) {
        write_cr0(read_cr0() | CR0_TS);
    } else {
        clts();
    }
}

/* What the CPU's flags are to be; the guest's own that differ wait in t->hidden. */
static uint64_t flags_for_cpu(struct trap_vcpu *t, uint64_t flags)
{
    uint64_t mask = FLAG_IF | FLAG_IOPL | FLAG_VM, mine = FLAG_IF;

    if (trap_cpl(t) != 3) {
        mask |= FLAG_NT | FLAG_AC; /* alignment is not checked in a kernel */
    }
    if (t->window || t->step.active) {
        mask |= FLAG_TF;
        mine |= FLAG_TF;
    }
    t->hidden_mask = mask;
    t->hidden = flags & mask;
    return (flags & ~mask) | mine | FLAG_FIXED;
}

static void run(struct vcpu *v)
{
    struct trap_vcpu *t = trap_of(v);
    unsigned int bits = trap_code_bits(t);
    uint64_t root;

    if (t->event.valid) {
        trap_deliver(v);
        return; /* looked at again: the delivery may have raised another one, or ended the domain */
    }
    if (bits == 64 && !trap_is_canonical(v->regs.rip)) {
        trap_raise(v, VEC_GP, true, 0);
        return;
    }
    root = trap_shadow_root(v);
    if (!root) {
        full_crash(v, "no memory for shadow page tables");
        return;
    }
    if (t->segments_stale) {
        trap_segments_load(v);
    }
    if (t->flush || read_cr3() != root) {
        t->flush = false;
        t->root_loaded = t->root; /* before the other one may go */
        tlb_load_cr3(root);
    }
    v->regs.cs = bits == 64 ? SEL_GUEST_CS64 : t->selector[SEG_NR_CS];
    v->regs.ss = bits == 64 ? SEL_GUEST_DS : t->selector[SEG_NR_SS];
    v->regs.rflags = flags_for_cpu(t, v->regs.rflags);
    trap_enter();
}

/* ---- exits ---- */

static void exit_page_fault(struct vcpu *v, uint64_t linear)
{
    struct full_walk w;
    uint32_t code = v->regs.error_code;

    if ((code & (PFEC_P | PFEC_U)) == PFEC_P && (linear < HV_VIRT_START || linear >= HV_VIRT_END)) {
        /* QEMU reads the stack of IRET and far RET with our rights (pv/emul_ret.c); both are the emulation's anyhow */
        trap_emulate(v, VEC_GP, 0);
        return;
    }
    code = (code & ~PFEC_U) | trap_user(v);
    switch (trap_shadow_fault(v, linear, code, &w)) {
    case TRAP_FAULT_DONE:
    case TRAP_FAULT_TABLE:
        trap_count(v, XENOLITH_EXIT_SHADOW);
        break;
    case TRAP_FAULT_GUEST:
        trap_count(v, XENOLITH_EXIT_EXCEPTION);
        trap_raise_fault(v, &w);
        break;
    case TRAP_FAULT_DEVICE:
        trap_count(v, XENOLITH_EXIT_MEMORY);
        full_device_access(v, w.gpa, code & PFEC_W);
        break;
    case TRAP_FAULT_SELF:
        trap_count(v, XENOLITH_EXIT_CODE);
        trap_step_code(v);
        break;
    case TRAP_FAULT_SPACE:
        trap_count(v, XENOLITH_EXIT_OTHER);
        full_crash(v, "page tables for addresses that are the hypervisor's");
        break;
    default:
        trap_count(v, XENOLITH_EXIT_OTHER);
        full_crash(v, "page tables that cannot be shadowed");
        break;
    }
}

static void exit_debug(struct vcpu *v, bool was_ours)
{
    struct trap_vcpu *t = trap_of(v);
    uint64_t why = read_dr6() & (DR6_BREAKPOINTS | DR6_STEP);

    write_dr6(DR6_IDLE);
    t->shadow_at = NO_SHADOW; /* what it was for has been executed */
    if (was_ours) {
        why &= ~DR6_STEP;
    }
    trap_count(v, why ? XENOLITH_EXIT_EXCEPTION : XENOLITH_EXIT_WINDOW);
    if (why) {
        trap_debug(v, why);
    }
}

static void exit_exception(struct vcpu *v, uint32_t vector)
{
    struct trap_vcpu *t = trap_of(v);

    switch (vector) {
    case VEC_GP:
    case VEC_NP: /* selectors: the CPU's tables are not the guest's */
    case VEC_SS:
    case VEC_UD:
        trap_emulate(v, (uint8_t)vector, v->regs.error_code);
        break;
    case VECTOR_SYSCALL:
    case VECTOR_SYSCALL32:
        trap_count(v, XENOLITH_EXIT_SYSCALL);
        trap_syscall(v, vector == VECTOR_SYSCALL);
        break;
    default:
        trap_count(v, XENOLITH_EXIT_EXCEPTION);
        trap_raise(v, (uint8_t)vector, vector == VEC_AC, 0);
        if (vector == VEC_BP || vector == VEC_OF) {
            t->event.software = true;
            t->event.length = 1;
        }
        break;
    }
}

static void dispatch(struct vcpu *v, uint32_t vector, uint64_t cr2, bool tf_ours)
{
    if (vector == VEC_NMI || vector == VEC_MC || (vector >= 32 && vector < VECTOR_SYSCALL)) {
        trap_count(v, XENOLITH_EXIT_INTERRUPT);
        trap_from_guest(v);
    } else if (vector == VEC_PF) {
        exit_page_fault(v, cr2);
    } else if (vector == VEC_DB) {
        exit_debug(v, tf_ours);
    } else {
        exit_exception(v, vector);
    }
}

/* The entry code's call (percpu.trap_entry): the guest's registers are in v->regs, the stack is empty. */
void trap_exit(struct vcpu *v)
{
    struct trap_vcpu *t = trap_of(v);
    uint32_t vector = v->regs.entry_vector;
    uint64_t cr2 = read_cr2(), start = rdtsc();
    bool tf_ours = t->hidden_mask & FLAG_TF && !(t->hidden & FLAG_TF);

    v->regs.rflags = (v->regs.rflags & ~t->hidden_mask) | t->hidden;
    t->stepping = v->regs.rflags & FLAG_TF;
    t->window = false;
    if (t->step.active) {
        trap_step_end(v);
    }
    dispatch(v, vector, cr2, tf_ours);
    COUNT_TIME(v, exit, t->reason, rdtsc() - start);
    full_resume();
}

/* IRET has refused the segments or the address: to the guest it is a fault of the instruction that is to come. */
void trap_refused(struct vcpu *v)
{
    struct trap_vcpu *t = trap_of(v);

    v->regs.rflags = (v->regs.rflags & ~t->hidden_mask) | t->hidden;
    trap_raise(v, VEC_GP, true, 0);
    full_resume();
}

const struct full_engine full_engine_trap = {
    .name = "trap",
    .cpuid_plain = true,
    .able = able,
    .domain_init = domain_init,
    .domain_free = trap_shadow_free,
    .unmapped = trap_shadow_unmapped,
    .vcpu_init = vcpu_init,
    .vcpu_free = vcpu_free,
    .in = in,
    .out = out,
    .run = run,
    .state_get = state_get,
    .state_set = state_set,
    .paging_get = paging_get,
    .irq_ready = irq_ready,
    .irq_window = irq_window,
    .inject = inject,
    .exception = trap_raise,
    .page_fault = trap_raise_fault,
    .written = trap_shadow_written,
    .behind = trap_behind,
};
