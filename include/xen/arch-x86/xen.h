/* SPDX-License-Identifier: MIT */
/*
 * x86 part of the core ABI: guest handles, trap tables, the register context of a vCPU, emulation
 * flags of a domain, CPUID and MSR records.
 * Only 64-bit guests exist here: every structure is laid out for x86-64, whatever compiles it.
 */
#include "../xen.h"

#ifndef XEN_PUBLIC_ARCH_X86_XEN_H
#define XEN_PUBLIC_ARCH_X86_XEN_H

/*
 * Guest handles: a pointer wrapped in a structure of its own, so that passing a handle of one type
 * for another does not compile. DEFINE_XEN_GUEST_HANDLE(t) makes the handles of t and of const t.
 */
#define ___DEFINE_XEN_GUEST_HANDLE(name, type)                                                     \
    typedef struct {                                                                               \
        type *p;                                                                                   \
    } __guest_handle_##name
#define __DEFINE_XEN_GUEST_HANDLE(name, type)                                                      \
    ___DEFINE_XEN_GUEST_HANDLE(name, type);                                                        \
    ___DEFINE_XEN_GUEST_HANDLE(const_##name, const type)
#define DEFINE_XEN_GUEST_HANDLE(name) __DEFINE_XEN_GUEST_HANDLE(name, name)
#define __XEN_GUEST_HANDLE(name)      __guest_handle_##name
#define XEN_GUEST_HANDLE(name)        __XEN_GUEST_HANDLE(name)
#define XEN_GUEST_HANDLE_PARAM(name)  XEN_GUEST_HANDLE(name)

/* Point a handle at val. */
#define set_xen_guest_handle_raw(hnd, val)                                                         \
    do {                                                                                           \
        (hnd).p = val;                                                                             \
    } while (0)
#define set_xen_guest_handle(hnd, val) set_xen_guest_handle_raw(hnd, val)

#ifndef __ASSEMBLY__
typedef unsigned long xen_pfn_t; /* a frame number, machine or guest by context */
#define PRI_xen_pfn  "lx"
#define PRIu_xen_pfn "lu"
typedef unsigned long xen_ulong_t; /* a word as wide as the guest's registers */
#define PRI_xen_ulong "lx"
#endif

#include "xen-x86_64.h"

#define XEN_HAVE_PV_GUEST_ENTRY 1
#define XEN_HAVE_PV_UPCALL_MASK 1

/* A guest's GDT may fill the entries below this page; those above are the hypervisor's. */
#define FIRST_RESERVED_GDT_PAGE  14
#define FIRST_RESERVED_GDT_BYTE  (FIRST_RESERVED_GDT_PAGE * 4096)
#define FIRST_RESERVED_GDT_ENTRY (FIRST_RESERVED_GDT_BYTE / 8)

/* vCPUs that have a vcpu_info inside shared_info; others must register their own. */
#define XEN_LEGACY_MAX_VCPUS 32

/* vcpu_guest_context.flags */
#define _VGCF_i387_valid               0
#define VGCF_i387_valid                (1 << _VGCF_i387_valid) /* fpu_ctxt holds a state */
#define _VGCF_in_kernel                2
#define VGCF_in_kernel                 (1 << _VGCF_in_kernel) /* in guest-kernel mode */
#define _VGCF_failsafe_disables_events 3
#define VGCF_failsafe_disables_events  (1 << _VGCF_failsafe_disables_events)
#define _VGCF_syscall_disables_events  4
#define VGCF_syscall_disables_events   (1 << _VGCF_syscall_disables_events)
#define _VGCF_online                   5
#define VGCF_online                    (1 << _VGCF_online) /* may run */
#define VGCF_I387_VALID                (1 << 0)
#define VGCF_IN_KERNEL                 (1 << 2)

/* xen_arch_domainconfig.emulation_flags: devices a fully virtualized domain gets. PV: 0 or PIT. */
#define _XEN_X86_EMU_LAPIC    0
#define XEN_X86_EMU_LAPIC     (1U << _XEN_X86_EMU_LAPIC)
#define _XEN_X86_EMU_HPET     1
#define XEN_X86_EMU_HPET      (1U << _XEN_X86_EMU_HPET)
#define _XEN_X86_EMU_PM       2
#define XEN_X86_EMU_PM        (1U << _XEN_X86_EMU_PM)
#define _XEN_X86_EMU_RTC      3
#define XEN_X86_EMU_RTC       (1U << _XEN_X86_EMU_RTC)
#define _XEN_X86_EMU_IOAPIC   4
#define XEN_X86_EMU_IOAPIC    (1U << _XEN_X86_EMU_IOAPIC)
#define _XEN_X86_EMU_PIC      5
#define XEN_X86_EMU_PIC       (1U << _XEN_X86_EMU_PIC)
#define _XEN_X86_EMU_VGA      6
#define XEN_X86_EMU_VGA       (1U << _XEN_X86_EMU_VGA)
#define _XEN_X86_EMU_IOMMU    7
#define XEN_X86_EMU_IOMMU     (1U << _XEN_X86_EMU_IOMMU)
#define _XEN_X86_EMU_PIT      8
#define XEN_X86_EMU_PIT       (1U << _XEN_X86_EMU_PIT)
#define _XEN_X86_EMU_USE_PIRQ 9
#define XEN_X86_EMU_USE_PIRQ  (1U << _XEN_X86_EMU_USE_PIRQ)
#define _XEN_X86_EMU_VPCI     10
#define XEN_X86_EMU_VPCI      (1U << _XEN_X86_EMU_VPCI)
#define XEN_X86_EMU_ALL       ((XEN_X86_EMU_VPCI << 1) - 1U)

/* xen_arch_domainconfig.misc_flags */
#define XEN_X86_MSR_RELAXED    (1u << 0) /* unknown MSRs read as 0, writes are dropped */
#define XEN_X86_MISC_FLAGS_MAX XEN_X86_MSR_RELAXED

/* xen_cpuid_leaf.subleaf of a leaf that has none */
#define XEN_CPUID_NO_SUBLEAF 0xffffffffu

/* I/O port to which a fully virtualized guest may write debug characters */
#define XEN_HVM_DEBUGCONS_IOPORT 0xe9

/*
 * Forced emulation: an undefined opcode, then the letters "xen", then an instruction that the
 * hypervisor emulates for the guest. CPUID behind it tells what the guest shall believe.
 */
#ifdef __ASSEMBLY__
#define XEN_EMULATE_PREFIX .byte 0x0f, 0x0b, 0x78, 0x65, 0x6e;
#define XEN_CPUID          XEN_EMULATE_PREFIX cpuid
#else
#define XEN_EMULATE_PREFIX ".byte 0x0f,0x0b,0x78,0x65,0x6e ; "
#define XEN_CPUID          XEN_EMULATE_PREFIX "cpuid"
#endif

#ifndef __ASSEMBLY__

/* trap_info.flags: privilege level in bits 0-1, bit 2: enter with events masked. */
#define TI_GET_DPL(_ti)       ((_ti)->flags & 3)
#define TI_GET_IF(_ti)        ((_ti)->flags & 4)
#define TI_SET_DPL(_ti, _dpl) ((_ti)->flags |= (_dpl))
#define TI_SET_IF(_ti, _if)   ((_ti)->flags |= ((!!(_if)) << 2))

/* One exception handler of set_trap_table; a table ends with address 0. */
struct trap_info {
    uint8_t vector;        /* IN: exception number */
    uint8_t flags;         /* IN: TI_* above */
    uint16_t cs;           /* IN: code selector */
    unsigned long address; /* IN: handler */
};
typedef struct trap_info trap_info_t;
DEFINE_XEN_GUEST_HANDLE(trap_info_t);

typedef uint64_t tsc_timestamp_t; /* a reading of the time-stamp counter */

/* The whole state of a vCPU, as VCPUOP_initialise and the vcpucontext domctls carry it. */
struct vcpu_guest_context {
    struct {
        char x[512]; /* FXSAVE image */
    } fpu_ctxt;
    unsigned long flags; /* VGCF_* */
    struct cpu_user_regs user_regs;
    struct trap_info trap_ctxt[256];     /* by vector */
    unsigned long ldt_base, ldt_ents;    /* virtual address, number of entries */
    unsigned long gdt_frames[16];        /* machine frame numbers */
    unsigned long gdt_ents;              /* number of entries */
    unsigned long kernel_ss, kernel_sp;  /* stack for entries from user mode */
    unsigned long ctrlreg[8];            /* CR0..7; [1] user, [3] kernel L4: xen_pfn_to_cr3 */
    unsigned long debugreg[8];           /* DR0..DR7 */
    unsigned long event_callback_eip;    /* event upcall */
    unsigned long failsafe_callback_eip; /* fault on the way into the guest */
    unsigned long syscall_callback_eip;  /* SYSCALL from 64-bit user mode */
    unsigned long vm_assist;             /* bit per VMASST_TYPE_* */
    uint64_t fs_base;                    /* segment bases, virtual addresses */
    uint64_t gs_base_kernel;
    uint64_t gs_base_user;
};
typedef struct vcpu_guest_context vcpu_guest_context_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_guest_context_t);

/* Tail of shared_info. Written by the guest, for the tools, except nmi_reason. */
struct arch_shared_info {
    unsigned long max_pfn;                /* highest PFN with a P2M entry */
    xen_pfn_t pfn_to_mfn_frame_list_list; /* root of the three-level P2M frame list */
    unsigned long nmi_reason;             /* OUT: XEN_NMIREASON_* bits */
    unsigned long p2m_cr3;                /* tables that map the linear P2M; 0: list above */
    unsigned long p2m_vaddr;              /* its virtual address */
    unsigned long p2m_generation;         /* odd while the P2M's mapping changes */
};
typedef struct arch_shared_info arch_shared_info_t;

/* x86 part of XEN_DOMCTL_createdomain. */
struct xen_arch_domainconfig {
    uint32_t emulation_flags; /* IN: XEN_X86_EMU_* */
    uint32_t misc_flags;      /* IN: XEN_X86_MSR_RELAXED */
};

/* One leaf of a CPU policy. */
typedef struct xen_cpuid_leaf {
    uint32_t leaf, subleaf; /* what goes into eax and ecx; XEN_CPUID_NO_SUBLEAF */
    uint32_t a, b, c, d;    /* what comes back */
} xen_cpuid_leaf_t;
DEFINE_XEN_GUEST_HANDLE(xen_cpuid_leaf_t);

/* One MSR of a CPU policy. */
typedef struct xen_msr_entry {
    uint32_t idx;   /* MSR number */
    uint32_t flags; /* must be 0 */
    uint64_t val;
} xen_msr_entry_t;
DEFINE_XEN_GUEST_HANDLE(xen_msr_entry_t);

#endif /* __ASSEMBLY__ */

#endif /* XEN_PUBLIC_ARCH_X86_XEN_H */
