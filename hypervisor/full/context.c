/* SPDX-License-Identifier: MIT */
/*
 * State of fully virtualized vCPUs as save records: a header, a record a vCPU, an end (ABI: hvm/save.h). Only the CPU's record
 * has a meaning here; others are gone over when set. Invariant: the buffer is a private copy, each record is checked before anything
 * of it is used; a record that is refused changes nothing of its vCPU.
 */
#include <xen/hvm/save.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "common/string.h"
#include "full/full.h"
#include "mm/guest_copy.h"
#include "mm/hv_alloc.h"
#include "sched/sched.h"
#include "x86/fpu.h"

#define MAX_BYTES          (256u * 1024)
#define RECORD_BYTES(type) (sizeof(struct hvm_save_descriptor) + sizeof(type))
#define FLAGS_FIXED        2ul

/* Each segment's four fields lie in four groups of the record. */
#define FOR_SEGMENTS(X)                                                                            \
    X(SEG_NR_CS, cs)                                                                               \
    X(SEG_NR_DS, ds)                                                                               \
    X(SEG_NR_ES, es)                                                                               \
    X(SEG_NR_FS, fs) X(SEG_NR_GS, gs) X(SEG_NR_SS, ss) X(SEG_NR_TR, tr) X(SEG_NR_LDTR, ldtr)
#define FOR_REGS(X)                                                                                \
    X(rax)                                                                                         \
    X(rbx)                                                                                         \
    X(rcx)                                                                                         \
    X(rdx)                                                                                         \
    X(rbp) X(rsi) X(rdi) X(rsp) X(r8) X(r9) X(r10) X(r11) X(r12) X(r13) X(r14) X(r15) X(rip)       \
        X(rflags)

static int cpu_set(struct vcpu *v, const struct hvm_hw_cpu *c)
{
    struct full_state s = {
        .cr0 = c->cr0,
        .cr2 = c->cr2,
        .cr3 = c->cr3,
        .cr4 = c->cr4,
        .efer = c->msr_efer,
        .dr = {c->dr0, c->dr1, c->dr2, c->dr3},
        .dr6 = c->dr6,
        .dr7 = c->dr7,
        .star = c->msr_star,
        .lstar = c->msr_lstar,
        .cstar = c->msr_cstar,
        .sfmask = c->msr_syscall_mask,
        .kernel_gs_base = c->shadow_gs,
        .sysenter_cs = c->sysenter_cs,
        .sysenter_esp = c->sysenter_esp,
        .sysenter_eip = c->sysenter_eip,
    };
    int rc;

#define TAKE(nr, name)                                                                             \
    s.seg[nr] = (struct full_seg){(uint16_t)c->name##_sel, (uint16_t)(c->name##_arbytes & 0xfff),  \
                                  c->name##_limit, c->name##_base};
    FOR_SEGMENTS(TAKE)
#undef TAKE
    s.seg[SEG_NR_GDTR] = (struct full_seg){.limit = c->gdtr_limit, .base = c->gdtr_base};
    s.seg[SEG_NR_IDTR] = (struct full_seg){.limit = c->idtr_limit, .base = c->idtr_base};
    if (c->pending_event || c->msr_tsc_aux >> 32) {
        return -EINVAL;
    }
    rc = v->domain->full->engine->state_set(v, &s);
    if (rc) {
        return rc;
    }
#define TAKE(name) v->regs.name = c->name;
    FOR_REGS(TAKE)
#undef TAKE
    v->regs.rflags |= FLAGS_FIXED;
    v->full->tsc_aux = c->msr_tsc_aux;
    v->full->halted = false;
    fpu_area_reset(v->fpu);
    if (c->flags & XEN_X86_FPU_INITIALISED) {
        fpu_area_legacy_set(v->fpu, c->fpu_regs);
    }
    v->initialised = VCPU_INITIALISED;
    return 0;
}

static void cpu_get(const struct vcpu *v, struct hvm_hw_cpu *c)
{
    struct full_state s;

    v->domain->full->engine->state_get(v, &s);
    memset(c, 0, sizeof(*c));
    memcpy(c->fpu_regs, v->fpu, sizeof(c->fpu_regs));
    c->flags = XEN_X86_FPU_INITIALISED;
#define GIVE(name) c->name = v->regs.name;
    FOR_REGS(GIVE)
#undef GIVE
#define GIVE(nr, name)                                                                             \
    c->name##_sel = s.seg[nr].sel;                                                                 \
    c->name##_arbytes = s.seg[nr].attr;                                                            \
    c->name##_limit = s.seg[nr].limit;                                                             \
    c->name##_base = s.seg[nr].base;
    FOR_SEGMENTS(GIVE)
#undef GIVE
    c->gdtr_limit = s.seg[SEG_NR_GDTR].limit;
    c->gdtr_base = s.seg[SEG_NR_GDTR].base;
    c->idtr_limit = s.seg[SEG_NR_IDTR].limit;
    c->idtr_base = s.seg[SEG_NR_IDTR].base;
    c->cr0 = s.cr0;
    c->cr2 = s.cr2;
    c->cr3 = s.cr3;
    c->cr4 = s.cr4;
    c->dr0 = s.dr[0];
    c->dr1 = s.dr[1];
    c->dr2 = s.dr[2];
    c->dr3 = s.dr[3];
    c->dr6 = s.dr6;
    c->dr7 = s.dr7;
    c->sysenter_cs = s.sysenter_cs;
    c->sysenter_esp = s.sysenter_esp;
    c->sysenter_eip = s.sysenter_eip;
    c->shadow_gs = s.kernel_gs_base;
    c->msr_star = s.star;
    c->msr_lstar = s.lstar;
    c->msr_cstar = s.cstar;
    c->msr_syscall_mask = s.sfmask;
    c->msr_efer = s.efer;
    c->msr_tsc_aux = v->full->tsc_aux;
}

/* The next record of the buffer: its bytes, or NULL where it does not fit. */
static const uint8_t *record_next(const uint8_t *buf, uint32_t size, uint32_t *at,
                                  struct hvm_save_descriptor *d)
{
    const uint8_t *data;

    if (size - *at < sizeof(*d)) {
        return NULL;
    }
    memcpy(d, buf + *at, sizeof(*d));
    data = buf + *at + sizeof(*d);
    if (d->length > size - *at - sizeof(*d)) {
        return NULL;
    }
    *at += (uint32_t)sizeof(*d) + d->length;
    return data;
}

static int records_set(struct domain *d, const uint8_t *buf, uint32_t size,
                       struct hvm_hw_cpu *scratch)
{
    uint32_t at = 0;

    for (;;) {
        struct hvm_save_descriptor desc;
        const uint8_t *data = record_next(buf, size, &at, &desc);
        struct vcpu *v;
        int rc;

        if (!data) {
            return -ENODATA;
        }
        if (desc.typecode == HVM_SAVE_CODE_END) {
            return 0;
        }
        if (desc.typecode != HVM_SAVE_CODE_CPU) {
            continue;
        }
        v = desc.instance < d->max_vcpus ? d->vcpu[desc.instance] : NULL;
        if (!v || desc.length != sizeof(*scratch)) {
            return -EINVAL;
        }
        memcpy(scratch, data, sizeof(*scratch));
        rc = cpu_set(v, scratch);
        if (rc) {
            return rc;
        }
        sched_wake(v, VPF_DOWN);
    }
}

static uint32_t record_put(uint8_t *buf, uint32_t at, uint16_t code, uint16_t instance,
                           const void *data, uint32_t length)
{
    const struct hvm_save_descriptor desc = {code, instance, length};

    memcpy(buf + at, &desc, sizeof(desc));
    memcpy(buf + at + sizeof(desc), data, length);
    return at + (uint32_t)sizeof(desc) + length;
}

static uint32_t records_get(struct domain *d, uint8_t *buf, struct hvm_hw_cpu *scratch)
{
    const struct hvm_save_header header = {.magic = HVM_FILE_MAGIC, .version = HVM_FILE_VERSION};
    uint32_t at = record_put(buf, 0, HVM_SAVE_CODE_HEADER, 0, &header, sizeof(header));
    struct vcpu *v;
    unsigned int i;

    for_each_vcpu (d, v, i) {
        if (v->initialised == VCPU_INITIALISED) {
            cpu_get(v, scratch);
            at = record_put(buf, at, HVM_SAVE_CODE_CPU, v->id, scratch, sizeof(*scratch));
        }
    }
    return record_put(buf, at, HVM_SAVE_CODE_END, 0, NULL, 0);
}

static unsigned int pages(uint32_t bytes)
{
    return (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
}

int full_context_set(struct domain *d, gva_t records, uint32_t size)
{
    struct hvm_hw_cpu *scratch;
    void *buf;
    int rc = -ENOMEM;

    if (!d->full || size == 0 || size > MAX_BYTES) {
        return -EINVAL;
    }
    buf = hv_alloc_pages(pages(size));
    scratch = hv_alloc(sizeof(*scratch));
    if (buf && scratch) {
        rc = guest_read(buf, records, size);
    }
    if (rc == 0) {
        domain_pause(d);
        rc = records_set(d, buf, size, scratch);
        domain_unpause(d);
    }
    hv_free(scratch);
    if (buf) {
        hv_free_pages(buf, pages(size));
    }
    return rc;
}

int full_context_get(struct domain *d, gva_t records, uint32_t *size)
{
    uint32_t room = *size, most = (uint32_t)(RECORD_BYTES(struct hvm_save_header) +
                                             d->max_vcpus * RECORD_BYTES(struct hvm_hw_cpu) +
                                             sizeof(struct hvm_save_descriptor));
    struct hvm_hw_cpu *scratch;
    void *buf;
    int rc = -ENOMEM;

    if (!d->full || !gva_raw(records)) {
        *size = most;
        return d->full ? 0 : -EINVAL;
    }
    buf = hv_alloc_pages(pages(most));
    scratch = hv_alloc(sizeof(*scratch));
    if (buf && scratch) {
        domain_pause(d);
        *size = records_get(d, buf, scratch);
        domain_unpause(d);
        rc = *size > room ? -ENOSPC : guest_write(records, buf, *size);
    }
    hv_free(scratch);
    if (buf) {
        hv_free_pages(buf, pages(most));
    }
    return rc;
}
