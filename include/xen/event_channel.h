/* SPDX-License-Identifier: MIT */
/*
 * event_channel_op(cmd, argument): ports, each a bit that someone can set for a domain: another
 * domain, a virtual or physical interrupt, or another vCPU. Two layouts of the bits exist: the
 * two-level bitmaps of shared_info (every domain starts with them) and FIFO queues, described last.
 */
#ifndef XEN_PUBLIC_EVENT_CHANNEL_H
#define XEN_PUBLIC_EVENT_CHANNEL_H

#include "xen.h"

#define EVTCHNOP_bind_interdomain 0  /* evtchn_bind_interdomain */
#define EVTCHNOP_bind_virq        1  /* evtchn_bind_virq */
#define EVTCHNOP_bind_pirq        2  /* evtchn_bind_pirq */
#define EVTCHNOP_close            3  /* evtchn_close */
#define EVTCHNOP_send             4  /* evtchn_send */
#define EVTCHNOP_status           5  /* evtchn_status */
#define EVTCHNOP_alloc_unbound    6  /* evtchn_alloc_unbound */
#define EVTCHNOP_bind_ipi         7  /* evtchn_bind_ipi */
#define EVTCHNOP_bind_vcpu        8  /* evtchn_bind_vcpu */
#define EVTCHNOP_unmask           9  /* evtchn_unmask */
#define EVTCHNOP_reset            10 /* evtchn_reset */
#define EVTCHNOP_init_control     11 /* evtchn_init_control */
#define EVTCHNOP_expand_array     12 /* evtchn_expand_array */
#define EVTCHNOP_set_priority     13 /* evtchn_set_priority */

/* evtchn_bind_pirq.flags */
#define BIND_PIRQ__WILL_SHARE 1

/* evtchn_status.status */
#define EVTCHNSTAT_closed      0
#define EVTCHNSTAT_unbound     1 /* waits for a domain to bind the other end */
#define EVTCHNSTAT_interdomain 2
#define EVTCHNSTAT_pirq        3
#define EVTCHNSTAT_virq        4
#define EVTCHNSTAT_ipi         5

#ifndef __ASSEMBLY__

typedef uint32_t evtchn_port_t;
DEFINE_XEN_GUEST_HANDLE(evtchn_port_t);

/* Ports of the two-level layout: one word of selectors, each for one word of bits. */
#define EVTCHN_2L_NR_CHANNELS (sizeof(xen_ulong_t) * sizeof(xen_ulong_t) * 64)

/* Make a port in dom that remote_dom may bind to. For another domain than oneself: privileged. */
struct evtchn_alloc_unbound {
    domid_t dom, remote_dom; /* IN: DOMID_SELF allowed in both */
    evtchn_port_t port;      /* OUT */
};
typedef struct evtchn_alloc_unbound evtchn_alloc_unbound_t;

/* Make a local port and connect it to an unbound port of another domain. */
struct evtchn_bind_interdomain {
    domid_t remote_dom;        /* IN */
    evtchn_port_t remote_port; /* IN */
    evtchn_port_t local_port;  /* OUT */
};
typedef struct evtchn_bind_interdomain evtchn_bind_interdomain_t;

/* Make a port that a virtual IRQ sets. */
struct evtchn_bind_virq {
    uint32_t virq;      /* IN: VIRQ_* */
    uint32_t vcpu;      /* IN: which vCPU's; 0 for those of the whole domain */
    evtchn_port_t port; /* OUT */
};
typedef struct evtchn_bind_virq evtchn_bind_virq_t;

/* Make a port that a physical IRQ sets. */
struct evtchn_bind_pirq {
    uint32_t pirq;      /* IN: number as physdev_op gives it */
    uint32_t flags;     /* IN: BIND_PIRQ__* */
    evtchn_port_t port; /* OUT */
};
typedef struct evtchn_bind_pirq evtchn_bind_pirq_t;

/* Make a port with which the domain's vCPUs signal one of them. */
struct evtchn_bind_ipi {
    uint32_t vcpu;      /* IN: who gets the event */
    evtchn_port_t port; /* OUT */
};
typedef struct evtchn_bind_ipi evtchn_bind_ipi_t;

/* Free a port; the other end of a connection becomes unbound. */
struct evtchn_close {
    evtchn_port_t port; /* IN */
};
typedef struct evtchn_close evtchn_close_t;

/* Set the remote end's bit. */
struct evtchn_send {
    evtchn_port_t port; /* IN: local port */
};
typedef struct evtchn_send evtchn_send_t;

/* Ask about a port. For another domain than oneself: privileged. */
struct evtchn_status {
    domid_t dom;        /* IN */
    evtchn_port_t port; /* IN */
    uint32_t status;    /* OUT: EVTCHNSTAT_*, which selects the member of u */
    uint32_t vcpu;      /* OUT: vCPU that is notified */
    union {
        struct {
            domid_t dom; /* OUT: who may bind */
        } unbound;
        struct {
            domid_t dom;        /* OUT: other end */
            evtchn_port_t port; /* OUT: its port */
        } interdomain;
        uint32_t pirq; /* OUT */
        uint32_t virq; /* OUT */
    } u;
};
typedef struct evtchn_status evtchn_status_t;

/* Choose the vCPU that a port notifies. Not for IPIs and per-vCPU virtual IRQs. */
struct evtchn_bind_vcpu {
    evtchn_port_t port; /* IN */
    uint32_t vcpu;      /* IN */
};
typedef struct evtchn_bind_vcpu evtchn_bind_vcpu_t;

/* Clear the mask bit, and deliver if the port is pending. */
struct evtchn_unmask {
    evtchn_port_t port; /* IN */
};
typedef struct evtchn_unmask evtchn_unmask_t;

/* Close every port of a domain and return to the two-level layout. */
struct evtchn_reset {
    domid_t dom; /* IN: DOMID_SELF, or (privileged) another */
};
typedef struct evtchn_reset evtchn_reset_t;

/* The old call (number 16) took this: command and argument in one. */
struct evtchn_op {
    uint32_t cmd; /* IN: EVTCHNOP_* */
    union {
        evtchn_alloc_unbound_t alloc_unbound;
        evtchn_bind_interdomain_t bind_interdomain;
        evtchn_bind_virq_t bind_virq;
        evtchn_bind_pirq_t bind_pirq;
        evtchn_bind_ipi_t bind_ipi;
        evtchn_close_t close;
        evtchn_send_t send;
        evtchn_status_t status;
        evtchn_bind_vcpu_t bind_vcpu;
        evtchn_unmask_t unmask;
    } u;
};
typedef struct evtchn_op evtchn_op_t;
DEFINE_XEN_GUEST_HANDLE(evtchn_op_t);

#endif /* __ASSEMBLY__ */

/* ---- FIFO layout: an array of event words, linked into one queue per vCPU and priority ------- */

#define EVTCHN_FIFO_PRIORITY_MAX     0
#define EVTCHN_FIFO_PRIORITY_DEFAULT 7
#define EVTCHN_FIFO_PRIORITY_MIN     15
#define EVTCHN_FIFO_MAX_QUEUES       (EVTCHN_FIFO_PRIORITY_MIN + 1)

/* Bits of an event word. */
#define EVTCHN_FIFO_PENDING 31
#define EVTCHN_FIFO_MASKED  30
#define EVTCHN_FIFO_LINKED  29 /* is in a queue */
#define EVTCHN_FIFO_BUSY    28 /* the hypervisor is changing the link */

/* Low bits: port number of the next word in the queue; 0: last. */
#define EVTCHN_FIFO_LINK_BITS   17
#define EVTCHN_FIFO_LINK_MASK   ((1 << EVTCHN_FIFO_LINK_BITS) - 1)
#define EVTCHN_FIFO_NR_CHANNELS (1 << EVTCHN_FIFO_LINK_BITS)

#ifndef __ASSEMBLY__

typedef uint32_t event_word_t;

/* One per vCPU, in guest memory. */
struct evtchn_fifo_control_block {
    uint32_t ready; /* bit per priority whose queue is not empty */
    uint32_t _rsvd;
    uint32_t head[EVTCHN_FIFO_MAX_QUEUES]; /* port at the front of each queue */
};
typedef struct evtchn_fifo_control_block evtchn_fifo_control_block_t;

/* Give a vCPU its control block; the first call of a domain switches it to FIFO. */
struct evtchn_init_control {
    uint64_t control_gfn; /* IN: frame that holds the block */
    uint32_t offset;      /* IN: bytes into it, a multiple of 8 */
    uint32_t vcpu;        /* IN */
    uint8_t link_bits;    /* OUT: EVTCHN_FIFO_LINK_BITS */
    uint8_t _pad[7];
};
typedef struct evtchn_init_control evtchn_init_control_t;

/* Append a page of event words. */
struct evtchn_expand_array {
    uint64_t array_gfn; /* IN: frame, zeroed by the guest */
};
typedef struct evtchn_expand_array evtchn_expand_array_t;

/* Choose the queue of a port. */
struct evtchn_set_priority {
    evtchn_port_t port; /* IN */
    uint32_t priority;  /* IN: EVTCHN_FIFO_PRIORITY_MAX .. _MIN */
};
typedef struct evtchn_set_priority evtchn_set_priority_t;

#endif /* __ASSEMBLY__ */

#endif /* XEN_PUBLIC_EVENT_CHANNEL_H */
