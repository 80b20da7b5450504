/* SPDX-License-Identifier: MIT */
/*
 * A virtual CPU. Its guest registers are saved by the entry code straight into `regs` (TSS.rsp0 points at their end),
 * so the structure's head is assembly's contract: x86/vcpu_head.h.
 * Invariant: while a vCPU runs, only its CPU touches the groups marked "owner"; otherwise they need it paused.
 */
#ifndef DOMAIN_VCPU_H
#define DOMAIN_VCPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/vcpu.h>
#include <xen/xen.h>

#include "common/typed_int.h"
#include "debug/counters.h"
#include "x86/vcpu_head.h"

struct domain;
struct full_vcpu;
struct switch_hooks;

/* Why a vCPU does not run: bits of pause_flags. It is runnable when all are clear. */
#define VPF_DOWN        (1u << 0) /* not brought up, or VCPUOP_down */
#define VPF_BLOCKED     (1u << 1) /* SCHEDOP_block: ends with an event */
#define VPF_POLLING     (1u << 2) /* SCHEDOP_poll */
#define VPF_PAUSED      (1u << 3) /* its domain's or its own pause count is not zero */
#define VPF_DYING       (1u << 4) /* domain is being destroyed or has shut down */

struct guest_callback {
    uint64_t addr; /* canonical, not in the hypervisor's range; 0 is "none" */
    bool mask_events;
};

/* One entry of the virtual IDT, as set_trap_table gives it, checked. */
struct guest_trap {
    uint64_t addr;
    uint16_t cs;    /* RPL 3 */
    uint8_t dpl;    /* lowest privilege that may `int n` it */
    bool mask_events;
};

/* What pv/ keeps a vCPU; here because it is created, read and set with the vCPU (get/set vcpu context). */
struct pv_vcpu {
    /* owner; as far as `traps` also in x86/vcpu_head.h */
    mfn_t kernel_root;          /* L4 in guest kernel mode; a type reference is held */
    mfn_t user_root;            /* L4 in guest user mode, or MFN_INVALID; a type reference is held */
    uint64_t kernel_sp;
    struct guest_callback syscall;
    struct guest_trap *traps[8]; /* by vector / 32, each of 32 entries, allocated when first set: pv/callbacks.c */
    uint64_t kernel_ss;
    struct guest_callback event, failsafe, syscall32, sysenter;
    uint64_t fs_base;
    uint64_t gs_base_kernel;    /* active in kernel mode */
    uint64_t gs_base_user;
    uint64_t debugreg[8];
    uint64_t guest_cr4;         /* bits the guest may set */
    uint8_t iopl;
    bool cr0_ts;                /* the guest's CR0.TS: its FPU use faults */
    bool nmi_masked, nmi_pending;
    uint32_t tsc_aux;           /* what rdtscp and rdpid answer */
    uint32_t pci_address;       /* hardware domain: what it wrote to port 0xcf8 */
    uint32_t iobitmap_ports;    /* bits at iobitmap; 0: none */
    gva_t iobitmap;             /* in the guest kernel's address space: ports that user mode may not use */
    /* descriptor tables: frames with a segdesc type reference each */
    mfn_t gdt_frames[14];
    uint16_t gdt_ents;
    mfn_t ldt_frames[16];
    uint16_t ldt_ents;
    uint64_t ldt_base;
};

struct vcpu {
    struct domain *domain;         /* const; first, so that regs' hardware frame ends 16-byte aligned */
    struct cpu_user_regs regs;     /* guest state outside the guest; owner */
    uint64_t hv_stack_top;         /* main stack of the CPU that runs it; owner */
    struct vcpu_info *info;        /* in guest memory: every field is hostile; pinned mapping; owner */
    uint8_t guest_kernel;          /* 1: in guest kernel mode, 0: in guest user mode; owner */
    uint8_t exit_iret;             /* 1: leave by iretq (not sysret), all registers matter; owner */
    uint8_t exit_call;             /* 1: upcall_exit_to_guest() is wanted though no event is pending; owner */
    uint8_t slow_paths;            /* why pv/fast.S must leave entries to C: PV_SLOW_*; owner */
    uint16_t id;                   /* const */
    struct vcpu_counters *counters;

    struct pv_vcpu pv;
    struct full_vcpu *full;        /* full/: NULL for a vCPU of a PV domain; const */
    const struct switch_hooks *hooks; /* its room's, sched/switch_hooks.h; const once it is made */
    void *fpu;                     /* save area; owner */

    /* hypercall restart and multicall, see hypercall/ */
    uint64_t hc_restart_args[6];
    uint8_t hc_in_multicall;
    uint8_t hc_restarted;
    uint16_t hc_nr;

    /* scheduling: fields of sched/ are under its run-queue lock */
    uint32_t pause_flags;          /* VPF_*, atomic */
    uint32_t pause_count;          /* atomic */
    uint32_t processor;            /* where it runs or last ran; run-queue lock */
    uint32_t running;              /* 1 while loaded on a CPU; written by that CPU */
    struct sched_vcpu *sched;      /* private to sched/ */
    uint64_t affinity_hard, affinity_soft;

    /* time */
    struct vcpu_runstate_info runstate; /* owner, or run-queue lock while not running */
    gva_t runstate_area;           /* guest address, 0 none; fault-tolerant writes only */
    gva_t time_area;
    uint64_t periodic_ns;          /* 0: no periodic timer */
    uint64_t last_timer_ns;        /* when the periodic timer fired last */
    uint32_t time_version;

    /* events */
    mfn_t info_frame;              /* registered vcpu_info frame, MFN_INVALID while in shared_info */
    uint32_t virq_port[24];        /* port a VIRQ is bound to, 0 none; domain's event lock */
    uint32_t poll_port;            /* SCHEDOP_poll on one port, or 0xffffffff for a list */

    uint8_t initialised;           /* 0: no context, 1: somebody is setting it, VCPU_INITIALISED: it has one */
    bool ended;                    /* its units have been killed */
};

#define VCPU_HEAD_IS_SAME(field)                                                                   \
    _Static_assert(offsetof(struct vcpu, field) == offsetof(struct vcpu_head, field), "entry code's view of " #field)
VCPU_HEAD_IS_SAME(domain);
VCPU_HEAD_IS_SAME(regs);
VCPU_HEAD_IS_SAME(hv_stack_top);
VCPU_HEAD_IS_SAME(info);
VCPU_HEAD_IS_SAME(guest_kernel);
VCPU_HEAD_IS_SAME(exit_iret);
VCPU_HEAD_IS_SAME(exit_call);
VCPU_HEAD_IS_SAME(slow_paths);
VCPU_HEAD_IS_SAME(counters);
#undef VCPU_HEAD_IS_SAME
#define VCPU_HEAD_HAS(name, field)                                                                 \
    _Static_assert(offsetof(struct vcpu, pv.field) == offsetof(struct vcpu_head, name), "entry code's view of " #field)
VCPU_HEAD_HAS(kernel_root, kernel_root);
VCPU_HEAD_HAS(user_root, user_root);
VCPU_HEAD_HAS(kernel_sp, kernel_sp);
VCPU_HEAD_HAS(syscall_addr, syscall.addr);
VCPU_HEAD_HAS(syscall_mask, syscall.mask_events);
VCPU_HEAD_HAS(traps, traps);
#undef VCPU_HEAD_HAS
_Static_assert(sizeof(struct guest_trap) == 1u << TRAP_BYTES_SHIFT && offsetof(struct guest_trap, addr) == TRAP_ADDR &&
                   offsetof(struct guest_trap, mask_events) == TRAP_MASK_EVENTS,
               "entry code's view of a trap entry");

#define VCPU_INITIALISED 2

static inline bool vcpu_runnable(const struct vcpu *v)
{
    return __atomic_load_n(&v->pause_flags, __ATOMIC_ACQUIRE) == 0;
}

/* Allocate vCPU id of d: everything but its context; down until brought up. -ENOMEM, -EEXIST, -EINVAL. */
int vcpu_create(struct domain *d, unsigned int id);
void vcpu_destroy(struct vcpu *v);
/* The current vCPU's guest marks this moment: a record, and its domain's counters as they stand, if it is traced. */
void vcpu_mark(struct vcpu *v, uint32_t value);

/*
 * Load a context from a control domain or VCPUOP_initialise: checks every field, takes references, -EINVAL with
 * nothing changed. Defined in pv/context.c behind the unit table (domain/ calls it through domain_ops).
 */
struct vcpu_guest_context;

#endif
