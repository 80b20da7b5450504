/* SPDX-License-Identifier: MIT */
/*
 * vcpu_op(cmd, vcpu id, argument): start and stop the domain's vCPUs, their timers, and the memory
 * areas through which the hypervisor reports to each of them. Times are system time in ns.
 */
#ifndef XEN_PUBLIC_VCPU_H
#define XEN_PUBLIC_VCPU_H

#include "xen.h"

#define VCPUOP_initialise                     0  /* vcpu_guest_context: set a new vCPU's state */
#define VCPUOP_up                             1  /* no argument: let it run */
#define VCPUOP_down                           2  /* no argument: stop it */
#define VCPUOP_is_up                          3  /* returns 1 or 0; -ENOENT past the last vCPU */
#define VCPUOP_get_runstate_info              4  /* vcpu_runstate_info */
#define VCPUOP_register_runstate_memory_area  5  /* vcpu_register_runstate_memory_area */
#define VCPUOP_set_periodic_timer             6  /* vcpu_set_periodic_timer, own vCPU */
#define VCPUOP_stop_periodic_timer            7  /* no argument, own vCPU */
#define VCPUOP_set_singleshot_timer           8  /* vcpu_set_singleshot_timer, own vCPU */
#define VCPUOP_stop_singleshot_timer          9  /* no argument, own vCPU */
#define VCPUOP_register_vcpu_info             10 /* vcpu_register_vcpu_info, once a vCPU */
#define VCPUOP_send_nmi                       11 /* no argument */
#define VCPUOP_get_physid                     12 /* vcpu_get_physid */
#define VCPUOP_register_vcpu_time_memory_area 13 /* vcpu_register_time_memory_area */

/* vcpu_runstate_info.state */
#define RUNSTATE_running  0 /* on a CPU */
#define RUNSTATE_runnable 1 /* would run if it had one */
#define RUNSTATE_blocked  2 /* waits for an event */
#define RUNSTATE_offline  3 /* paused, or not up */

/* In state_entry_time while a registered area changes (VMASST_TYPE_runstate_update_flag). */
#define XEN_RUNSTATE_UPDATE (xen_mk_ullong(1) << 63)

/* vcpu_set_singleshot_timer.flags: a time that has passed may be refused (-ETIME). */
#define _VCPU_SSHOTTMR_future (0)
#define VCPU_SSHOTTMR_future  (1U << _VCPU_SSHOTTMR_future)

#ifndef __ASSEMBLY__

struct vcpu_runstate_info {
    int state;                 /* OUT: RUNSTATE_* */
    uint64_t state_entry_time; /* OUT: since when, ns */
    uint64_t time[4];          /* OUT: ns spent in each RUNSTATE_*, this state not counted yet */
};
typedef struct vcpu_runstate_info vcpu_runstate_info_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_runstate_info_t);

/* Keep a copy up to date at this virtual address (of the vCPU's address space). */
struct vcpu_register_runstate_memory_area {
    union {
        XEN_GUEST_HANDLE(vcpu_runstate_info_t) h; /* IN: one of the three */
        struct vcpu_runstate_info *v;
        uint64_t p;
    } addr;
};
typedef struct vcpu_register_runstate_memory_area vcpu_register_runstate_memory_area_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_register_runstate_memory_area_t);

struct vcpu_set_periodic_timer {
    uint64_t period_ns; /* IN: at least 1 ms */
};
typedef struct vcpu_set_periodic_timer vcpu_set_periodic_timer_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_set_periodic_timer_t);

struct vcpu_set_singleshot_timer {
    uint64_t timeout_abs_ns; /* IN: system time */
    uint32_t flags;          /* IN: VCPU_SSHOTTMR_* */
};
typedef struct vcpu_set_singleshot_timer vcpu_set_singleshot_timer_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_set_singleshot_timer_t);

/* Move this vCPU's vcpu_info out of shared_info. */
struct vcpu_register_vcpu_info {
    uint64_t mfn;    /* IN: frame; machine frame for PV guests */
    uint32_t offset; /* IN: bytes into it; the structure must not cross its end */
    uint32_t rsvd;
};
typedef struct vcpu_register_vcpu_info vcpu_register_vcpu_info_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_register_vcpu_info_t);

struct vcpu_get_physid {
    uint64_t phys_id; /* OUT: APIC id low, ACPI id high, of the CPU it is pinned to */
};
typedef struct vcpu_get_physid vcpu_get_physid_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_get_physid_t);
#define xen_vcpu_physid_to_x86_apicid(physid) ((uint32_t)(physid))
#define xen_vcpu_physid_to_x86_acpiid(physid) ((uint32_t)((physid) >> 32))

DEFINE_XEN_GUEST_HANDLE(vcpu_time_info_t);

/* Keep a copy of vcpu_time_info at this virtual address; it may lie in user space. */
struct vcpu_register_time_memory_area {
    union {
        XEN_GUEST_HANDLE(vcpu_time_info_t) h; /* IN: one of the three */
        struct vcpu_time_info *v;
        uint64_t p;
    } addr;
};
typedef struct vcpu_register_time_memory_area vcpu_register_time_memory_area_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_register_time_memory_area_t);

#endif /* __ASSEMBLY__ */

#endif /* XEN_PUBLIC_VCPU_H */
