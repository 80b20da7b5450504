/* SPDX-License-Identifier: MIT */
/*
 * xen_version(cmd, buffer): what runs below the guest. Unless noted, the buffer is filled with the
 * type that follows its command and the call returns 0. XENVER_version with no buffer is also the
 * cheapest hypercall, and guests use it to have pending events delivered.
 */
#ifndef XEN_PUBLIC_VERSION_H
#define XEN_PUBLIC_VERSION_H

#include "xen.h"

#include "features.h"

#define XENVER_version             0  /* returns major << 16 | minor; no buffer */
#define XENVER_extraversion        1  /* xen_extraversion_t */
#define XENVER_compile_info        2  /* xen_compile_info_t */
#define XENVER_capabilities        3  /* xen_capabilities_info_t */
#define XENVER_changeset           4  /* xen_changeset_info_t */
#define XENVER_platform_parameters 5  /* xen_platform_parameters_t */
#define XENVER_get_features        6  /* xen_feature_info_t */
#define XENVER_pagesize            7  /* returns bytes per page; no buffer */
#define XENVER_guest_handle        8  /* xen_domain_handle_t of the caller */
#define XENVER_commandline         9  /* xen_commandline_t */
#define XENVER_build_id            10 /* xen_build_id_t; returns its length; no buffer: just that */

#ifndef __ASSEMBLY__

typedef char xen_extraversion_t[16];        /* zero-terminated, e.g. ".7" */
typedef char xen_capabilities_info_t[1024]; /* words such as "xen-3.0-x86_64", blank-separated */
typedef char xen_changeset_info_t[64];      /* zero-terminated */
typedef char xen_commandline_t[1024];       /* zero-terminated */

#define XEN_EXTRAVERSION_LEN      (sizeof(xen_extraversion_t))
#define XEN_CAPABILITIES_INFO_LEN (sizeof(xen_capabilities_info_t))
#define XEN_CHANGESET_INFO_LEN    (sizeof(xen_changeset_info_t))

struct xen_compile_info {
    char compiler[64];       /* OUT: all zero-terminated */
    char compile_by[16];     /* OUT */
    char compile_domain[32]; /* OUT */
    char compile_date[32];   /* OUT */
};
typedef struct xen_compile_info xen_compile_info_t;

struct xen_platform_parameters {
    xen_ulong_t virt_start; /* OUT: first virtual address that is the hypervisor's */
};
typedef struct xen_platform_parameters xen_platform_parameters_t;

struct xen_feature_info {
    unsigned int submap_idx; /* IN: which word, below XENFEAT_NR_SUBMAPS */
    uint32_t submap;         /* OUT: bit per XENFEAT_* */
};
typedef struct xen_feature_info xen_feature_info_t;

struct xen_build_id {
    uint32_t len;                      /* IN: bytes of room in buf */
    XEN_FLEX_ARRAY(unsigned char, buf) /* OUT: the identifier */
};
typedef struct xen_build_id xen_build_id_t;

#endif /* __ASSEMBLY__ */

#endif /* XEN_PUBLIC_VERSION_H */
