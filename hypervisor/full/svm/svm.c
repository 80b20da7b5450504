/* SPDX-License-Identifier: MIT */
/*
 * The engine over AMD's virtual machine extension with nested paging: control blocks, address-space numbers, the run.
 * Invariant: a number (ASID) is given to a vCPU when it gets a CPU and again whenever that CPU has been asked to forget guest
 * translations since (percpu.tlb_seen), so nested translations obey the same flush clock as a PV guest's (x86/tlb.h).
 */
#include "full/svm/svm.h"

#include "common/errno.h"
#include "common/string.h"
#include "debug/console.h"
#include "mm/hv_alloc.h"
#include "mm/map.h"
#include "x86/cpu.h"
#include "x86/guest_state.h"
#include "x86/percpu.h"

#define IOPM_PAGES  3u /* APM vol. 2, 15.10.1, 15.11 */
#define MSRPM_PAGES 2u
#define EFER_SVME   (1ul << 12)
#define EFER_GUEST  (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)
#define EXCEPTIONS  ((1u << VEC_DB) | (1u << VEC_AC) | (1u << VEC_MC))
#define ALL_DR      0xffffu
#define DR7_ENABLED 0xffu

/* Of each CPU; made when the first vCPU comes to it. */
struct svm_cpu {
    void *save, *host; /* frames: VMRUN's own, and what VMSAVE stores of the host */
    uint32_t next_asid;
};

struct svm_features svm_features;

static struct svm_cpu cpus[MAX_CPUS];
static uint8_t *iopm, *msrpm;

static uint64_t pa_of(const void *page)
{
    return maddr_raw(maddr_of_mfn(mfn_of_hv(page)));
}

/* ---- the machine ---- */

/* Registers that VMLOAD, VMSAVE and the control block switch are the guest's own; two bits each, read and write. */
static void msr_open(uint32_t msr)
{
    uint32_t base = msr < 0x2000 ? 0 : 0x800, bit = (msr & 0x1fff) * 2;

    msrpm[base + bit / 8] &= (uint8_t) ~(3u << bit % 8);
}

static bool permission_maps_make(void)
{
    static const uint32_t open[] = {
        MSR_STAR,    MSR_LSTAR,          MSR_CSTAR,       MSR_SFMASK,          MSR_FS_BASE,
        MSR_GS_BASE, MSR_KERNEL_GS_BASE, MSR_SYSENTER_CS, MSR_SYSENTER_CS + 1, MSR_SYSENTER_CS + 2};

    iopm = hv_alloc_pages(IOPM_PAGES);
    msrpm = hv_alloc_pages(MSRPM_PAGES);
    if (!iopm || !msrpm) {
        return false;
    }
    memset(iopm, 0xff, IOPM_PAGES * PAGE_SIZE);
    memset(msrpm, 0xff, MSRPM_PAGES * PAGE_SIZE);
    for (unsigned int i = 0; i < ARRAY_SIZE(open); i++) {
        msr_open(open[i]);
    }
    return true;
}

static bool cpu_frames_make(void)
{
    for (uint32_t i = 0; i < nr_cpus; i++) {
        cpus[i] =
            (struct svm_cpu){.save = hv_alloc_pages(1), .host = hv_alloc_pages(1), .next_asid = 1};
        if (!cpus[i].save || !cpus[i].host) {
            return false;
        }
    }
    return true;
}

static bool able(void)
{
    static struct spinlock lock = SPINLOCK_INIT("svm", LOCK_FULL);
    static bool asked, answer;

    spin_lock(&lock);
    if (!asked) {
        asked = true;
        svm_features_read(&svm_features);
        answer = svm_features.present && svm_features.nested_paging && svm_features.nr_asids > 2 &&
                 permission_maps_make() && cpu_frames_make();
        if (answer) {
            log_info("SVM: nested paging, %u address-space numbers", svm_features.nr_asids);
        } else {
            log_info("SVM: this CPU has %s",
                     svm_features.present ? "no nested paging" : "none, or it is switched off");
        }
    }
    spin_unlock(&lock);
    return answer;
}

static int domain_init(struct full_domain *fd)
{
    (void)fd;
    return 0;
}

static void domain_free(struct full_domain *fd)
{
    (void)fd;
}

/* ---- a vCPU's control block ---- */

static void control_init(struct vmcb *c, const struct full_domain *fd)
{
    c->intercept_dr_read = c->intercept_dr_write = ALL_DR;
    c->intercept_exceptions = EXCEPTIONS;
    c->intercept3 = INTERCEPT_INTR | INTERCEPT_NMI | INTERCEPT_SMI | INTERCEPT_INIT |
                    INTERCEPT_RDPMC | INTERCEPT_CPUID | INTERCEPT_RSM | INTERCEPT_INVD |
                    INTERCEPT_HLT | INTERCEPT_INVLPGA | INTERCEPT_IO | INTERCEPT_MSR |
                    INTERCEPT_FREEZE | INTERCEPT_SHUTDOWN;
    c->intercept4 =
        INTERCEPT_SVM | INTERCEPT_WBINVD | INTERCEPT_MONITOR | INTERCEPT_MWAIT | INTERCEPT_XSETBV;
    c->iopm = pa_of(iopm);
    c->msrpm = pa_of(msrpm);
    c->vintr = VINTR_MASKING;
    c->nested = 1;
    c->nested_cr3 = maddr_raw(maddr_of_mfn(physmap_root(fd)));
    c->pat = PAT_VALUE;
}

static int vcpu_init(struct vcpu *v)
{
    struct svm_vcpu *s = hv_alloc(sizeof(*s));

    v->full->engine_data = s;
    if (!s) {
        return -ENOMEM;
    }
    s->vmcb = hv_alloc_pages(1);
    if (!s->vmcb) {
        return -ENOMEM;
    }
    s->vmcb_pa = pa_of(s->vmcb);
    s->cpu = MAX_CPUS;
    control_init(s->vmcb, v->domain->full);
    return 0;
}

static void vcpu_free(struct vcpu *v)
{
    struct svm_vcpu *s = svm_of(v);

    if (s && s->vmcb) {
        hv_free_pages(s->vmcb, 1);
    }
    hv_free(s);
}

static void state_get(const struct vcpu *v, struct full_state *s)
{
    const struct svm_vcpu *sv = svm_of(v);
    const struct vmcb *c = sv->vmcb;

    memcpy(s->seg, c->seg, sizeof(s->seg));
    memcpy(s->dr, sv->dr, sizeof(s->dr));
    s->cr0 = c->cr0;
    s->cr2 = c->cr2;
    s->cr3 = c->cr3;
    s->cr4 = c->cr4;
    s->efer = c->efer & ~EFER_SVME;
    s->dr6 = c->dr6;
    s->dr7 = c->dr7;
    s->star = c->star;
    s->lstar = c->lstar;
    s->cstar = c->cstar;
    s->sfmask = c->sfmask;
    s->kernel_gs_base = c->kernel_gs_base;
    s->sysenter_cs = c->sysenter_cs;
    s->sysenter_esp = c->sysenter_esp;
    s->sysenter_eip = c->sysenter_eip;
}

/* What VMRUN checks itself comes out as an exit; only what could reach beyond the guest is looked at here. */
static int state_set(struct vcpu *v, const struct full_state *s)
{
    struct svm_vcpu *sv = svm_of(v);
    struct vmcb *c = sv->vmcb;

    if (s->efer & ~EFER_GUEST || s->cr0 >> 32 || s->dr6 >> 32 || s->dr7 >> 32) {
        return -EINVAL;
    }
    memcpy(c->seg, s->seg, sizeof(s->seg));
    memcpy(sv->dr, s->dr, sizeof(s->dr));
    c->cpl = s->seg[SEG_NR_SS].attr >> 5 & 3;
    c->cr0 = s->cr0;
    c->cr2 = s->cr2;
    c->cr3 = s->cr3;
    c->cr4 = s->cr4;
    c->efer = s->efer | EFER_SVME;
    c->dr6 = s->dr6;
    c->dr7 = s->dr7;
    c->star = s->star;
    c->lstar = s->lstar;
    c->cstar = s->cstar;
    c->sfmask = s->sfmask;
    c->kernel_gs_base = s->kernel_gs_base;
    c->sysenter_cs = s->sysenter_cs;
    c->sysenter_esp = s->sysenter_esp;
    c->sysenter_eip = s->sysenter_eip;
    c->event = 0;
    c->shadow = 0;
    return 0;
}

static void paging_get(const struct vcpu *v, struct full_paging *p)
{
    const struct vmcb *c = svm_of(v)->vmcb;
    uint16_t attr = c->seg[SEG_NR_CS].attr;
    bool is_long = c->efer & EFER_LMA && attr & SEG_ATTR_L;

    *p = (struct full_paging){.cr0 = c->cr0,
                              .cr3 = c->cr3,
                              .cr4 = c->cr4,
                              .efer = c->efer,
                              .cs_base = c->seg[SEG_NR_CS].base,
                              .code_bits = is_long              ? 64
                                           : attr & SEG_ATTR_DB ? 32
                                                                : 16,
                              .user = c->cpl == 3};
}

/* ---- interrupts ---- */

static bool irq_ready(const struct vcpu *v)
{
    const struct vmcb *c = svm_of(v)->vmcb;

    return v->regs.rflags & FLAG_IF && !(c->shadow & 1) && !(c->event & EVENT_VALID);
}

/* A virtual interrupt that is never delivered: the exit comes when it would be. */
static void irq_window(struct vcpu *v)
{
    struct vmcb *c = svm_of(v)->vmcb;

    c->intercept3 |= INTERCEPT_VINTR;
    c->vintr |= VINTR_IRQ | VINTR_PRIORITY | VINTR_IGNORE_TPR;
}

static void inject(struct vcpu *v, uint8_t vector)
{
    svm_of(v)->vmcb->event = EVENT_VALID | EVENT_EXTERNAL | vector;
}

static void exception(struct vcpu *v, uint8_t vector, bool has_code, uint32_t code)
{
    svm_of(v)->vmcb->event = EVENT_VALID | EVENT_EXCEPTION | (has_code ? EVENT_HAS_CODE : 0) |
                             (uint64_t)code << 32 | vector;
}

static void page_fault(struct vcpu *v, const struct full_walk *w)
{
    svm_of(v)->vmcb->cr2 = w->linear;
    exception(v, VEC_PF, true, w->code);
}

/* ---- on a CPU ---- */

void svm_debug_registers_load(struct vcpu *v)
{
    struct svm_vcpu *s = svm_of(v);

    write_dr0(s->dr[0]);
    write_dr1(s->dr[1]);
    write_dr2(s->dr[2]);
    write_dr3(s->dr[3]);
    s->dr_loaded = true;
    s->vmcb->intercept_dr_read = s->vmcb->intercept_dr_write = 0;
}

static void debug_registers_save(struct svm_vcpu *s)
{
    s->dr[0] = read_dr0();
    s->dr[1] = read_dr1();
    s->dr[2] = read_dr2();
    s->dr[3] = read_dr3();
    s->dr_loaded = false;
    s->vmcb->intercept_dr_read = s->vmcb->intercept_dr_write = ALL_DR;
}

static void in(struct vcpu *v)
{
    const struct svm_cpu *cpu = &cpus[this_cpu()->cpu];

    svm_of(v)->cpu = MAX_CPUS; /* wants a new address-space number */
    svm_cpu_on(pa_of(cpu->save), pa_of(cpu->host));
    if (svm_features.pkru) {
        (void)svm_pkru_switch(v->full->pkru);
    }
    if (svm_of(v)->vmcb->dr7 & DR7_ENABLED) {
        svm_debug_registers_load(v); /* they stop code that does not touch them */
    }
}

static void out(struct vcpu *v)
{
    struct svm_vcpu *s = svm_of(v);

    if (s->dr_loaded) {
        debug_registers_save(s);
    }
    if (svm_features.pkru) {
        v->full->pkru = svm_pkru_switch(0);
    }
    svm_cpu_off();
}

/* A number that no translation of this CPU has, now that it may have been told to forget some. */
static void asid_renew(struct svm_vcpu *s)
{
    const struct percpu *p = this_cpu();
    struct svm_cpu *cpu = &cpus[p->cpu];

    s->vmcb->tlb_control = 0;
    if (s->cpu == p->cpu && s->tlb_seen == p->tlb_seen) {
        return;
    }
    if (cpu->next_asid >= svm_features.nr_asids) {
        cpu->next_asid = 1;
        s->vmcb->tlb_control = TLB_FLUSH_ALL;
    }
    s->vmcb->asid = cpu->next_asid++;
    s->cpu = p->cpu;
    s->tlb_seen = p->tlb_seen;
}

/* An event whose delivery was cut short by the exit is delivered again; INTn runs again by itself. */
static void event_again(struct vmcb *c)
{
    uint64_t event = c->exit_event;

    c->event = event & EVENT_VALID && EVENT_TYPE(event) != EVENT_TYPE_SOFT ? event : 0;
}

static void run(struct vcpu *v)
{
    struct svm_vcpu *s = svm_of(v);
    struct vmcb *c = s->vmcb;

    asid_renew(s);
    c->rax = v->regs.rax;
    c->rsp = v->regs.rsp;
    c->rip = v->regs.rip;
    c->rflags = v->regs.rflags;
    c->vintr = (c->vintr & ~(uint64_t)VINTR_TPR_MASK) | v->full->lapic.tpr >> 4;
    c->clean = 0;
    svm_run(&v->regs, s->vmcb_pa, pa_of(cpus[this_cpu()->cpu].host));
    v->regs.rax = c->rax;
    v->regs.rsp = c->rsp;
    v->regs.rip = c->rip;
    v->regs.rflags = c->rflags;
    full_set_tpr(v, (uint8_t)(c->vintr & VINTR_TPR_MASK));
    event_again(c);
    c->vintr &= ~(VINTR_IRQ | VINTR_PRIORITY | VINTR_IGNORE_TPR);
    c->intercept3 &= ~INTERCEPT_VINTR;
    svm_exit(v);
}

const struct full_engine full_engine_svm = {
    .name = "svm",
    .able = able,
    .domain_init = domain_init,
    .domain_free = domain_free,
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
    .exception = exception,
    .page_fault = page_fault,
    .behind = svm_behind,
};
