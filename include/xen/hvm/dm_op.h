/* SPDX-License-Identifier: MIT */
/*
 * dm_op(domid, nr_bufs, struct xen_dm_op_buf *): what a device model asks for its domain. The first
 * buffer holds a struct xen_dm_op. Operations for PCI, MSI and memory types are not described.
 */
#ifndef XEN_PUBLIC_HVM_DM_OP_H
#define XEN_PUBLIC_HVM_DM_OP_H

#include "../event_channel.h"
#include "../xen.h"

/* xen_dm_op.op */
#define XEN_DMOP_create_ioreq_server              1
#define XEN_DMOP_get_ioreq_server_info            2
#define XEN_DMOP_map_io_range_to_ioreq_server     3
#define XEN_DMOP_unmap_io_range_from_ioreq_server 4
#define XEN_DMOP_set_ioreq_server_state           5
#define XEN_DMOP_destroy_ioreq_server             6
#define XEN_DMOP_set_isa_irq_level                9
#define XEN_DMOP_remote_shutdown                  16
#define XEN_DMOP_nr_vcpus                         20

/* xen_dm_op_ioreq_server_range.type */
#define XEN_DMOP_IO_RANGE_PORT                    0
#define XEN_DMOP_IO_RANGE_MEMORY                  1

/* xen_dm_op_get_ioreq_server_info.flags */
#define _XEN_DMOP_no_gfns                         0
#define XEN_DMOP_no_gfns                          (1u << _XEN_DMOP_no_gfns)

#ifndef __ASSEMBLY__

typedef uint16_t ioservid_t;

struct xen_dm_op_create_ioreq_server {
    uint8_t handle_bufioreq; /* IN: 0: no ring of buffered requests */
    uint8_t pad[3];          /* IN: 0 */
    ioservid_t id;           /* OUT */
};
typedef struct xen_dm_op_create_ioreq_server xen_dm_op_create_ioreq_server_t;

struct xen_dm_op_get_ioreq_server_info {
    ioservid_t id;                 /* IN */
    uint16_t flags;                /* IN: XEN_DMOP_no_gfns: the pages are had as resources */
    evtchn_port_t bufioreq_port;   /* OUT */
    uint64_aligned_t ioreq_gfn;    /* OUT */
    uint64_aligned_t bufioreq_gfn; /* OUT */
};
typedef struct xen_dm_op_get_ioreq_server_info xen_dm_op_get_ioreq_server_info_t;

struct xen_dm_op_ioreq_server_range {
    ioservid_t id;               /* IN */
    uint16_t pad;                /* IN: 0 */
    uint32_t type;               /* IN: XEN_DMOP_IO_RANGE_* */
    uint64_aligned_t start, end; /* IN: first and last */
};
typedef struct xen_dm_op_ioreq_server_range xen_dm_op_ioreq_server_range_t;

struct xen_dm_op_set_ioreq_server_state {
    ioservid_t id;   /* IN */
    uint8_t enabled; /* IN */
    uint8_t pad;     /* IN: 0 */
};
typedef struct xen_dm_op_set_ioreq_server_state xen_dm_op_set_ioreq_server_state_t;

struct xen_dm_op_destroy_ioreq_server {
    ioservid_t id; /* IN */
    uint16_t pad;  /* IN: 0 */
};
typedef struct xen_dm_op_destroy_ioreq_server xen_dm_op_destroy_ioreq_server_t;

struct xen_dm_op_set_isa_irq_level {
    uint8_t isa_irq; /* IN: 0 to 15 */
    uint8_t level;   /* IN: 0 or 1 */
};
typedef struct xen_dm_op_set_isa_irq_level xen_dm_op_set_isa_irq_level_t;

struct xen_dm_op_remote_shutdown {
    uint32_t reason; /* IN: SHUTDOWN_* */
};
typedef struct xen_dm_op_remote_shutdown xen_dm_op_remote_shutdown_t;

struct xen_dm_op_nr_vcpus {
    uint32_t vcpus; /* OUT */
};
typedef struct xen_dm_op_nr_vcpus xen_dm_op_nr_vcpus_t;

struct xen_dm_op {
    uint32_t op;
    uint32_t pad;
    union {
        xen_dm_op_create_ioreq_server_t create_ioreq_server;
        xen_dm_op_get_ioreq_server_info_t get_ioreq_server_info;
        xen_dm_op_ioreq_server_range_t map_io_range_to_ioreq_server;
        xen_dm_op_ioreq_server_range_t unmap_io_range_from_ioreq_server;
        xen_dm_op_set_ioreq_server_state_t set_ioreq_server_state;
        xen_dm_op_destroy_ioreq_server_t destroy_ioreq_server;
        xen_dm_op_set_isa_irq_level_t set_isa_irq_level;
        xen_dm_op_remote_shutdown_t remote_shutdown;
        xen_dm_op_nr_vcpus_t nr_vcpus;
    } u;
};

struct xen_dm_op_buf {
    XEN_GUEST_HANDLE(void) h;
    xen_ulong_t size; /* bytes */
};
typedef struct xen_dm_op_buf xen_dm_op_buf_t;
DEFINE_XEN_GUEST_HANDLE(xen_dm_op_buf_t);

#endif /* __ASSEMBLY__ */

#endif /* XEN_PUBLIC_HVM_DM_OP_H */
