/* SPDX-License-Identifier: MIT */
/*
 * The instructions of AMD's virtual machine extension (APM vol. 2, chapter 15): what this CPU can do, switching it on and
 * off, and one run of a guest.
 * Invariant: EFER.SVME is set only while a vCPU that needs it is loaded, so PV guests find VMRUN as on a CPU without it.
 */
#ifndef FULL_SVM_CPU_H
#define FULL_SVM_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>

struct svm_features {
    bool present; /* and not switched off by the firmware */
    bool nested_paging;
    bool next_rip; /* an exit tells where the next instruction is */
    bool pkru;     /* there are protection keys of user pages */
    uint32_t nr_asids;
};

/* Reads CPUID and VM_CR of this CPU. */
void svm_features_read(struct svm_features *f);

/*
 * Load the protection-key rights of user pages and give back those that were there. CR4.PKE is off in the hypervisor and in PV
 * guests, so the register is a fully virtualized guest's alone. The CPU must have it.
 */
uint32_t svm_pkru_switch(uint32_t value);
uint32_t svm_exchange_pkru(uint32_t value);

/* VMSAVE into the control block at this physical address. */
void svm_save_host(uint64_t host);

/* Switch the extension on with this frame for the host's state, and save in `host` what VMRUN leaves to software. */
void svm_cpu_on(uint64_t save_area, uint64_t host);
void svm_cpu_off(void);

/*
 * Run the guest of control block `vmcb` until its next exit. General registers but rax and rsp are loaded from `regs` and
 * saved there; rax, rsp, rip and rflags are the control block's. All three others are physical addresses. An interrupt that
 * ends the run is still pending when this returns: preempt_pending() takes it.
 */
void svm_run(struct cpu_user_regs *regs, uint64_t vmcb, uint64_t host);

#endif
