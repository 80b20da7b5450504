/* SPDX-License-Identifier: MIT */
/*
 * mca(struct xen_mc): machine checks. The hypervisor collects them; the first domain is told by
 * VIRQ_MCA and fetches the records: a list of structures, each with a type and its size in bytes.
 * 64-bit guests only, as everywhere in these headers.
 */
#ifndef XEN_PUBLIC_ARCH_X86_XEN_MCA_H
#define XEN_PUBLIC_ARCH_X86_XEN_MCA_H

#include "../xen.h"

#define __HYPERVISOR_mca          __HYPERVISOR_arch_0
#define XEN_MCA_INTERFACE_VERSION 0x01ecc003
#define VIRQ_MCA                  VIRQ_ARCH_0

/* xen_mc.cmd */
#define XEN_MC_fetch        1
#define XEN_MC_notifydomain 2
#define XEN_MC_physcpuinfo  3
#define XEN_MC_msrinject    4
#define XEN_MC_mceinject    5
#define XEN_MC_inject_v2    6

/* xen_mc_fetch.flags, in: which queue, and whether to drop what was fetched before */
#define XEN_MC_NONURGENT 0x0001
#define XEN_MC_URGENT    0x0002
#define XEN_MC_ACK       0x0004

/* xen_mc_fetch.flags and xen_mc_notifydomain.flags, out */
#define XEN_MC_OK             0x0
#define XEN_MC_FETCHFAILED    0x1
#define XEN_MC_NODATA         0x2
#define XEN_MC_NOMATCH        0x4
#define XEN_MC_CANNOTHANDLE   0x8
#define XEN_MC_NOTDELIVERED   0x10

#define XEN_MC_VCPUID_INVALID 0xffff

/* mcinfo_common.type */
#define MC_TYPE_GLOBAL   0
#define MC_TYPE_BANK     1
#define MC_TYPE_EXTENDED 2
#define MC_TYPE_RECOVERY 3

/* mcinfo_global.mc_flags */
#define MC_FLAG_CORRECTABLE   (1 << 0)
#define MC_FLAG_UNCORRECTABLE (1 << 1)
#define MC_FLAG_RECOVERABLE   (1 << 2)
#define MC_FLAG_POLLED        (1 << 3) /* found by looking */
#define MC_FLAG_RESET         (1 << 4) /* found after a reset */
#define MC_FLAG_CMCI          (1 << 5) /* corrected-error interrupt */
#define MC_FLAG_MCE           (1 << 6) /* machine-check exception */

/* mcinfo_recovery.action_flags and .action_types */
#define REC_ACTION_RECOVERED   (0x1 << 0)
#define REC_ACTION_NONE        (0x1 << 1)
#define REC_ACTION_NEED_RESET  (0x1 << 2)
#define MC_ACTION_PAGE_OFFLINE (0x1 << 0)
#define MC_ACTION_CPU_OFFLINE  (0x1 << 1)
#define MC_ACTION_CACHE_SHRINK (0x1 << 2)

/* Bytes of struct mc_info; mc_info.flags: not all records fitted */
#define MCINFO_HYPERCALLSIZE    1024
#define MCINFO_MAXSIZE          768
#define MCINFO_FLAGS_UNCOMPLETE 0x1

/* mcinfo_logical_cpu.mc_cpu_caps: words of CPUID features */
#define MC_NCAPS           7
#define MC_CAPS_STD_EDX    0 /* leaf 1 edx */
#define MC_CAPS_AMD_EDX    1 /* leaf 0x80000001 edx */
#define MC_CAPS_TM         2 /* leaf 0x80860001 edx */
#define MC_CAPS_LINUX      3
#define MC_CAPS_STD_ECX    4 /* leaf 1 ecx */
#define MC_CAPS_VIA        5 /* leaf 0xc0000001 edx */
#define MC_CAPS_AMD_ECX    6 /* leaf 0x80000001 ecx */

#define __MC_MSR_ARRAYSIZE 8
#define MC_MSRINJ_MAXMSRS  8

/* xen_mc_msrinject.mcinj_flags */
#define MC_MSRINJ_F_INTERPOSE 0x1 /* only pretend that the MSR has the value */
#define MC_MSRINJ_F_GPADDR    0x2 /* MCi_ADDR values are guest addresses */

/* xen_mc_inject_v2.flags */
#define XEN_MC_INJECT_TYPE_MASK     0x7
#define XEN_MC_INJECT_TYPE_MCE      0x0
#define XEN_MC_INJECT_TYPE_CMCI     0x1
#define XEN_MC_INJECT_TYPE_LMCE     0x2
#define XEN_MC_INJECT_CPU_BROADCAST 0x8

#ifndef __ASSEMBLY__

/* ---- Records --------------------------------------------------------------------------------- */

struct mcinfo_common {
    uint16_t type; /* OUT: MC_TYPE_* */
    uint16_t size; /* OUT: bytes of the record */
};
typedef struct mcinfo_common xen_mcinfo_common_t;

/* One per event. */
struct mcinfo_global {
    xen_mcinfo_common_t common;
    uint16_t mc_domid;    /* OUT: domain that ran */
    uint16_t mc_vcpuid;   /* OUT: its vCPU */
    uint32_t mc_socketid; /* OUT: where it happened */
    uint16_t mc_coreid;
    uint16_t mc_core_threadid;
    uint32_t mc_apicid;
    uint32_t mc_flags;   /* OUT: MC_FLAG_* */
    uint64_t mc_gstatus; /* OUT: MCG_STATUS */
};

/* One per bank with an error. */
struct mcinfo_bank {
    xen_mcinfo_common_t common;
    uint16_t mc_bank;   /* OUT: number */
    uint16_t mc_domid;  /* OUT: owner of the page at mc_addr */
    uint64_t mc_status; /* OUT: the bank's registers */
    uint64_t mc_addr;
    uint64_t mc_misc;
    uint64_t mc_ctrl2;
    uint64_t mc_tsc; /* OUT: time-stamp counter when it was read */
};

struct mcinfo_msr {
    uint64_t reg; /* number */
    uint64_t value;
};
typedef struct mcinfo_msr xen_mcinfo_msr_t;

/* Further registers. */
struct mcinfo_extended {
    xen_mcinfo_common_t common;
    uint32_t mc_msrs;            /* OUT: entries in use */
    xen_mcinfo_msr_t mc_msr[32]; /* OUT */
};

struct page_offline_action {
    uint64_t mfn;    /* OUT: machine frame */
    uint64_t status; /* OUT: PG_OFFLINE_* of sysctl.h */
};
typedef struct page_offline_action xen_page_offline_action_t;

struct cpu_offline_action {
    uint32_t mc_socketid; /* OUT: which CPU */
    uint16_t mc_coreid;
    uint16_t mc_core_threadid;
};
typedef struct cpu_offline_action xen_cpu_offline_action_t;

/* What the hypervisor did about an error. */
struct mcinfo_recovery {
    xen_mcinfo_common_t common;
    uint16_t mc_bank;     /* OUT: number */
    uint8_t action_flags; /* OUT: REC_ACTION_* */
    uint8_t action_types; /* OUT: MC_ACTION_*, selects the member below */
    union {
        xen_page_offline_action_t page_retire;
        xen_cpu_offline_action_t cpu_offline;
        uint8_t pad[16];
    } action_info;
};

struct mc_info {
    uint32_t mi_nentries;                       /* OUT: records */
    uint32_t flags;                             /* OUT: MCINFO_FLAGS_* */
    uint64_t mi_data[(MCINFO_MAXSIZE - 1) / 8]; /* OUT: records, one behind the other */
};
typedef struct mc_info mc_info_t;
DEFINE_XEN_GUEST_HANDLE(mc_info_t);

/* Walk the records of an mc_info. */
#define x86_mcinfo_nentries(_mi) ((_mi)->mi_nentries)
#define x86_mcinfo_first(_mi)    ((struct mcinfo_common *)(void *)(_mi)->mi_data)
#define x86_mcinfo_next(_mic)    ((struct mcinfo_common *)(void *)((char *)(_mic) + (_mic)->size))

/* A physical CPU. */
struct mcinfo_logical_cpu {
    uint32_t mc_cpunr; /* OUT: number, package, core, thread, APIC id */
    uint32_t mc_chipid;
    uint16_t mc_coreid;
    uint16_t mc_threadid;
    uint32_t mc_apicid;
    uint32_t mc_clusterid;
    uint32_t mc_ncores; /* OUT: cores per package, and those in use */
    uint32_t mc_ncores_active;
    uint32_t mc_nthreads;   /* OUT: threads per core */
    int32_t mc_cpuid_level; /* OUT: highest basic CPUID leaf */
    uint32_t mc_family;
    uint32_t mc_vendor;
    uint32_t mc_model;
    uint32_t mc_step;
    char mc_vendorid[16];           /* OUT: zero-terminated */
    char mc_brandid[64];            /* OUT: zero-terminated */
    uint32_t mc_cpu_caps[MC_NCAPS]; /* OUT: by MC_CAPS_* */
    uint32_t mc_cache_size;         /* OUT: KiB */
    uint32_t mc_cache_alignment;    /* OUT: bytes */
    int32_t mc_nmsrvals;            /* OUT: entries below; -1: none */
    xen_mcinfo_msr_t mc_msrvalues[__MC_MSR_ARRAYSIZE];
};
typedef struct mcinfo_logical_cpu xen_mc_logical_cpu_t;
DEFINE_XEN_GUEST_HANDLE(xen_mc_logical_cpu_t);

/* ---- The call -------------------------------------------------------------------------------- */

struct xen_mc_fetch {
    uint32_t flags; /* IN and OUT: see above */
    uint32_t _pad0;
    uint64_t fetch_id;                /* OUT; IN with XEN_MC_ACK: what to drop */
    XEN_GUEST_HANDLE(mc_info_t) data; /* OUT */
};
typedef struct xen_mc_fetch xen_mc_fetch_t;
DEFINE_XEN_GUEST_HANDLE(xen_mc_fetch_t);

struct xen_mc_notifydomain {
    uint16_t mc_domid;  /* IN: whom to tell */
    uint16_t mc_vcpuid; /* IN */
    uint32_t flags;     /* OUT */
};
typedef struct xen_mc_notifydomain xen_mc_notifydomain_t;
DEFINE_XEN_GUEST_HANDLE(xen_mc_notifydomain_t);

struct xen_mc_physcpuinfo {
    uint32_t ncpus; /* IN: room; OUT: CPUs; null info: just count */
    uint32_t _pad0;
    XEN_GUEST_HANDLE(xen_mc_logical_cpu_t) info; /* OUT */
};
typedef struct xen_mc_physcpuinfo xen_mc_physcpuinfo_t;

struct xen_mc_msrinject {
    uint32_t mcinj_cpunr; /* IN: on which CPU */
    uint32_t mcinj_flags; /* IN: MC_MSRINJ_F_* */
    uint32_t mcinj_count; /* IN: entries below */
    domid_t mcinj_domid;  /* IN: owner of the addresses */
    uint16_t _pad0;
    xen_mcinfo_msr_t mcinj_msr[MC_MSRINJ_MAXMSRS]; /* IN */
};
typedef struct xen_mc_msrinject xen_mc_msrinject_t;

struct xen_mc_mceinject {
    unsigned int mceinj_cpunr; /* IN: where to raise the exception */
};
typedef struct xen_mc_mceinject xen_mc_mceinject_t;

struct xen_mc_inject_v2 {
    uint32_t flags;         /* IN: XEN_MC_INJECT_* */
    xenctl_bitmap_t cpumap; /* IN */
};
typedef struct xen_mc_inject_v2 xen_mc_inject_v2_t;

struct xen_mc {
    uint32_t cmd;               /* IN: XEN_MC_* */
    uint32_t interface_version; /* IN: XEN_MCA_INTERFACE_VERSION */
    union {
        xen_mc_fetch_t mc_fetch;
        xen_mc_notifydomain_t mc_notifydomain;
        xen_mc_physcpuinfo_t mc_physcpuinfo;
        xen_mc_msrinject_t mc_msrinject;
        xen_mc_mceinject_t mc_mceinject;
        xen_mc_inject_v2_t mc_inject_v2;
    } u;
};
typedef struct xen_mc xen_mc_t;
DEFINE_XEN_GUEST_HANDLE(xen_mc_t);

#endif /* __ASSEMBLY__ */

#endif /* XEN_PUBLIC_ARCH_X86_XEN_MCA_H */
