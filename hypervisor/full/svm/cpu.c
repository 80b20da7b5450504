/* SPDX-License-Identifier: MIT */
/*
 * Detection of SVM and its switch, see cpu.h. Numbers: APM vol. 2, 15.4 and 15.30; vol. 3, E.4.
 */
#include "full/svm/cpu.h"

#include "x86/cpu.h"

#define LEAF_SVM        0x8000000au
#define SVM_EDX_NP      (1u << 0)
#define SVM_EDX_NRIPS   (1u << 3)
#define MSR_VM_CR       0xc0010114u
#define VM_CR_SVMDIS    (1u << 4)
#define MSR_VM_HSAVE_PA 0xc0010117u
#define EFER_SVME       (1ul << 12)
#define LEAF7_ECX_PKU   (1u << 3)
#define CR4_PKE         (1ul << 22)

void svm_features_read(struct svm_features *f)
{
    struct cpuid_regs r;
    uint64_t vm_cr = 0;

    *f = (struct svm_features){.present = false};
    if (!cpu_features.svm || cpu_features.max_ext_leaf < LEAF_SVM ||
        rdmsr_safe(MSR_VM_CR, &vm_cr) || vm_cr & VM_CR_SVMDIS) {
        return;
    }
    r = cpuid(LEAF_SVM, 0);
    f->present = true;
    f->nested_paging = r.edx & SVM_EDX_NP;
    f->next_rip = r.edx & SVM_EDX_NRIPS;
    f->nr_asids = r.ebx;
    f->pkru = cpu_features.max_leaf >= 7 && cpuid(7, 0).ecx & LEAF7_ECX_PKU;
}

uint32_t svm_pkru_switch(uint32_t value)
{
    uint32_t old;

    write_cr4(cr4_base | CR4_PKE);
    old = svm_exchange_pkru(value);
    write_cr4(cr4_base);
    return old;
}

void svm_cpu_on(uint64_t save_area, uint64_t host)
{
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
    wrmsr(MSR_VM_HSAVE_PA, save_area);
    svm_save_host(host);
}

void svm_cpu_off(void)
{
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~EFER_SVME);
}
