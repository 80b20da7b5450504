/* SPDX-License-Identifier: MIT */
/*
 * Requests of a fully virtualized domain to its device model: one slot a vCPU in a page that both
 * map (XENMEM_resource_ioreq_server). The hypervisor fills a free slot, makes it READY and notifies
 * its port; the device model takes it (INPROCESS), answers (IORESP_READY) and notifies the port.
 */
#ifndef XEN_PUBLIC_HVM_IOREQ_H
#define XEN_PUBLIC_HVM_IOREQ_H

#include "../xen.h"

/* ioreq.dir */
#define IOREQ_WRITE 0
#define IOREQ_READ  1

/* ioreq.state */
#define STATE_IOREQ_NONE      0
#define STATE_IOREQ_READY     1
#define STATE_IOREQ_INPROCESS 2
#define STATE_IORESP_READY    3

/* ioreq.type */
#define IOREQ_TYPE_PIO  0 /* port */
#define IOREQ_TYPE_COPY 1 /* memory */

#ifndef __ASSEMBLY__

struct ioreq {
    uint64_t addr;            /* port or physical address */
    uint64_t data;            /* what is written, or was read */
    uint32_t count;           /* repetitions */
    uint32_t size;            /* bytes */
    uint32_t vp_eport;        /* port of the vCPU's channel, in the domain */
    uint16_t _pad0;           /* 0; Xenolith: number of the request, docs/abi/dm_op.md */
    uint32_t state : 4;       /* STATE_IO* */
    uint32_t data_is_ptr : 1; /* data is a physical address */
    uint32_t dir : 1;         /* IOREQ_READ, IOREQ_WRITE */
    uint32_t df : 1;          /* repetitions go down */
    uint32_t _pad1 : 1;       /* 0 */
    uint8_t type;             /* IOREQ_TYPE_* */
};
typedef struct ioreq ioreq_t;

struct shared_iopage {
    struct ioreq vcpu_ioreq[1]; /* by vCPU */
};
typedef struct shared_iopage shared_iopage_t;

#endif /* __ASSEMBLY__ */

#endif /* XEN_PUBLIC_HVM_IOREQ_H */
