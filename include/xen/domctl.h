/* SPDX-License-Identifier: MIT */
/*
 * domctl(struct xen_domctl): control of one domain, for the control domain. Every call carries the
 * interface version; a wrong one answers -EACCES. A call that answers -ERESTART did a part of its
 * work and must be issued again. "CPU time", "ns" and sizes are as the field comments say. The
 * arguments of device, debugging and monitoring operations are in domctl-devices.h.
 */
#ifndef XEN_PUBLIC_DOMCTL_H
#define XEN_PUBLIC_DOMCTL_H

#include "xen.h"

#include "arch-x86/hvm/save.h"
#include "domctl-devices.h"
#include "event_channel.h"
#include "grant_table.h"
#include "memory.h"

#define XEN_DOMCTL_INTERFACE_VERSION 0x00000015

/* xen_domctl.cmd; the member of u is named alike unless noted */
#define XEN_DOMCTL_createdomain            1
#define XEN_DOMCTL_destroydomain           2 /* no argument */
#define XEN_DOMCTL_pausedomain             3 /* no argument */
#define XEN_DOMCTL_unpausedomain           4 /* no argument */
#define XEN_DOMCTL_getdomaininfo           5
#define XEN_DOMCTL_setvcpuaffinity         9 /* vcpuaffinity */
#define XEN_DOMCTL_shadow_op               10
#define XEN_DOMCTL_max_mem                 11
#define XEN_DOMCTL_setvcpucontext          12 /* vcpucontext */
#define XEN_DOMCTL_getvcpucontext          13 /* vcpucontext */
#define XEN_DOMCTL_getvcpuinfo             14
#define XEN_DOMCTL_max_vcpus               15
#define XEN_DOMCTL_scheduler_op            16
#define XEN_DOMCTL_setdomainhandle         17
#define XEN_DOMCTL_setdebugging            18
#define XEN_DOMCTL_irq_permission          19
#define XEN_DOMCTL_iomem_permission        20
#define XEN_DOMCTL_ioport_permission       21
#define XEN_DOMCTL_hypercall_init          22
#define XEN_DOMCTL_settimeoffset           24
#define XEN_DOMCTL_getvcpuaffinity         25 /* vcpuaffinity */
#define XEN_DOMCTL_real_mode_area          26 /* other architecture */
#define XEN_DOMCTL_resumedomain            27 /* no argument */
#define XEN_DOMCTL_sendtrigger             28
#define XEN_DOMCTL_subscribe               29
#define XEN_DOMCTL_gethvmcontext           33 /* hvmcontext */
#define XEN_DOMCTL_sethvmcontext           34 /* hvmcontext */
#define XEN_DOMCTL_set_address_size        35 /* address_size */
#define XEN_DOMCTL_get_address_size        36 /* address_size */
#define XEN_DOMCTL_assign_device           37
#define XEN_DOMCTL_bind_pt_irq             38
#define XEN_DOMCTL_memory_mapping          39
#define XEN_DOMCTL_ioport_mapping          40
#define XEN_DOMCTL_set_ext_vcpucontext     42 /* ext_vcpucontext */
#define XEN_DOMCTL_get_ext_vcpucontext     43 /* ext_vcpucontext */
#define XEN_DOMCTL_set_opt_feature         44 /* withdrawn */
#define XEN_DOMCTL_test_assign_device      45 /* assign_device */
#define XEN_DOMCTL_set_target              46
#define XEN_DOMCTL_deassign_device         47 /* assign_device */
#define XEN_DOMCTL_unbind_pt_irq           48 /* bind_pt_irq */
#define XEN_DOMCTL_get_device_group        50
#define XEN_DOMCTL_debug_op                54
#define XEN_DOMCTL_gethvmcontext_partial   55 /* hvmcontext_partial */
#define XEN_DOMCTL_vm_event_op             56
#define XEN_DOMCTL_mem_sharing_op          57
#define XEN_DOMCTL_gettscinfo              59 /* tsc_info */
#define XEN_DOMCTL_settscinfo              60 /* tsc_info */
#define XEN_DOMCTL_getpageframeinfo3       61
#define XEN_DOMCTL_setvcpuextstate         62 /* vcpuextstate */
#define XEN_DOMCTL_getvcpuextstate         63 /* vcpuextstate */
#define XEN_DOMCTL_set_access_required     64 /* access_required */
#define XEN_DOMCTL_audit_p2m               65
#define XEN_DOMCTL_set_virq_handler        66
#define XEN_DOMCTL_set_broken_page_p2m     67
#define XEN_DOMCTL_setnodeaffinity         68 /* nodeaffinity */
#define XEN_DOMCTL_getnodeaffinity         69 /* nodeaffinity */
#define XEN_DOMCTL_cacheflush              71
#define XEN_DOMCTL_get_vcpu_msrs           72 /* vcpu_msrs */
#define XEN_DOMCTL_set_vcpu_msrs           73 /* vcpu_msrs */
#define XEN_DOMCTL_setvnumainfo            74 /* vnuma */
#define XEN_DOMCTL_psr_cmt_op              75
#define XEN_DOMCTL_monitor_op              77
#define XEN_DOMCTL_psr_alloc               78
#define XEN_DOMCTL_soft_reset              79 /* no argument */
#define XEN_DOMCTL_vuart_op                81
#define XEN_DOMCTL_get_cpu_policy          82 /* cpu_policy */
#define XEN_DOMCTL_set_cpu_policy          83 /* cpu_policy */
#define XEN_DOMCTL_vmtrace_op              84
#define XEN_DOMCTL_get_paging_mempool_size 85   /* paging_mempool */
#define XEN_DOMCTL_set_paging_mempool_size 86   /* paging_mempool */
#define XEN_DOMCTL_gdbsx_guestmemio        1000 /* gdbsx_guest_memio */
#define XEN_DOMCTL_gdbsx_pausevcpu         1001 /* gdbsx_pauseunp_vcpu */
#define XEN_DOMCTL_gdbsx_unpausevcpu       1002 /* gdbsx_pauseunp_vcpu */
#define XEN_DOMCTL_gdbsx_domstatus         1003

/* ---- Life of a domain ------------------------------------------------------------------------ */

/* xen_domctl_createdomain.flags */
#define _XEN_DOMCTL_CDF_hvm          0
#define XEN_DOMCTL_CDF_hvm           (1U << _XEN_DOMCTL_CDF_hvm) /* fully virtualized */
#define _XEN_DOMCTL_CDF_hap          1
#define XEN_DOMCTL_CDF_hap           (1U << _XEN_DOMCTL_CDF_hap) /* nested paging */
#define _XEN_DOMCTL_CDF_s3_integrity 2
#define XEN_DOMCTL_CDF_s3_integrity  (1U << _XEN_DOMCTL_CDF_s3_integrity)
#define _XEN_DOMCTL_CDF_oos_off      3
#define XEN_DOMCTL_CDF_oos_off       (1U << _XEN_DOMCTL_CDF_oos_off) /* shadows always in step */
#define _XEN_DOMCTL_CDF_xs_domain    4
#define XEN_DOMCTL_CDF_xs_domain     (1U << _XEN_DOMCTL_CDF_xs_domain) /* runs xenstored */
#define _XEN_DOMCTL_CDF_iommu        5
#define XEN_DOMCTL_CDF_iommu         (1U << _XEN_DOMCTL_CDF_iommu)
#define _XEN_DOMCTL_CDF_nested_virt  6
#define XEN_DOMCTL_CDF_nested_virt   (1U << _XEN_DOMCTL_CDF_nested_virt)
#define XEN_DOMCTL_CDF_vpmu          (1U << 7)
#define XEN_DOMCTL_CDF_MAX           XEN_DOMCTL_CDF_vpmu

/* xen_domctl_createdomain.iommu_opts */
#define _XEN_DOMCTL_IOMMU_no_sharept 0
#define XEN_DOMCTL_IOMMU_no_sharept  (1U << _XEN_DOMCTL_IOMMU_no_sharept)
#define XEN_DOMCTL_IOMMU_MAX         XEN_DOMCTL_IOMMU_no_sharept

/* xen_domctl_createdomain.grant_opts: highest version of grant tables */
#define XEN_DOMCTL_GRANT_version_mask 0xf
#define XEN_DOMCTL_GRANT_version(v)   ((v)&XEN_DOMCTL_GRANT_version_mask)

/* xen_domctl.domain: IN: wanted id, DOMID_INVALID or more: any; OUT: the id */
struct xen_domctl_createdomain {
    uint32_t ssidref;                  /* IN: security label */
    xen_domain_handle_t handle;        /* IN */
    uint32_t flags;                    /* IN: XEN_DOMCTL_CDF_* */
    uint32_t iommu_opts;               /* IN: XEN_DOMCTL_IOMMU_* */
    uint32_t max_vcpus;                /* IN: how many there can ever be */
    uint32_t max_evtchn_port;          /* IN: highest port */
    int32_t max_grant_frames;          /* IN: frames of the grant table; negative: default */
    int32_t max_maptrack_frames;       /* IN: frames to track mappings; negative: default */
    uint32_t grant_opts;               /* IN: XEN_DOMCTL_GRANT_version() */
    uint32_t vmtrace_size;             /* IN: bytes of trace buffer a vCPU; 0: none */
    uint32_t cpupool_id;               /* IN */
    struct xen_arch_domainconfig arch; /* IN */
};

/* xen_domctl_getdomaininfo.flags */
#define _XEN_DOMINF_dying     0
#define XEN_DOMINF_dying      (1U << _XEN_DOMINF_dying)
#define _XEN_DOMINF_hvm_guest 1
#define XEN_DOMINF_hvm_guest  (1U << _XEN_DOMINF_hvm_guest)
#define _XEN_DOMINF_shutdown  2
#define XEN_DOMINF_shutdown   (1U << _XEN_DOMINF_shutdown) /* reason: see the shift below */
#define _XEN_DOMINF_paused    3
#define XEN_DOMINF_paused     (1U << _XEN_DOMINF_paused) /* by the tools */
#define _XEN_DOMINF_blocked   4
#define XEN_DOMINF_blocked    (1U << _XEN_DOMINF_blocked) /* every vCPU waits */
#define _XEN_DOMINF_running   5
#define XEN_DOMINF_running    (1U << _XEN_DOMINF_running) /* some vCPU runs */
#define _XEN_DOMINF_debugged  6
#define XEN_DOMINF_debugged   (1U << _XEN_DOMINF_debugged)
#define _XEN_DOMINF_xs_domain 7
#define XEN_DOMINF_xs_domain  (1U << _XEN_DOMINF_xs_domain)
#define _XEN_DOMINF_hap       8
#define XEN_DOMINF_hap        (1U << _XEN_DOMINF_hap)

/* The SHUTDOWN_* reason within flags. */
#define XEN_DOMINF_shutdownmask  255
#define XEN_DOMINF_shutdownshift 16

#define XEN_INVALID_MAX_VCPU_ID  (~0U)

/* Of the domain named or, as sysctl's list does, the next one above. */
struct xen_domctl_getdomaininfo {
    domid_t domain; /* OUT */
    uint16_t pad1;
    uint32_t flags;                     /* OUT: XEN_DOMINF_* */
    uint64_aligned_t tot_pages;         /* OUT: pages it has */
    uint64_aligned_t max_pages;         /* OUT: pages it may have */
    uint64_aligned_t outstanding_pages; /* OUT: pages set aside for it */
    uint64_aligned_t shr_pages;         /* OUT: deduplicated pages */
    uint64_aligned_t paged_pages;       /* OUT: pages paged out */
    uint64_aligned_t shared_info_frame; /* OUT: frame of shared_info */
    uint64_aligned_t cpu_time;          /* OUT: ns, all vCPUs together */
    uint32_t nr_online_vcpus;           /* OUT */
    uint32_t max_vcpu_id;               /* OUT: highest id, or XEN_INVALID_MAX_VCPU_ID */
    uint32_t ssidref;                   /* OUT */
    xen_domain_handle_t handle;         /* OUT */
    uint32_t cpupool;                   /* OUT */
    uint8_t gpaddr_bits;                /* OUT: width of its physical addresses */
    uint8_t pad2[7];
    struct xen_arch_domainconfig arch_config; /* OUT */
};
typedef struct xen_domctl_getdomaininfo xen_domctl_getdomaininfo_t;
DEFINE_XEN_GUEST_HANDLE(xen_domctl_getdomaininfo_t);

struct xen_domctl_setdomainhandle {
    xen_domain_handle_t handle; /* IN */
};

/* Fill a page with hypercall stubs: 128 slots of 32 bytes, by number. */
struct xen_domctl_hypercall_init {
    uint64_aligned_t gmfn; /* IN: frame */
};

struct xen_domctl_settimeoffset {
    int64_aligned_t time_offset_seconds; /* IN: of its wall clock to ours */
};

/* Width of a PV domain's registers; before it has memory. */
struct xen_domctl_address_size {
    uint32_t size; /* IN or OUT: 32 or 64 */
};

#define XEN_DOMCTL_SENDTRIGGER_NMI   0
#define XEN_DOMCTL_SENDTRIGGER_RESET 1
#define XEN_DOMCTL_SENDTRIGGER_INIT  2
#define XEN_DOMCTL_SENDTRIGGER_POWER 3
#define XEN_DOMCTL_SENDTRIGGER_SLEEP 4

struct xen_domctl_sendtrigger {
    uint32_t trigger; /* IN: XEN_DOMCTL_SENDTRIGGER_* */
    uint32_t vcpu;    /* IN */
};

/* Let a domain do for another what a device model does. */
struct xen_domctl_set_target {
    domid_t target; /* IN: the other */
};

/* Send a domain-wide virtual IRQ to this domain instead of to the control domain. */
struct xen_domctl_set_virq_handler {
    uint32_t virq; /* IN: VIRQ_* */
};

/* ---- Memory ---------------------------------------------------------------------------------- */

struct xen_domctl_max_mem {
    uint64_aligned_t max_memkb; /* IN: KiB */
};

/* Entries of getpageframeinfo3: type of each frame, in the top four bits. */
#define XEN_DOMCTL_PFINFO_LTAB_SHIFT    28
#define XEN_DOMCTL_PFINFO_NOTAB         (0x0U << 28)
#define XEN_DOMCTL_PFINFO_L1TAB         (0x1U << 28)
#define XEN_DOMCTL_PFINFO_L2TAB         (0x2U << 28)
#define XEN_DOMCTL_PFINFO_L3TAB         (0x3U << 28)
#define XEN_DOMCTL_PFINFO_L4TAB         (0x4U << 28)
#define XEN_DOMCTL_PFINFO_LTABTYPE_MASK (0x7U << 28)
#define XEN_DOMCTL_PFINFO_LPINTAB       (0x1U << 31) /* pinned */
#define XEN_DOMCTL_PFINFO_XTAB          (0xfU << 28) /* no frame */
#define XEN_DOMCTL_PFINFO_XALLOC        (0xeU << 28) /* to be allocated, no contents */
#define XEN_DOMCTL_PFINFO_BROKEN        (0xdU << 28) /* faulty memory */
#define XEN_DOMCTL_PFINFO_LTAB_MASK     (0xfU << 28)

struct xen_domctl_getpageframeinfo3 {
    uint64_aligned_t num;                 /* IN: entries */
    XEN_GUEST_HANDLE_64(xen_pfn_t) array; /* IN: frames; OUT: XEN_DOMCTL_PFINFO_* */
};

/* xen_domctl_shadow_op.op */
#define XEN_DOMCTL_SHADOW_OP_OFF             0
#define XEN_DOMCTL_SHADOW_OP_ENABLE_TEST     1
#define XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY 2
#define XEN_DOMCTL_SHADOW_OP_CLEAN           11 /* read and reset the dirty bitmap */
#define XEN_DOMCTL_SHADOW_OP_PEEK            12 /* read it */
#define XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION  30
#define XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION  31
#define XEN_DOMCTL_SHADOW_OP_ENABLE          32

/* xen_domctl_shadow_op.mode for ENABLE, and for CLEAN and PEEK */
#define XEN_DOMCTL_SHADOW_ENABLE_REFCOUNT  (1 << 1)
#define XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY (1 << 2)
#define XEN_DOMCTL_SHADOW_ENABLE_TRANSLATE (1 << 3)
#define XEN_DOMCTL_SHADOW_ENABLE_EXTERNAL  (1 << 4)
#define XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL   (1 << 0)

struct xen_domctl_shadow_op_stats {
    uint32_t fault_count; /* OUT: since the last CLEAN */
    uint32_t dirty_count; /* OUT: pages */
};

struct xen_domctl_shadow_op {
    uint32_t op;                             /* IN: XEN_DOMCTL_SHADOW_OP_* */
    uint32_t mode;                           /* IN: by op, see above */
    uint32_t mb;                             /* IN or OUT: MiB, for *_ALLOCATION */
    XEN_GUEST_HANDLE_64(uint8) dirty_bitmap; /* OUT: bit per PFN */
    uint64_aligned_t pages;                  /* IN: bits of room; OUT: bits written */
    struct xen_domctl_shadow_op_stats stats; /* OUT */
};

/* Memory for shadows or nested tables. */
struct xen_domctl_paging_mempool {
    uint64_aligned_t size; /* IN or OUT: bytes */
};

struct xen_domctl_nodeaffinity {
    struct xenctl_bitmap nodemap; /* IN or OUT: NUMA nodes to take memory from */
};

struct xen_domctl_vnuma {
    uint32_t nr_vnodes;     /* IN */
    uint32_t nr_vmemranges; /* IN */
    uint32_t nr_vcpus;      /* IN */
    uint32_t pad;
    XEN_GUEST_HANDLE_64(uint) vdistance;            /* IN: nr_vnodes * nr_vnodes */
    XEN_GUEST_HANDLE_64(uint) vcpu_to_vnode;        /* IN: nr_vcpus */
    XEN_GUEST_HANDLE_64(uint) vnode_to_pnode;       /* IN: nr_vnodes */
    XEN_GUEST_HANDLE_64(xen_vmemrange_t) vmemrange; /* IN: nr_vmemranges */
};

/* ---- vCPUs ----------------------------------------------------------------------------------- */

struct xen_domctl_max_vcpus {
    uint32_t max; /* IN: make vCPUs 0 .. max-1 */
};

struct xen_domctl_vcpucontext {
    uint32_t vcpu;                                  /* IN */
    XEN_GUEST_HANDLE_64(vcpu_guest_context_t) ctxt; /* IN for set (null: offline), OUT for get */
};

struct xen_domctl_getvcpuinfo {
    uint32_t vcpu;             /* IN */
    uint8_t online;            /* OUT: is up */
    uint8_t blocked;           /* OUT: waits for an event */
    uint8_t running;           /* OUT: is on a CPU */
    uint64_aligned_t cpu_time; /* OUT: ns */
    uint32_t cpu;              /* OUT: CPU it runs on, or ran on last */
};

/* xen_domctl_vcpuaffinity.flags: which of the two maps to get or set */
#define _XEN_VCPUAFFINITY_HARD  0
#define XEN_VCPUAFFINITY_HARD   (1U << _XEN_VCPUAFFINITY_HARD) /* may run on these CPUs */
#define _XEN_VCPUAFFINITY_SOFT  1
#define XEN_VCPUAFFINITY_SOFT   (1U << _XEN_VCPUAFFINITY_SOFT) /* prefers these CPUs */
#define _XEN_VCPUAFFINITY_FORCE 2
#define XEN_VCPUAFFINITY_FORCE  (1U << _XEN_VCPUAFFINITY_FORCE) /* end a pin override */

struct xen_domctl_vcpuaffinity {
    uint32_t vcpu;                    /* IN */
    uint32_t flags;                   /* IN: XEN_VCPUAFFINITY_* */
    struct xenctl_bitmap cpumap_hard; /* IN for set; OUT: what is in force */
    struct xenctl_bitmap cpumap_soft;
};

/* What vcpu_guest_context has no room for. */
struct xen_domctl_ext_vcpucontext {
    uint32_t vcpu;                           /* IN */
    uint32_t size;                           /* IN for set, OUT for get: bytes of this structure */
    uint64_aligned_t syscall32_callback_eip; /* entry points: see callback.h */
    uint64_aligned_t sysenter_callback_eip;
    uint16_t syscall32_callback_cs;
    uint16_t sysenter_callback_cs;
    uint8_t syscall32_disables_events;
    uint8_t sysenter_disables_events;
    __extension__ union {
        uint64_aligned_t mcg_cap; /* older callers know only this much */
        struct hvm_vmce_vcpu vmce;
    };
};

/* The XSAVE image of a vCPU. */
struct xen_domctl_vcpuextstate {
    uint32_t vcpu;                  /* IN */
    uint64_aligned_t xfeature_mask; /* OUT for get: XCR0 features in use */
    uint64_aligned_t size;          /* IN: bytes; OUT for get with a null buffer: bytes needed */
    XEN_GUEST_HANDLE_64(uint64) buffer; /* IN for set, OUT for get */
};

typedef struct xen_domctl_vcpu_msr {
    uint32_t index; /* MSR number */
    uint32_t reserved;
    uint64_aligned_t value;
} xen_domctl_vcpu_msr_t;
DEFINE_XEN_GUEST_HANDLE(xen_domctl_vcpu_msr_t);

struct xen_domctl_vcpu_msrs {
    uint32_t vcpu;      /* IN */
    uint32_t msr_count; /* IN: entries; OUT for get: entries written, or there */
    XEN_GUEST_HANDLE_64(xen_domctl_vcpu_msr_t) msrs; /* IN for set, OUT for get */
};

/* How a domain's time-stamp counter behaves. */
struct xen_domctl_tsc_info {
    uint32_t tsc_mode;    /* 0 default, 1 always emulate, 2 never, 3 never, with TSC_AUX */
    uint32_t gtsc_khz;    /* frequency that the guest sees */
    uint32_t incarnation; /* how often it was restored */
    uint32_t pad;
    uint64_aligned_t elapsed_nsec; /* ns of its life so far */
};

#define XEN_CPUID_INPUT_UNUSED 0xFFFFFFFF

/* What CPUID and MSRs tell a domain. */
typedef struct xen_domctl_cpu_policy {
    uint32_t nr_leaves;                           /* IN: entries or room; OUT for get: entries */
    uint32_t nr_msrs;                             /* IN: entries or room; OUT for get: entries */
    XEN_GUEST_HANDLE_64(xen_cpuid_leaf_t) leaves; /* IN for set, OUT for get */
    XEN_GUEST_HANDLE_64(xen_msr_entry_t) msrs;    /* IN for set, OUT for get */
    uint32_t err_leaf, err_subleaf, err_msr;      /* OUT for set: what was refused; else all ones */
} xen_domctl_cpu_policy_t;
DEFINE_XEN_GUEST_HANDLE(xen_domctl_cpu_policy_t);

/* State of a fully virtualized domain, as save records. */
struct xen_domctl_hvmcontext {
    uint32_t size; /* IN: bytes; OUT for get: bytes, with a null buffer those needed */
    XEN_GUEST_HANDLE_64(uint8) buffer; /* IN for set, OUT for get */
};

struct xen_domctl_hvmcontext_partial {
    uint32_t type;                     /* IN: type of record */
    uint32_t instance;                 /* IN: which, e.g. vCPU */
    uint64_aligned_t bufsz;            /* IN: bytes of room; OUT: bytes */
    XEN_GUEST_HANDLE_64(uint8) buffer; /* OUT */
};

/* ---- Scheduling ------------------------------------------------------------------------------ */

/* sched_id: policies by number */
#define XEN_SCHEDULER_CREDIT   5
#define XEN_SCHEDULER_CREDIT2  6
#define XEN_SCHEDULER_ARINC653 7
#define XEN_SCHEDULER_RTDS     8
#define XEN_SCHEDULER_NULL     9

struct xen_domctl_sched_credit {
    uint16_t weight; /* share, relative to other domains; 256 is usual */
    uint16_t cap;    /* percent of one CPU; 0: none */
};

struct xen_domctl_sched_credit2 {
    uint16_t weight; /* as above */
    uint16_t cap;
};

#define _XEN_DOMCTL_SCHEDRT_extra 0
#define XEN_DOMCTL_SCHEDRT_extra  (1U << _XEN_DOMCTL_SCHEDRT_extra) /* may use time left over */

struct xen_domctl_sched_rtds {
    uint32_t period; /* microseconds */
    uint32_t budget; /* microseconds */
    uint32_t flags;  /* XEN_DOMCTL_SCHEDRT_* */
};

/* Parameters of one vCPU. */
typedef struct xen_domctl_schedparam_vcpu {
    union {
        struct xen_domctl_sched_credit credit;
        struct xen_domctl_sched_credit2 credit2;
        struct xen_domctl_sched_rtds rtds;
    } u;
    uint32_t vcpuid;
} xen_domctl_schedparam_vcpu_t;
DEFINE_XEN_GUEST_HANDLE(xen_domctl_schedparam_vcpu_t);

/* xen_domctl_scheduler_op.cmd */
#define XEN_DOMCTL_SCHEDOP_putinfo     0 /* u: by sched_id */
#define XEN_DOMCTL_SCHEDOP_getinfo     1 /* u: by sched_id */
#define XEN_DOMCTL_SCHEDOP_putvcpuinfo 2 /* u.v */
#define XEN_DOMCTL_SCHEDOP_getvcpuinfo 3 /* u.v */

struct xen_domctl_scheduler_op {
    uint32_t sched_id; /* IN: XEN_SCHEDULER_* that the domain runs under */
    uint32_t cmd;      /* IN: XEN_DOMCTL_SCHEDOP_* */
    union {
        struct xen_domctl_sched_credit credit; /* IN for put, OUT for get */
        struct xen_domctl_sched_credit2 credit2;
        struct xen_domctl_sched_rtds rtds;
        struct {
            XEN_GUEST_HANDLE_64(xen_domctl_schedparam_vcpu_t) vcpus; /* IN for put, OUT for get */
            uint32_t nr_vcpus; /* IN: entries; OUT: entries done */
            uint32_t padding;
        } v;
    } u;
};

/* ---- The call -------------------------------------------------------------------------------- */

struct xen_domctl {
    uint32_t cmd;               /* IN: XEN_DOMCTL_* */
    uint32_t interface_version; /* IN: XEN_DOMCTL_INTERFACE_VERSION */
    domid_t domain;             /* IN: which; OUT for createdomain and getdomaininfo */
    uint16_t _pad[3];
    union {
        struct xen_domctl_createdomain createdomain;
        struct xen_domctl_getdomaininfo getdomaininfo;
        struct xen_domctl_getpageframeinfo3 getpageframeinfo3;
        struct xen_domctl_nodeaffinity nodeaffinity;
        struct xen_domctl_vcpuaffinity vcpuaffinity;
        struct xen_domctl_shadow_op shadow_op;
        struct xen_domctl_max_mem max_mem;
        struct xen_domctl_vcpucontext vcpucontext;
        struct xen_domctl_getvcpuinfo getvcpuinfo;
        struct xen_domctl_max_vcpus max_vcpus;
        struct xen_domctl_scheduler_op scheduler_op;
        struct xen_domctl_setdomainhandle setdomainhandle;
        struct xen_domctl_setdebugging setdebugging;
        struct xen_domctl_irq_permission irq_permission;
        struct xen_domctl_iomem_permission iomem_permission;
        struct xen_domctl_ioport_permission ioport_permission;
        struct xen_domctl_hypercall_init hypercall_init;
        struct xen_domctl_settimeoffset settimeoffset;
        struct xen_domctl_tsc_info tsc_info;
        struct xen_domctl_hvmcontext hvmcontext;
        struct xen_domctl_hvmcontext_partial hvmcontext_partial;
        struct xen_domctl_address_size address_size;
        struct xen_domctl_sendtrigger sendtrigger;
        struct xen_domctl_get_device_group get_device_group;
        struct xen_domctl_assign_device assign_device;
        struct xen_domctl_bind_pt_irq bind_pt_irq;
        struct xen_domctl_memory_mapping memory_mapping;
        struct xen_domctl_ioport_mapping ioport_mapping;
        struct xen_domctl_ext_vcpucontext ext_vcpucontext;
        struct xen_domctl_set_target set_target;
        struct xen_domctl_subscribe subscribe;
        struct xen_domctl_debug_op debug_op;
        struct xen_domctl_vm_event_op vm_event_op;
        struct xen_domctl_mem_sharing_op mem_sharing_op;
        struct xen_domctl_cpu_policy cpu_policy;
        struct xen_domctl_vcpuextstate vcpuextstate;
        struct xen_domctl_vcpu_msrs vcpu_msrs;
        struct xen_domctl_set_access_required access_required;
        struct xen_domctl_audit_p2m audit_p2m;
        struct xen_domctl_set_virq_handler set_virq_handler;
        struct xen_domctl_gdbsx_memio gdbsx_guest_memio;
        struct xen_domctl_set_broken_page_p2m set_broken_page_p2m;
        struct xen_domctl_cacheflush cacheflush;
        struct xen_domctl_gdbsx_pauseunp_vcpu gdbsx_pauseunp_vcpu;
        struct xen_domctl_gdbsx_domstatus gdbsx_domstatus;
        struct xen_domctl_vnuma vnuma;
        struct xen_domctl_psr_cmt_op psr_cmt_op;
        struct xen_domctl_monitor_op monitor_op;
        struct xen_domctl_psr_alloc psr_alloc;
        struct xen_domctl_vuart_op vuart_op;
        struct xen_domctl_vmtrace_op vmtrace_op;
        struct xen_domctl_paging_mempool paging_mempool;
        uint8_t pad[128];
    } u;
};
typedef struct xen_domctl xen_domctl_t;
DEFINE_XEN_GUEST_HANDLE(xen_domctl_t);

#endif /* XEN_PUBLIC_DOMCTL_H */
