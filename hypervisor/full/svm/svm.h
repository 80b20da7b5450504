/* SPDX-License-Identifier: MIT */
/*
 * What the files of the engine share: a vCPU's control block and what goes with it.
 */
#ifndef FULL_SVM_SVM_H
#define FULL_SVM_SVM_H

#include "full/svm/cpu.h"
#include "full/svm/vmcb.h"

struct svm_vcpu {
    struct vmcb *vmcb; /* a frame of its own */
    uint64_t vmcb_pa;
    uint64_t dr[4];    /* breakpoint addresses while they are not in the CPU */
    uint64_t tlb_seen; /* percpu.tlb_seen when the address-space number was given out */
    uint32_t cpu;      /* where it was */
    bool dr_loaded;
};

extern struct svm_features svm_features;

static inline struct svm_vcpu *svm_of(const struct vcpu *v)
{
    return v->full->engine_data;
}

/* Deal with the exit that the control block tells of; v->regs are complete and may be changed. */
void svm_exit(struct vcpu *v);
void svm_behind(struct vcpu *v, const struct full_insn *insn);

/* Give the CPU's breakpoint registers to the guest; it has touched one. */
void svm_debug_registers_load(struct vcpu *v);

#endif
