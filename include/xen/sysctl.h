/* SPDX-License-Identifier: MIT */
/*
 * sysctl(struct xen_sysctl): control of the host, for the control domain. Every call carries the
 * interface version; a wrong one answers -EACCES. A list with a null handle asks how long it would
 * be. Power management, faulty memory, profiles and patches have their arguments in
 * sysctl-power.h.
 */
#ifndef XEN_PUBLIC_SYSCTL_H
#define XEN_PUBLIC_SYSCTL_H

#include "xen.h"

#include "domctl.h"
#include "physdev.h"
#include "sysctl-power.h"

#define XEN_SYSCTL_INTERFACE_VERSION 0x00000015

/* xen_sysctl.cmd; the member of u is named alike unless noted */
#define XEN_SYSCTL_readconsole            1
#define XEN_SYSCTL_tbuf_op                2
#define XEN_SYSCTL_physinfo               3
#define XEN_SYSCTL_sched_id               4
#define XEN_SYSCTL_perfc_op               5
#define XEN_SYSCTL_getdomaininfolist      6
#define XEN_SYSCTL_debug_keys             7
#define XEN_SYSCTL_getcpuinfo             8
#define XEN_SYSCTL_availheap              9
#define XEN_SYSCTL_get_pmstat             10
#define XEN_SYSCTL_cpu_hotplug            11
#define XEN_SYSCTL_pm_op                  12
#define XEN_SYSCTL_page_offline_op        14 /* page_offline */
#define XEN_SYSCTL_lockprof_op            15
#define XEN_SYSCTL_cputopoinfo            16
#define XEN_SYSCTL_numainfo               17
#define XEN_SYSCTL_cpupool_op             18
#define XEN_SYSCTL_scheduler_op           19
#define XEN_SYSCTL_coverage_op            20
#define XEN_SYSCTL_psr_cmt_op             21
#define XEN_SYSCTL_pcitopoinfo            22
#define XEN_SYSCTL_psr_alloc              23
#define XEN_SYSCTL_get_cpu_levelling_caps 25 /* cpu_levelling_caps */
#define XEN_SYSCTL_get_cpu_featureset     26 /* cpu_featureset */
#define XEN_SYSCTL_livepatch_op           27 /* livepatch */
#define XEN_SYSCTL_get_cpu_policy         29 /* cpu_policy */

/* ---- The hypervisor's log, keys, traces and counters ----------------------------------------- */

struct xen_sysctl_readconsole {
    uint8_t clear;       /* IN: empty the log afterwards */
    uint8_t incremental; /* IN: start at index, not at the oldest byte */
    uint8_t pad0, pad1;
    uint32_t index;                   /* IN: where to start; OUT: where it ended */
    XEN_GUEST_HANDLE_64(char) buffer; /* OUT */
    uint32_t count;                   /* IN: bytes of room; OUT: bytes */
};

/* Act as if these keys had been typed at the hypervisor's console. */
struct xen_sysctl_debug_keys {
    XEN_GUEST_HANDLE_64(const_char) keys; /* IN */
    uint32_t nr_keys;                     /* IN */
};

#define XEN_SYSCTL_TBUFOP_get_info     0
#define XEN_SYSCTL_TBUFOP_set_cpu_mask 1
#define XEN_SYSCTL_TBUFOP_set_evt_mask 2
#define XEN_SYSCTL_TBUFOP_set_size     3
#define XEN_SYSCTL_TBUFOP_enable       4
#define XEN_SYSCTL_TBUFOP_disable      5

/* Trace buffers, see trace.h. */
struct xen_sysctl_tbuf_op {
    uint32_t cmd;                  /* IN: XEN_SYSCTL_TBUFOP_* */
    struct xenctl_bitmap cpu_mask; /* IN: CPUs to trace */
    uint32_t evt_mask;             /* IN: TRC_* classes; OUT for get_info */
    uint64_aligned_t buffer_mfn;   /* OUT: first frame of struct t_info */
    uint32_t size;                 /* IN: pages a CPU; OUT for get_info: bytes of t_info */
};

#define XEN_SYSCTL_PERFCOP_reset 1
#define XEN_SYSCTL_PERFCOP_query 2

struct xen_sysctl_perfc_desc {
    char name[80];    /* OUT: of a counter */
    uint32_t nr_vals; /* OUT: values it has */
};
typedef struct xen_sysctl_perfc_desc xen_sysctl_perfc_desc_t;
DEFINE_XEN_GUEST_HANDLE(xen_sysctl_perfc_desc_t);
typedef uint32_t xen_sysctl_perfc_val_t;
DEFINE_XEN_GUEST_HANDLE(xen_sysctl_perfc_val_t);

struct xen_sysctl_perfc_op {
    uint32_t cmd;                                      /* IN: XEN_SYSCTL_PERFCOP_* */
    uint32_t nr_counters;                              /* OUT: descriptions */
    uint32_t nr_vals;                                  /* OUT: values of all */
    XEN_GUEST_HANDLE_64(xen_sysctl_perfc_desc_t) desc; /* OUT, may be null */
    XEN_GUEST_HANDLE_64(xen_sysctl_perfc_val_t) val;   /* OUT, may be null */
};

/* ---- The host -------------------------------------------------------------------------------- */

/* xen_sysctl_physinfo.capabilities */
#define _XEN_SYSCTL_PHYSCAP_hvm                0
#define XEN_SYSCTL_PHYSCAP_hvm                 (1u << _XEN_SYSCTL_PHYSCAP_hvm)
#define _XEN_SYSCTL_PHYSCAP_pv                 1
#define XEN_SYSCTL_PHYSCAP_pv                  (1u << _XEN_SYSCTL_PHYSCAP_pv)
#define _XEN_SYSCTL_PHYSCAP_directio           2
#define XEN_SYSCTL_PHYSCAP_directio            (1u << _XEN_SYSCTL_PHYSCAP_directio)
#define _XEN_SYSCTL_PHYSCAP_hap                3
#define XEN_SYSCTL_PHYSCAP_hap                 (1u << _XEN_SYSCTL_PHYSCAP_hap)
#define _XEN_SYSCTL_PHYSCAP_shadow             4
#define XEN_SYSCTL_PHYSCAP_shadow              (1u << _XEN_SYSCTL_PHYSCAP_shadow)
#define _XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share 5
#define XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share  (1u << _XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share)
#define XEN_SYSCTL_PHYSCAP_vmtrace             (1u << 6)
#define XEN_SYSCTL_PHYSCAP_vpmu                (1u << 7)
#define XEN_SYSCTL_PHYSCAP_gnttab_v1           (1u << 8)
#define XEN_SYSCTL_PHYSCAP_gnttab_v2           (1u << 9)
#define XEN_SYSCTL_PHYSCAP_MAX                 XEN_SYSCTL_PHYSCAP_gnttab_v2

struct xen_sysctl_physinfo {
    uint32_t threads_per_core;  /* OUT */
    uint32_t cores_per_socket;  /* OUT */
    uint32_t nr_cpus;           /* OUT: CPUs online */
    uint32_t max_cpu_id;        /* OUT: highest CPU there can be */
    uint32_t nr_nodes;          /* OUT: NUMA nodes online */
    uint32_t max_node_id;       /* OUT: highest node there can be */
    uint32_t cpu_khz;           /* OUT */
    uint32_t capabilities;      /* OUT: XEN_SYSCTL_PHYSCAP_* */
    uint32_t arch_capabilities; /* OUT: 0 on x86 */
    uint32_t pad;
    uint64_aligned_t total_pages;       /* OUT: RAM */
    uint64_aligned_t free_pages;        /* OUT */
    uint64_aligned_t scrub_pages;       /* OUT: free but not yet cleaned */
    uint64_aligned_t outstanding_pages; /* OUT: claimed, see XENMEM_claim_pages */
    uint64_aligned_t max_mfn;           /* OUT: highest machine frame there can be */
    uint32_t hw_cap[8];                 /* OUT: words of CPUID features */
};

/* Time that each CPU was idle. */
struct xen_sysctl_cpuinfo {
    uint64_aligned_t idletime; /* OUT: ns */
};
typedef struct xen_sysctl_cpuinfo xen_sysctl_cpuinfo_t;
DEFINE_XEN_GUEST_HANDLE(xen_sysctl_cpuinfo_t);

struct xen_sysctl_getcpuinfo {
    uint32_t max_cpus;                              /* IN: room */
    XEN_GUEST_HANDLE_64(xen_sysctl_cpuinfo_t) info; /* OUT */
    uint32_t nr_cpus;                               /* OUT: entries */
};

/* Free memory with conditions. */
struct xen_sysctl_availheap {
    uint32_t min_bitwidth;        /* IN: addresses of at least this width; 0: any */
    uint32_t max_bitwidth;        /* IN: addresses of at most this width; 0: any */
    int32_t node;                 /* IN: NUMA node; -1: any */
    uint64_aligned_t avail_bytes; /* OUT */
};

#define XEN_SYSCTL_CPU_HOTPLUG_ONLINE      0
#define XEN_SYSCTL_CPU_HOTPLUG_OFFLINE     1
#define XEN_SYSCTL_CPU_HOTPLUG_SMT_ENABLE  2
#define XEN_SYSCTL_CPU_HOTPLUG_SMT_DISABLE 3

struct xen_sysctl_cpu_hotplug {
    uint32_t cpu; /* IN */
    uint32_t op;  /* IN: XEN_SYSCTL_CPU_HOTPLUG_* */
};

/* "Unknown" in the topology lists. */
#define XEN_INVALID_CORE_ID   (~0U)
#define XEN_INVALID_SOCKET_ID (~0U)
#define XEN_INVALID_NODE_ID   (~0U)
#define XEN_INVALID_MEM_SZ    (~0U)
#define XEN_INVALID_NODE_DIST (~0U)
#define XEN_INVALID_DEV       (XEN_INVALID_NODE_ID - 1)

struct xen_sysctl_cputopo {
    uint32_t core;   /* OUT */
    uint32_t socket; /* OUT */
    uint32_t node;   /* OUT */
};
typedef struct xen_sysctl_cputopo xen_sysctl_cputopo_t;
DEFINE_XEN_GUEST_HANDLE(xen_sysctl_cputopo_t);

struct xen_sysctl_cputopoinfo {
    uint32_t num_cpus;                                 /* IN: room; OUT: entries */
    XEN_GUEST_HANDLE_64(xen_sysctl_cputopo_t) cputopo; /* OUT: by CPU */
};

struct xen_sysctl_meminfo {
    uint64_t memsize; /* OUT: bytes */
    uint64_t memfree; /* OUT: bytes */
};
typedef struct xen_sysctl_meminfo xen_sysctl_meminfo_t;
DEFINE_XEN_GUEST_HANDLE(xen_sysctl_meminfo_t);

struct xen_sysctl_numainfo {
    uint32_t num_nodes;                                /* IN: room; OUT: nodes */
    XEN_GUEST_HANDLE_64(xen_sysctl_meminfo_t) meminfo; /* OUT: by node */
    XEN_GUEST_HANDLE_64(uint32) distance;              /* OUT: from * nodes + to */
};

struct xen_sysctl_pcitopoinfo {
    uint32_t num_devs;                              /* IN: entries; OUT: entries done */
    XEN_GUEST_HANDLE_64(physdev_pci_device_t) devs; /* IN */
    XEN_GUEST_HANDLE_64(uint32) nodes;              /* OUT: node, or XEN_INVALID_DEV */
};

/* ---- Domains, CPU pools, scheduling ---------------------------------------------------------- */

struct xen_sysctl_getdomaininfolist {
    domid_t first_domain;                                   /* IN: lowest id wanted */
    uint32_t max_domains;                                   /* IN: room */
    XEN_GUEST_HANDLE_64(xen_domctl_getdomaininfo_t) buffer; /* OUT: by rising id */
    uint32_t num_domains;                                   /* OUT: entries */
};

struct xen_sysctl_sched_id {
    uint32_t sched_id; /* OUT: XEN_SCHEDULER_* of the first pool */
};

#define XEN_SYSCTL_CPUPOOL_OP_CREATE     1
#define XEN_SYSCTL_CPUPOOL_OP_DESTROY    2
#define XEN_SYSCTL_CPUPOOL_OP_INFO       3 /* of this pool or the next above */
#define XEN_SYSCTL_CPUPOOL_OP_ADDCPU     4
#define XEN_SYSCTL_CPUPOOL_OP_RMCPU      5
#define XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN 6
#define XEN_SYSCTL_CPUPOOL_OP_FREEINFO   7 /* CPUs of no pool */
#define XEN_SYSCTL_CPUPOOL_PAR_ANY       0xFFFFFFFF

struct xen_sysctl_cpupool_op {
    uint32_t op;                 /* IN: XEN_SYSCTL_CPUPOOL_OP_* */
    uint32_t cpupool_id;         /* IN: all but FREEINFO; OUT: CREATE, INFO */
    uint32_t sched_id;           /* IN: CREATE; OUT: INFO */
    uint32_t domid;              /* IN: MOVEDOMAIN */
    uint32_t cpu;                /* IN: ADDCPU, RMCPU */
    uint32_t n_dom;              /* OUT: INFO: domains in it */
    struct xenctl_bitmap cpumap; /* OUT: INFO, FREEINFO */
};

#define ARINC653_MAX_DOMAINS_PER_SCHEDULE 64

struct xen_sysctl_arinc653_schedule {
    uint64_aligned_t major_frame; /* ns */
    uint8_t num_sched_entries;
    struct {
        xen_domain_handle_t dom_handle; /* whose turn */
        uint32_t vcpu_id;
        uint64_aligned_t runtime; /* ns */
    } sched_entries[ARINC653_MAX_DOMAINS_PER_SCHEDULE];
};
typedef struct xen_sysctl_arinc653_schedule xen_sysctl_arinc653_schedule_t;
DEFINE_XEN_GUEST_HANDLE(xen_sysctl_arinc653_schedule_t);

/* Limits: time a vCPU may at least keep a CPU (microseconds), and its slice (ms). */
#define XEN_SYSCTL_SCHED_RATELIMIT_MAX   500000
#define XEN_SYSCTL_SCHED_RATELIMIT_MIN   100
#define XEN_SYSCTL_CSCHED_TSLICE_MAX     1000
#define XEN_SYSCTL_CSCHED_TSLICE_MIN     1
#define XEN_SYSCTL_CSCHED_MGR_DLY_MAX_US (100 * 1000)

struct xen_sysctl_credit_schedule {
    uint32_t tslice_ms;          /* time slice */
    uint32_t ratelimit_us;       /* 0: none */
    uint32_t vcpu_migr_delay_us; /* a vCPU that ran this recently is not moved */
};

struct xen_sysctl_credit2_schedule {
    uint32_t ratelimit_us; /* 0: none */
};

struct xen_sysctl_sched_arinc653 {
    XEN_GUEST_HANDLE_64(xen_sysctl_arinc653_schedule_t) schedule;
};

#define XEN_SYSCTL_SCHEDOP_putinfo 0
#define XEN_SYSCTL_SCHEDOP_getinfo 1

struct xen_sysctl_scheduler_op {
    uint32_t cpupool_id; /* IN */
    uint32_t sched_id;   /* IN: XEN_SCHEDULER_* of that pool */
    uint32_t cmd;        /* IN: XEN_SYSCTL_SCHEDOP_* */
    union {
        struct xen_sysctl_sched_arinc653 sched_arinc653;
        struct xen_sysctl_credit_schedule sched_credit; /* IN for put, OUT: in force */
        struct xen_sysctl_credit2_schedule sched_credit2;
    } u;
};

/* ---- CPU features ---------------------------------------------------------------------------- */

/* xen_sysctl_cpu_levelling_caps.caps: what can be hidden from PV guests that use CPUID directly */
#define XEN_SYSCTL_CPU_LEVELCAP_faulting    (1ul << 0) /* everything: CPUID faults */
#define XEN_SYSCTL_CPU_LEVELCAP_ecx         (1ul << 1) /* leaf 1, ecx; and so on */
#define XEN_SYSCTL_CPU_LEVELCAP_edx         (1ul << 2)
#define XEN_SYSCTL_CPU_LEVELCAP_extd_ecx    (1ul << 3)
#define XEN_SYSCTL_CPU_LEVELCAP_extd_edx    (1ul << 4)
#define XEN_SYSCTL_CPU_LEVELCAP_xsave_eax   (1ul << 5)
#define XEN_SYSCTL_CPU_LEVELCAP_thermal_ecx (1ul << 6)
#define XEN_SYSCTL_CPU_LEVELCAP_l7s0_eax    (1ul << 7)
#define XEN_SYSCTL_CPU_LEVELCAP_l7s0_ebx    (1ul << 8)

struct xen_sysctl_cpu_levelling_caps {
    uint32_t caps; /* OUT: XEN_SYSCTL_CPU_LEVELCAP_* */
};

#define XEN_SYSCTL_cpu_featureset_raw     0 /* as the CPU says */
#define XEN_SYSCTL_cpu_featureset_host    1 /* as the hypervisor uses it */
#define XEN_SYSCTL_cpu_featureset_pv      2 /* default for PV */
#define XEN_SYSCTL_cpu_featureset_hvm     3 /* default for fully virtualized */
#define XEN_SYSCTL_cpu_featureset_pv_max  4 /* most a PV domain can have */
#define XEN_SYSCTL_cpu_featureset_hvm_max 5 /* most a fully virtualized one can have */

struct xen_sysctl_cpu_featureset {
    uint32_t index;                       /* IN: XEN_SYSCTL_cpu_featureset_* */
    uint32_t nr_features;                 /* IN: room; OUT: words */
    XEN_GUEST_HANDLE_64(uint32) features; /* OUT: words of feature bits */
};

#define XEN_SYSCTL_cpu_policy_raw         0
#define XEN_SYSCTL_cpu_policy_host        1
#define XEN_SYSCTL_cpu_policy_pv_max      2
#define XEN_SYSCTL_cpu_policy_hvm_max     3
#define XEN_SYSCTL_cpu_policy_pv_default  4
#define XEN_SYSCTL_cpu_policy_hvm_default 5

typedef struct xen_sysctl_cpu_policy {
    uint32_t index;                               /* IN: XEN_SYSCTL_cpu_policy_* */
    uint32_t nr_leaves;                           /* IN: room; OUT: entries */
    uint32_t nr_msrs;                             /* IN: room; OUT: entries */
    uint32_t _rsvd;                               /* 0 */
    XEN_GUEST_HANDLE_64(xen_cpuid_leaf_t) leaves; /* OUT */
    XEN_GUEST_HANDLE_64(xen_msr_entry_t) msrs;    /* OUT */
} xen_sysctl_cpu_policy_t;
DEFINE_XEN_GUEST_HANDLE(xen_sysctl_cpu_policy_t);

/* ---- The call -------------------------------------------------------------------------------- */

struct xen_sysctl {
    uint32_t cmd;               /* IN: XEN_SYSCTL_* */
    uint32_t interface_version; /* IN: XEN_SYSCTL_INTERFACE_VERSION */
    union {
        struct xen_sysctl_readconsole readconsole;
        struct xen_sysctl_tbuf_op tbuf_op;
        struct xen_sysctl_physinfo physinfo;
        struct xen_sysctl_cputopoinfo cputopoinfo;
        struct xen_sysctl_pcitopoinfo pcitopoinfo;
        struct xen_sysctl_numainfo numainfo;
        struct xen_sysctl_sched_id sched_id;
        struct xen_sysctl_perfc_op perfc_op;
        struct xen_sysctl_getdomaininfolist getdomaininfolist;
        struct xen_sysctl_debug_keys debug_keys;
        struct xen_sysctl_getcpuinfo getcpuinfo;
        struct xen_sysctl_availheap availheap;
        struct xen_sysctl_get_pmstat get_pmstat;
        struct xen_sysctl_cpu_hotplug cpu_hotplug;
        struct xen_sysctl_pm_op pm_op;
        struct xen_sysctl_page_offline_op page_offline;
        struct xen_sysctl_lockprof_op lockprof_op;
        struct xen_sysctl_cpupool_op cpupool_op;
        struct xen_sysctl_scheduler_op scheduler_op;
        struct xen_sysctl_coverage_op coverage_op;
        struct xen_sysctl_psr_cmt_op psr_cmt_op;
        struct xen_sysctl_psr_alloc psr_alloc;
        struct xen_sysctl_cpu_levelling_caps cpu_levelling_caps;
        struct xen_sysctl_cpu_featureset cpu_featureset;
        struct xen_sysctl_livepatch_op livepatch;
        struct xen_sysctl_cpu_policy cpu_policy;
        uint8_t pad[128];
    } u;
};
typedef struct xen_sysctl xen_sysctl_t;
DEFINE_XEN_GUEST_HANDLE(xen_sysctl_t);

#endif /* XEN_PUBLIC_SYSCTL_H */
