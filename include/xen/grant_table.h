/* SPDX-License-Identifier: MIT */
/*
 * grant_table_op(cmd, array of arguments, count): pages that one domain lets another use. The
 * owner writes an entry into its grant table and tells the other side its index, the reference;
 * the other side maps it, or copies through it. Version 1 has entries of 8 bytes; version 2 has 16
 * bytes, wide frame numbers, parts of pages, grants of grants, and keeps the in-use bits in frames
 * of their own.
 */
#ifndef XEN_PUBLIC_GRANT_TABLE_H
#define XEN_PUBLIC_GRANT_TABLE_H

#include "xen.h"

#define GNTTABOP_map_grant_ref     0  /* gnttab_map_grant_ref */
#define GNTTABOP_unmap_grant_ref   1  /* gnttab_unmap_grant_ref */
#define GNTTABOP_setup_table       2  /* gnttab_setup_table */
#define GNTTABOP_dump_table        3  /* gnttab_dump_table: to the hypervisor's console */
#define GNTTABOP_transfer          4  /* gnttab_transfer */
#define GNTTABOP_copy              5  /* gnttab_copy */
#define GNTTABOP_query_size        6  /* gnttab_query_size */
#define GNTTABOP_unmap_and_replace 7  /* gnttab_unmap_and_replace */
#define GNTTABOP_set_version       8  /* gnttab_set_version */
#define GNTTABOP_get_status_frames 9  /* gnttab_get_status_frames */
#define GNTTABOP_get_version       10 /* gnttab_get_version */
#define GNTTABOP_swap_grant_ref    11 /* gnttab_swap_grant_ref */
#define GNTTABOP_cache_flush       12 /* gnttab_cache_flush */

/* References that the builder of a domain fills in. */
#define GNTTAB_NR_RESERVED_ENTRIES 8
#define GNTTAB_RESERVED_CONSOLE    0
#define GNTTAB_RESERVED_XENSTORE   1

/* Grant entry flags: the type, in the low two bits. */
#define GTF_invalid         (0U << 0)
#define GTF_permit_access   (1U << 0)
#define GTF_accept_transfer (2U << 0)
#define GTF_transitive      (3U << 0) /* version 2 */
#define GTF_type_mask       (3U << 0)

/* Grant entry flags with GTF_permit_access. */
#define _GTF_readonly (2)
#define GTF_readonly  (1U << _GTF_readonly) /* by the owner: no writing */
#define _GTF_reading  (3)
#define GTF_reading   (1U << _GTF_reading) /* by the hypervisor: mapped readable */
#define _GTF_writing  (4)
#define GTF_writing   (1U << _GTF_writing) /* by the hypervisor: mapped writable */
#define _GTF_PWT      (5)
#define GTF_PWT       (1U << _GTF_PWT) /* by the owner: cache attributes, also the next two */
#define _GTF_PCD      (6)
#define GTF_PCD       (1U << _GTF_PCD)
#define _GTF_PAT      (7)
#define GTF_PAT       (1U << _GTF_PAT)
#define _GTF_sub_page (8)
#define GTF_sub_page  (1U << _GTF_sub_page) /* by the owner: only a part; version 2, copy only */

/* Grant entry flags with GTF_accept_transfer, by the hypervisor. */
#define _GTF_transfer_committed (2)
#define GTF_transfer_committed  (1U << _GTF_transfer_committed) /* under way */
#define _GTF_transfer_completed (3)
#define GTF_transfer_completed  (1U << _GTF_transfer_completed) /* frame is valid */

/* gnttab_map_grant_ref.flags */
#define _GNTMAP_device_map      (0)
#define GNTMAP_device_map       (1 << _GNTMAP_device_map) /* for a device: fill dev_bus_addr */
#define _GNTMAP_host_map        (1)
#define GNTMAP_host_map         (1 << _GNTMAP_host_map) /* for the CPU: at host_addr */
#define _GNTMAP_readonly        (2)
#define GNTMAP_readonly         (1 << _GNTMAP_readonly)
#define _GNTMAP_application_map (3)
#define GNTMAP_application_map  (1 << _GNTMAP_application_map) /* user mode may use it */
#define _GNTMAP_contains_pte    (4)
#define GNTMAP_contains_pte     (1 << _GNTMAP_contains_pte) /* host_addr: address of a PTE */
#define _GNTMAP_guest_avail0    (16)
#define GNTMAP_guest_avail_mask ((uint32_t)~0 << _GNTMAP_guest_avail0) /* bits for the PTE */

/* gnttab_copy.flags: which end is a reference, not a frame number */
#define _GNTCOPY_source_gref (0)
#define GNTCOPY_source_gref  (1 << _GNTCOPY_source_gref)
#define _GNTCOPY_dest_gref   (1)
#define GNTCOPY_dest_gref    (1 << _GNTCOPY_dest_gref)

/* gnttab_cache_flush.op */
#define GNTTAB_CACHE_CLEAN       (1u << 0)
#define GNTTAB_CACHE_INVAL       (1u << 1)
#define GNTTAB_CACHE_SOURCE_GREF (1u << 31)

/* The status of one operation. The call itself returns 0 even if operations failed. */
#define GNTST_okay              (0)
#define GNTST_general_error     (-1)
#define GNTST_bad_domain        (-2)
#define GNTST_bad_gntref        (-3)
#define GNTST_bad_handle        (-4)
#define GNTST_bad_virt_addr     (-5)
#define GNTST_bad_dev_addr      (-6)
#define GNTST_no_device_space   (-7)
#define GNTST_permission_denied (-8)
#define GNTST_bad_page          (-9)
#define GNTST_bad_copy_arg      (-10) /* crosses the end of a page */
#define GNTST_address_too_big   (-11) /* frame number does not fit */
#define GNTST_eagain            (-12) /* page is not there yet: try again */
#define GNTST_no_space          (-13) /* mapping table is full */

/* What to print for each status, by its negated value. */
#define GNTTABOP_error_msgs                                                                        \
    {                                                                                              \
        "no error", "operation failed", "no such domain", "no usable grant at this reference",     \
            "no such mapping handle", "unusable virtual address", "unusable device address",       \
            "no room in the device address space", "not permitted", "unusable page",               \
            "copy crosses a page boundary", "frame number too large",                              \
            "page not available yet, try again", "no room for another mapping",                    \
    }

#ifndef __ASSEMBLY__

typedef uint32_t grant_ref_t;    /* index into the owner's table */
typedef uint32_t grant_handle_t; /* names a mapping of the mapping domain */

/* Version 1: write frame and domid first, then (after a write barrier) flags. */
struct grant_entry_v1 {
    uint16_t flags; /* GTF_*; both sides change it, atomically */
    domid_t domid;  /* who may use the page */
    uint32_t frame; /* owner's frame (PV: MFN); transfer: the frame received */
};
typedef struct grant_entry_v1 grant_entry_v1_t;

struct grant_entry_header {
    uint16_t flags; /* GTF_*, without reading and writing: those are in grant_status_t */
    domid_t domid;  /* who may use the page */
};
typedef struct grant_entry_header grant_entry_header_t;

/* Version 2. */
union grant_entry_v2 {
    grant_entry_header_t hdr;
    struct {
        grant_entry_header_t hdr;
        uint32_t pad0;
        uint64_t frame;
    } full_page;
    struct { /* with GTF_sub_page */
        grant_entry_header_t hdr;
        uint16_t page_off; /* bytes */
        uint16_t length;   /* bytes */
        uint64_t frame;
    } sub_page;
    struct { /* with GTF_transitive: stands for a grant of another domain */
        grant_entry_header_t hdr;
        domid_t trans_domid;
        uint16_t pad0;
        grant_ref_t gref;
    } transitive;
    uint32_t __spacer[4];
};
typedef union grant_entry_v2 grant_entry_v2_t;

typedef uint16_t grant_status_t; /* version 2: GTF_reading and GTF_writing, by the hypervisor */

struct gnttab_map_grant_ref {
    uint64_t host_addr;    /* IN: virtual address, or machine address of a PTE */
    uint32_t flags;        /* IN: GNTMAP_* */
    grant_ref_t ref;       /* IN */
    domid_t dom;           /* IN: owner */
    int16_t status;        /* OUT: GNTST_* */
    grant_handle_t handle; /* OUT: to unmap with */
    uint64_t dev_bus_addr; /* OUT: machine address of the page */
};
typedef struct gnttab_map_grant_ref gnttab_map_grant_ref_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_map_grant_ref_t);

/* Everything that this call unmaps is gone, TLB entries too, when it returns. */
struct gnttab_unmap_grant_ref {
    uint64_t host_addr;    /* IN: as it was mapped; 0: leave that mapping */
    uint64_t dev_bus_addr; /* IN: as it was returned; 0: leave that mapping */
    grant_handle_t handle; /* IN */
    int16_t status;        /* OUT: GNTST_* */
};
typedef struct gnttab_unmap_grant_ref gnttab_unmap_grant_ref_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_unmap_grant_ref_t);

/* Make the table at least this large, and learn its frames. */
struct gnttab_setup_table {
    domid_t dom;                            /* IN: DOMID_SELF, or (privileged) another */
    uint32_t nr_frames;                     /* IN: frames wanted */
    int16_t status;                         /* OUT: GNTST_* */
    XEN_GUEST_HANDLE(xen_pfn_t) frame_list; /* OUT: nr_frames frame numbers */
};
typedef struct gnttab_setup_table gnttab_setup_table_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_setup_table_t);

struct gnttab_dump_table {
    domid_t dom;    /* IN */
    int16_t status; /* OUT: GNTST_* */
};
typedef struct gnttab_dump_table gnttab_dump_table_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_dump_table_t);

/* Give a frame to a domain that made a GTF_accept_transfer entry for it. */
struct gnttab_transfer {
    xen_pfn_t mfn;   /* IN: frame to give away */
    domid_t domid;   /* IN: to whom */
    grant_ref_t ref; /* IN: its entry */
    int16_t status;  /* OUT: GNTST_* */
};
typedef struct gnttab_transfer gnttab_transfer_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_transfer_t);

/* One end of a copy. */
struct gnttab_copy_ptr {
    union {
        grant_ref_t ref; /* IN: with the GNTCOPY_*_gref flag */
        xen_pfn_t gmfn;  /* IN: frame number otherwise */
    } u;
    domid_t domid;   /* IN: owner; DOMID_SELF for own frames */
    uint16_t offset; /* IN: bytes into the page */
};

/* Copy bytes from page to page; neither end may leave its page. */
struct gnttab_copy {
    struct gnttab_copy_ptr source, dest;
    uint16_t len;   /* IN: bytes */
    uint16_t flags; /* IN: GNTCOPY_* */
    int16_t status; /* OUT: GNTST_* */
};
typedef struct gnttab_copy gnttab_copy_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_copy_t);

struct gnttab_query_size {
    domid_t dom;            /* IN: DOMID_SELF, or (privileged) another */
    uint32_t nr_frames;     /* OUT: frames it has */
    uint32_t max_nr_frames; /* OUT: frames it may have */
    int16_t status;         /* OUT: GNTST_* */
};
typedef struct gnttab_query_size gnttab_query_size_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_query_size_t);

/* Unmap, and put the page now at new_addr there instead; new_addr is then empty. */
struct gnttab_unmap_and_replace {
    uint64_t host_addr;    /* IN: as it was mapped */
    uint64_t new_addr;     /* IN: virtual address */
    grant_handle_t handle; /* IN */
    int16_t status;        /* OUT: GNTST_* */
};
typedef struct gnttab_unmap_and_replace gnttab_unmap_and_replace_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_unmap_and_replace_t);

/* Only while no entry but the reserved ones is in use. */
struct gnttab_set_version {
    uint32_t version; /* IN: wanted; OUT: now */
};
typedef struct gnttab_set_version gnttab_set_version_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_set_version_t);

struct gnttab_get_status_frames {
    uint32_t nr_frames;                    /* IN: frames wanted */
    domid_t dom;                           /* IN: DOMID_SELF, or (privileged) another */
    int16_t status;                        /* OUT: GNTST_* */
    XEN_GUEST_HANDLE(uint64_t) frame_list; /* OUT: frame numbers */
};
typedef struct gnttab_get_status_frames gnttab_get_status_frames_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_get_status_frames_t);

struct gnttab_get_version {
    domid_t dom; /* IN: DOMID_SELF, or (privileged) another */
    uint16_t pad;
    uint32_t version; /* OUT */
};
typedef struct gnttab_get_version gnttab_get_version_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_get_version_t);

/* Exchange two entries of the caller's own table; neither may be in use. */
struct gnttab_swap_grant_ref {
    grant_ref_t ref_a; /* IN */
    grant_ref_t ref_b; /* IN */
    int16_t status;    /* OUT: GNTST_* */
};
typedef struct gnttab_swap_grant_ref gnttab_swap_grant_ref_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_swap_grant_ref_t);

/* Cache maintenance on a granted page, where devices are not coherent. */
struct gnttab_cache_flush {
    union {
        uint64_t dev_bus_addr; /* IN: machine address */
        grant_ref_t ref;       /* IN: with GNTTAB_CACHE_SOURCE_GREF */
    } a;
    uint16_t offset; /* IN: bytes into the page */
    uint16_t length; /* IN: bytes */
    uint32_t op;     /* IN: GNTTAB_CACHE_* */
};
typedef struct gnttab_cache_flush gnttab_cache_flush_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_cache_flush_t);

#endif /* __ASSEMBLY__ */

#endif /* XEN_PUBLIC_GRANT_TABLE_H */
