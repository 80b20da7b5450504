/* SPDX-License-Identifier: MIT */
/*
 * sched_op(cmd, argument): give up the CPU for a while, or for good. Times are absolute system time
 * in ns, as vcpu_time_info yields it.
 */
#ifndef XEN_PUBLIC_SCHED_H
#define XEN_PUBLIC_SCHED_H

#include "event_channel.h"

#define SCHEDOP_yield           0 /* no argument: let another vCPU run */
#define SCHEDOP_block           1 /* no argument: unmask events, sleep until one is pending */
#define SCHEDOP_shutdown        2 /* sched_shutdown: end the domain, or suspend it */
#define SCHEDOP_poll            3 /* sched_poll: sleep until a port is pending or time is up */
#define SCHEDOP_remote_shutdown 4 /* sched_remote_shutdown: as 2, for another domain (privileged) */
#define SCHEDOP_shutdown_code   5 /* sched_shutdown: set the reason, go on running */
#define SCHEDOP_watchdog        6 /* sched_watchdog: arm, feed or stop a watchdog */
#define SCHEDOP_pin_override    7 /* sched_pin_override: hardware domain only */

/* sched_shutdown.reason */
#define SHUTDOWN_poweroff   0
#define SHUTDOWN_reboot     1
#define SHUTDOWN_suspend    2 /* rdx: machine frame of start_info; returns on resume */
#define SHUTDOWN_crash      3
#define SHUTDOWN_watchdog   4
#define SHUTDOWN_soft_reset 5
#define SHUTDOWN_MAX        5

#ifndef __ASSEMBLY__

struct sched_shutdown {
    unsigned int reason; /* IN: SHUTDOWN_* */
};
typedef struct sched_shutdown sched_shutdown_t;
DEFINE_XEN_GUEST_HANDLE(sched_shutdown_t);

struct sched_poll {
    XEN_GUEST_HANDLE(evtchn_port_t) ports; /* IN: which */
    unsigned int nr_ports;                 /* IN: how many, at most 128 */
    uint64_t timeout;                      /* IN: system time, ns; 0: none */
};
typedef struct sched_poll sched_poll_t;
DEFINE_XEN_GUEST_HANDLE(sched_poll_t);

struct sched_remote_shutdown {
    domid_t domain_id;   /* IN */
    unsigned int reason; /* IN: SHUTDOWN_* */
};
typedef struct sched_remote_shutdown sched_remote_shutdown_t;
DEFINE_XEN_GUEST_HANDLE(sched_remote_shutdown_t);

struct sched_watchdog {
    uint32_t id;      /* IN: 0: a new one (the call returns its id); else that one */
    uint32_t timeout; /* IN: seconds; 0: stop */
};
typedef struct sched_watchdog sched_watchdog_t;
DEFINE_XEN_GUEST_HANDLE(sched_watchdog_t);

struct sched_pin_override {
    int32_t pcpu; /* IN: physical CPU; negative: end of the override */
};
typedef struct sched_pin_override sched_pin_override_t;
DEFINE_XEN_GUEST_HANDLE(sched_pin_override_t);

#endif /* __ASSEMBLY__ */

#endif /* XEN_PUBLIC_SCHED_H */
