/* SPDX-License-Identifier: MIT */
/*
 * One instruction by itself, under the trap flag: one that runs where it changes itself or its own page tables, or that is cut in two
 * by a page's end. Invariant: what was opened for it is closed before anything else of the vCPU runs; other vCPUs may use it
 * meanwhile, so what was protected is looked at again from the beginning.
 */
#include "full/trap/shadow.h"
#include "mm/pt_check.h"
#include "x86/tlb.h"

void trap_step_code(struct vcpu *v)
{
    struct full_domain *fd = v->domain->full;
    struct trap_vcpu *t = trap_of(v);
    uint64_t linear = trap_linear(v, SEG_NR_CS, v->regs.rip), *e, *leaf;
    struct full_walk w;

    if (full_walk(v, linear, PFEC_I | trap_user(v), &w)) {
        return; /* another CPU has unmapped it: the next fetch says so */
    }
    spin_lock(&fd->lock);
    e = trap_shadow_entry(v, linear);
    leaf = physmap_leaf(fd, w.gpa >> PAGE_SHIFT);
    if (e && leaf) {
        bool same = t->step.write && !((t->step.write ^ linear) & ~(PAGE_SIZE - 1ul));

        WRITE_ONCE(*e, (*leaf & PTE_ADDR) | PTE_P | PTE_US | PTE_AD | (same ? PTE_RW : 0));
        t->step.active = true;
        t->step.fetch = linear | 1;
        t->flush = true;
    }
    spin_unlock(&fd->lock);
}

static void entry_drop(struct vcpu *v, uint64_t linear)
{
    uint64_t *e = linear ? trap_shadow_entry(v, linear) : NULL;

    if (e) {
        WRITE_ONCE(*e, 0);
    }
}

void trap_step_end(struct vcpu *v)
{
    struct full_domain *fd = v->domain->full;
    struct trap_vcpu *t = trap_of(v);
    uint64_t *leaf;

    spin_lock(&fd->lock);
    entry_drop(v, t->step.write);
    entry_drop(v, t->step.fetch);
    tlb_flush_cpus(READ_ONCE(fd->d->mm.running_cpus));
    leaf = t->step.write ? physmap_leaf(fd, t->step.gfn) : NULL;
    if (leaf) {
        trap_protection_end(fd->engine_data, t->step.gfn, leaf);
    }
    spin_unlock(&fd->lock);
    t->step = (struct trap_step){0};
}
