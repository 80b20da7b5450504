/* SPDX-License-Identifier: MIT */
/*
 * memory_op(cmd, argument): how much memory a domain has, which, and where. Frame numbers are
 * machine frames (MFN) for a PV domain and guest frames (GFN, GPFN) for a translated one; the
 * field comments say which of a domain's own numbers is meant. An extent is 2^extent_order frames,
 * naturally aligned. Long commands are continued by the hypervisor itself; the caller sees one
 * call and one result.
 */
#ifndef XEN_PUBLIC_MEMORY_H
#define XEN_PUBLIC_MEMORY_H

#include "xen.h"

#include "physdev.h"

#define XENMEM_increase_reservation       0  /* xen_memory_reservation; returns extents done */
#define XENMEM_decrease_reservation       1  /* xen_memory_reservation; returns extents done */
#define XENMEM_maximum_ram_page           2  /* no argument; returns the highest machine frame */
#define XENMEM_current_reservation        3  /* xen_memory_domain; returns pages it has */
#define XENMEM_maximum_reservation        4  /* xen_memory_domain; returns pages it may have */
#define XENMEM_machphys_mfn_list          5  /* xen_machphys_mfn_list */
#define XENMEM_populate_physmap           6  /* xen_memory_reservation; returns extents done */
#define XENMEM_add_to_physmap             7  /* xen_add_to_physmap */
#define XENMEM_memory_map                 9  /* xen_memory_map: own E820 */
#define XENMEM_machine_memory_map         10 /* xen_memory_map: the machine's E820 (privileged) */
#define XENMEM_exchange                   11 /* xen_memory_exchange */
#define XENMEM_machphys_mapping           12 /* xen_machphys_mapping */
#define XENMEM_set_memory_map             13 /* xen_foreign_memory_map (privileged) */
#define XENMEM_maximum_gpfn               14 /* xen_memory_domain; returns the highest GPFN */
#define XENMEM_remove_from_physmap        15 /* xen_remove_from_physmap */
#define XENMEM_set_pod_target             16 /* xen_pod_target */
#define XENMEM_get_pod_target             17 /* xen_pod_target */
#define XENMEM_get_sharing_freed_pages    18 /* no argument; returns pages saved */
#define XENMEM_get_sharing_shared_pages   19 /* no argument; returns pages shared */
#define XENMEM_paging_op                  20 /* xen_mem_paging_op */
#define XENMEM_access_op                  21 /* xen_mem_access_op */
#define XENMEM_sharing_op                 22 /* xen_mem_sharing_op */
#define XENMEM_add_to_physmap_batch       23 /* xen_add_to_physmap_batch */
#define XENMEM_claim_pages                24 /* xen_memory_reservation: set aside; 0 ends it */
#define XENMEM_machphys_compat_mfn_list   25 /* xen_machphys_mfn_list, of the 32-bit table */
#define XENMEM_get_vnumainfo              26 /* xen_vnuma_topology_info */
#define XENMEM_reserved_device_memory_map 27 /* xen_reserved_device_memory_map */
#define XENMEM_acquire_resource           28 /* xen_mem_acquire_resource */

/* xen_memory_reservation.mem_flags */
#define XENMEMF_address_bits(x)     (x) /* machine addresses below 2^x */
#define XENMEMF_get_address_bits(x) ((x)&0xffu)
#define XENMEMF_node(x)             (((x) + 1) << 8) /* prefer this NUMA node */
#define XENMEMF_get_node(x)         ((((x) >> 8) - 1) & 0xffu)
#define XENMEMF_populate_on_demand  (1 << 16) /* translated domains only */
#define XENMEMF_exact_node_request  (1 << 17) /* this node or none */
#define XENMEMF_exact_node(n)       (XENMEMF_node(n) | XENMEMF_exact_node_request)
#define XENMEMF_vnode               (1 << 18) /* node is a virtual one */

/* xen_add_to_physmap.space: what idx selects */
#define XENMAPSPACE_shared_info  0 /* the shared_info page */
#define XENMAPSPACE_grant_table  1 /* a frame of the grant table */
#define XENMAPSPACE_gmfn         2 /* a frame of the same domain: move it */
#define XENMAPSPACE_gmfn_range   3 /* as above, size frames */
#define XENMAPSPACE_gmfn_foreign 4 /* a frame of another domain; batch only */
#define XENMAPSPACE_dev_mmio     5 /* device memory */

/* xen_add_to_physmap.idx with XENMAPSPACE_grant_table: a status frame (v2) instead. */
#define XENMAPIDX_grant_table_status 0x80000000

/* xen_mem_paging_op.op */
#define XENMEM_paging_op_nominate 0
#define XENMEM_paging_op_evict    1
#define XENMEM_paging_op_prep     2

/* xen_mem_access_op.op */
#define XENMEM_access_op_set_access       0
#define XENMEM_access_op_get_access       1
#define XENMEM_access_op_set_access_multi 4

/* xen_mem_sharing_op.op */
#define XENMEM_sharing_op_nominate_gfn  0
#define XENMEM_sharing_op_nominate_gref 1
#define XENMEM_sharing_op_share         2
#define XENMEM_sharing_op_debug_gfn     3
#define XENMEM_sharing_op_debug_mfn     4
#define XENMEM_sharing_op_debug_gref    5
#define XENMEM_sharing_op_add_physmap   6
#define XENMEM_sharing_op_audit         7
#define XENMEM_sharing_op_range_share   8
#define XENMEM_sharing_op_fork          9
#define XENMEM_sharing_op_fork_reset    10

/* Results of the sharing operations besides errno.h. */
#define XENMEM_SHARING_OP_S_HANDLE_INVALID (-10)
#define XENMEM_SHARING_OP_C_HANDLE_INVALID (-9)

/* A gfn field of a sharing operation may hold a grant reference, marked by this bit. */
#define XENMEM_SHARING_OP_FIELD_IS_GREF_FLAG (xen_mk_ullong(1) << 62)
#define XENMEM_SHARING_OP_FIELD_MAKE_GREF(field, val)                                              \
    (field) = (XENMEM_SHARING_OP_FIELD_IS_GREF_FLAG | (val))
#define XENMEM_SHARING_OP_FIELD_IS_GREF(field)  ((field)&XENMEM_SHARING_OP_FIELD_IS_GREF_FLAG)
#define XENMEM_SHARING_OP_FIELD_GET_GREF(field) ((field) & (~XENMEM_SHARING_OP_FIELD_IS_GREF_FLAG))

/* xen_mem_sharing_op.u.fork.flags */
#define XENMEM_FORK_WITH_IOMMU_ALLOWED (1u << 0)
#define XENMEM_FORK_BLOCK_INTERRUPTS   (1u << 1)
#define XENMEM_FORK_RESET_STATE        (1u << 2)
#define XENMEM_FORK_RESET_MEMORY       (1u << 3)

/* xen_reserved_device_memory_map.flags: of all devices, not of one. */
#define XENMEM_RDM_ALL 1

/* xen_mem_acquire_resource.type, and the ids and frames within */
#define XENMEM_resource_ioreq_server                0 /* id: server */
#define XENMEM_resource_grant_table                 1 /* id: one of the two below */
#define XENMEM_resource_vmtrace_buf                 2 /* id: vCPU */
#define XENMEM_resource_grant_table_id_shared       0
#define XENMEM_resource_grant_table_id_status       1
#define XENMEM_resource_ioreq_server_frame_bufioreq 0
#define XENMEM_resource_ioreq_server_frame_ioreq(n) (1 + (n))

#ifndef __ASSEMBLY__

struct xen_memory_reservation {
    /*
     * increase: OUT (may be null): MFN of each new extent.
     * decrease: IN: frame of each extent to give back (PV: MFN).
     * populate: IN: GPFN of each extent; PV: OUT: its MFN, in place.
     */
    XEN_GUEST_HANDLE(xen_pfn_t) extent_start;
    xen_ulong_t nr_extents;    /* IN: entries of the list; claim_pages: pages */
    unsigned int extent_order; /* IN: log2 of pages per extent */
    unsigned int mem_flags;    /* IN: XENMEMF_* */
    domid_t domid;             /* IN: whose memory; DOMID_SELF */
};
typedef struct xen_memory_reservation xen_memory_reservation_t;
DEFINE_XEN_GUEST_HANDLE(xen_memory_reservation_t);

/* Trade frames for others, e.g. for contiguous or for low ones. */
struct xen_memory_exchange {
    struct xen_memory_reservation in;  /* IN: MFNs to give away */
    struct xen_memory_reservation out; /* IN: GPFNs to fill; OUT: MFNs got; as many pages as in */
    xen_ulong_t nr_exchanged;          /* IN: 0; OUT: extents of `in` that were traded */
};
typedef struct xen_memory_exchange xen_memory_exchange_t;
DEFINE_XEN_GUEST_HANDLE(xen_memory_exchange_t);

/* Argument of the commands that only name a domain. */
struct xen_memory_domain {
    domid_t domid; /* IN */
};

/* The machine frames behind the machine-to-physical table, one per 2 MiB of it. */
struct xen_machphys_mfn_list {
    unsigned int max_extents;                 /* IN: room in the list */
    XEN_GUEST_HANDLE(xen_pfn_t) extent_start; /* OUT */
    unsigned int nr_extents;                  /* OUT: entries written */
};
typedef struct xen_machphys_mfn_list xen_machphys_mfn_list_t;
DEFINE_XEN_GUEST_HANDLE(xen_machphys_mfn_list_t);

/* Where the caller finds the machine-to-physical table. */
struct xen_machphys_mapping {
    xen_ulong_t v_start, v_end; /* OUT: virtual addresses, first and past the last */
    xen_ulong_t max_mfn;        /* OUT: last MFN that has an entry */
};
typedef struct xen_machphys_mapping xen_machphys_mapping_t;
DEFINE_XEN_GUEST_HANDLE(xen_machphys_mapping_t);

/* Put a frame at a GPFN of a translated domain. */
struct xen_add_to_physmap {
    domid_t domid;      /* IN: whose address space */
    uint16_t size;      /* IN: frames, with XENMAPSPACE_gmfn_range */
    unsigned int space; /* IN: XENMAPSPACE_* */
    xen_ulong_t idx;    /* IN: which frame of that space */
    xen_pfn_t gpfn;     /* IN: where to */
};
typedef struct xen_add_to_physmap xen_add_to_physmap_t;
DEFINE_XEN_GUEST_HANDLE(xen_add_to_physmap_t);

union xen_add_to_physmap_batch_extra {
    domid_t foreign_domid; /* IN: owner, with XENMAPSPACE_gmfn_foreign */
    uint16_t res0;         /* 0 otherwise */
};

struct xen_add_to_physmap_batch {
    domid_t domid;  /* IN: whose address space */
    uint16_t space; /* IN: XENMAPSPACE_* */
    uint16_t size;  /* IN: entries of each list */
    union xen_add_to_physmap_batch_extra u;
    XEN_GUEST_HANDLE(xen_ulong_t) idxs; /* IN: which frames */
    XEN_GUEST_HANDLE(xen_pfn_t) gpfns;  /* IN: where to */
    XEN_GUEST_HANDLE(int) errs;         /* OUT: 0 or -errno for each */
};
typedef struct xen_add_to_physmap_batch xen_add_to_physmap_batch_t;
DEFINE_XEN_GUEST_HANDLE(xen_add_to_physmap_batch_t);

struct xen_remove_from_physmap {
    domid_t domid;  /* IN */
    xen_pfn_t gpfn; /* IN */
};
typedef struct xen_remove_from_physmap xen_remove_from_physmap_t;
DEFINE_XEN_GUEST_HANDLE(xen_remove_from_physmap_t);

/* An E820 map: entries of 20 bytes (64-bit address, 64-bit size, 32-bit type). */
struct xen_memory_map {
    unsigned int nr_entries;       /* IN: room; OUT: entries */
    XEN_GUEST_HANDLE(void) buffer; /* OUT */
};
typedef struct xen_memory_map xen_memory_map_t;
DEFINE_XEN_GUEST_HANDLE(xen_memory_map_t);

/* Set the E820 map that a PV domain will be told. */
struct xen_foreign_memory_map {
    domid_t domid;             /* IN */
    struct xen_memory_map map; /* IN: entries and their number */
};
typedef struct xen_foreign_memory_map xen_foreign_memory_map_t;
DEFINE_XEN_GUEST_HANDLE(xen_foreign_memory_map_t);

/* Populate on demand, translated domains only. All numbers are pages. */
struct xen_pod_target {
    uint64_t target_pages;    /* IN for set */
    uint64_t tot_pages;       /* OUT */
    uint64_t pod_cache_pages; /* OUT: set aside, not yet in the address space */
    uint64_t pod_entries;     /* OUT: entries not yet filled */
    domid_t domid;            /* IN */
};
typedef struct xen_pod_target xen_pod_target_t;

/* Page a translated domain's memory out and in. */
struct xen_mem_paging_op {
    uint8_t op;                              /* IN: XENMEM_paging_op_* */
    domid_t domain;                          /* IN */
    XEN_GUEST_HANDLE_64(const_uint8) buffer; /* IN: page contents, for prep */
    uint64_aligned_t gfn;                    /* IN */
};
typedef struct xen_mem_paging_op xen_mem_paging_op_t;
DEFINE_XEN_GUEST_HANDLE(xen_mem_paging_op_t);

/* Access rights beyond what the guest's own tables say. */
typedef enum {
    XENMEM_access_n, /* none */
    XENMEM_access_r,
    XENMEM_access_w,
    XENMEM_access_rw,
    XENMEM_access_x,
    XENMEM_access_rx,
    XENMEM_access_wx,
    XENMEM_access_rwx,
    XENMEM_access_rx2rw,  /* rx, then rw after a write */
    XENMEM_access_n2rwx,  /* none, then rwx after an access */
    XENMEM_access_default /* the domain's default */
} xenmem_access_t;

struct xen_mem_access_op {
    uint8_t op;                                /* IN: XENMEM_access_op_* */
    uint8_t access;                            /* IN for set, OUT for get: xenmem_access_t */
    domid_t domid;                             /* IN */
    uint32_t nr;                               /* IN: frames */
    uint64_aligned_t pfn;                      /* IN: first frame; all ones: the default */
    XEN_GUEST_HANDLE(const_uint64) pfn_list;   /* IN: frames, for set_access_multi */
    XEN_GUEST_HANDLE(const_uint8) access_list; /* IN: rights, one a frame */
};
typedef struct xen_mem_access_op xen_mem_access_op_t;
DEFINE_XEN_GUEST_HANDLE(xen_mem_access_op_t);

/* Make a frame known for sharing. */
struct mem_sharing_op_nominate {
    union {
        uint64_aligned_t gfn; /* IN: for nominate_gfn */
        uint32_t grant_ref;   /* IN: for nominate_gref */
    } u;
    uint64_aligned_t handle; /* OUT */
};

/* Make two known frames one. */
struct mem_sharing_op_share {
    uint64_aligned_t source_gfn;    /* IN: or marked grant reference */
    uint64_aligned_t source_handle; /* IN */
    uint64_aligned_t client_gfn;    /* IN: or marked grant reference */
    uint64_aligned_t client_handle; /* IN */
    domid_t client_domain;          /* IN */
};

/* Share every frame of a range. */
struct mem_sharing_op_range {
    uint64_aligned_t first_gfn; /* IN */
    uint64_aligned_t last_gfn;  /* IN */
    uint64_aligned_t opaque;    /* 0; progress of the call */
    domid_t client_domain;      /* IN */
    uint16_t _pad[3];
};

/* Ask about a frame. */
struct mem_sharing_op_debug {
    union {
        uint64_aligned_t gfn;
        uint64_aligned_t mfn;
        uint32_t gref;
    } u; /* IN */
};

/* Make a domain a copy of another. */
struct mem_sharing_op_fork {
    domid_t parent_domain; /* IN */
    uint16_t flags;        /* IN: XENMEM_FORK_* */
    uint32_t pad;
};

/* Share equal frames between translated domains, and fork domains. */
struct xen_mem_sharing_op {
    uint8_t op;     /* IN: XENMEM_sharing_op_* */
    domid_t domain; /* IN */
    union {
        struct mem_sharing_op_nominate nominate;
        struct mem_sharing_op_share share;
        struct mem_sharing_op_range range;
        struct mem_sharing_op_debug debug;
        struct mem_sharing_op_fork fork;
    } u;
};
typedef struct xen_mem_sharing_op xen_mem_sharing_op_t;
DEFINE_XEN_GUEST_HANDLE(xen_mem_sharing_op_t);

/* Memory that devices expect at fixed addresses. */
struct xen_reserved_device_memory {
    xen_pfn_t start_pfn;  /* OUT */
    xen_ulong_t nr_pages; /* OUT */
};
typedef struct xen_reserved_device_memory xen_reserved_device_memory_t;
DEFINE_XEN_GUEST_HANDLE(xen_reserved_device_memory_t);

struct xen_reserved_device_memory_map {
    uint32_t flags;                                        /* IN: XENMEM_RDM_ALL */
    unsigned int nr_entries;                               /* IN: room; OUT: entries */
    XEN_GUEST_HANDLE(xen_reserved_device_memory_t) buffer; /* OUT */
    union {
        physdev_pci_device_t pci; /* IN: the device, without XENMEM_RDM_ALL */
    } dev;
};
typedef struct xen_reserved_device_memory_map xen_reserved_device_memory_map_t;
DEFINE_XEN_GUEST_HANDLE(xen_reserved_device_memory_map_t);

/* Frames that the hypervisor keeps for a domain, for a tool to map. */
struct xen_mem_acquire_resource {
    domid_t domid;      /* IN: whose */
    uint16_t type;      /* IN: XENMEM_resource_* */
    uint32_t id;        /* IN: by type */
    uint32_t nr_frames; /* IN: wanted; 0 with a null list: OUT: how many there are */
    uint32_t pad;       /* 0 */
    uint64_t frame;     /* IN: first frame within the resource */
    XEN_GUEST_HANDLE(xen_pfn_t) frame_list; /* PV: OUT: MFNs; translated: IN: GPFNs to fill */
};
typedef struct xen_mem_acquire_resource xen_mem_acquire_resource_t;
DEFINE_XEN_GUEST_HANDLE(xen_mem_acquire_resource_t);

/* A stretch of guest memory that belongs to one virtual node. */
struct xen_vmemrange {
    uint64_t start, end; /* guest physical addresses */
    unsigned int flags;  /* 0 */
    unsigned int nid;    /* virtual node */
};
typedef struct xen_vmemrange xen_vmemrange_t;
DEFINE_XEN_GUEST_HANDLE(xen_vmemrange_t);

struct xen_vnuma_topology_info {
    domid_t domid; /* IN */
    uint16_t pad;
    unsigned int nr_vnodes;     /* IN: room; OUT: virtual nodes */
    unsigned int nr_vcpus;      /* IN: room; OUT: vCPUs */
    unsigned int nr_vmemranges; /* IN: room; OUT: ranges */
    union {
        XEN_GUEST_HANDLE(uint) h;
        uint64_t pad;
    } vdistance; /* OUT: nr_vnodes * nr_vnodes distances */
    union {
        XEN_GUEST_HANDLE(uint) h;
        uint64_t pad;
    } vcpu_to_vnode; /* OUT: node of each vCPU */
    union {
        XEN_GUEST_HANDLE(xen_vmemrange_t) h;
        uint64_t pad;
    } vmemrange; /* OUT: ranges */
};
typedef struct xen_vnuma_topology_info xen_vnuma_topology_info_t;
DEFINE_XEN_GUEST_HANDLE(xen_vnuma_topology_info_t);

#endif /* __ASSEMBLY__ */

#endif /* XEN_PUBLIC_MEMORY_H */
