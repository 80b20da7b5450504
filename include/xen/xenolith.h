/* SPDX-License-Identifier: MIT */
/*
 * What Xenolith has beyond Xen's ABI: the id of the boot domain, and the sysctl that reads the
 * counters which every vCPU keeps. On Xen the sysctl answers -ENOSYS, which is how a tool tells the
 * two apart.
 */
#ifndef XEN_PUBLIC_XENOLITH_H
#define XEN_PUBLIC_XENOLITH_H

#include "sysctl.h"
#include "xen.h"

/* The domain that builds the others at boot; it may stay as the control domain. */
#define DOMID_BOOT 0x7fef

/* createdomain flag of ours: the engine that traps does not scan code, and misses what does not trap by itself. */
#define XENOLITH_CDF_NO_SCAN (1u << 31)

/* xen_sysctl_physinfo.capabilities of ours: a frame that a domain gets is zero, whatever had it before. Xen does not promise that. */
#define XENOLITH_PHYSCAP_ZEROED (1u << 31)

/* sysctl command of ours: outside the numbers that Xen gives out. */
#define XEN_SYSCTL_xenolith_counters 0x58000001

/* xenolith_counter.kind; what index means is said behind it */
#define XENOLITH_COUNT_HYPERCALL        1 /* hypercall number; 63: numbers that are no hypercall */
#define XENOLITH_COUNT_TRAP             2 /* exception vector; 32: device IRQs, 33: timer, IPIs */
#define XENOLITH_COUNT_EVENT            3 /* XENOLITH_EVENT_* */
#define XENOLITH_COUNT_EXIT             4 /* XENOLITH_EXIT_*: of a fully virtualized vCPU */

#define XENOLITH_EVENT_EMUL_CLI_STI     0
#define XENOLITH_EVENT_EMUL_PORT        1
#define XENOLITH_EVENT_EMUL_MSR         2
#define XENOLITH_EVENT_EMUL_CR          3
#define XENOLITH_EVENT_EMUL_CPUID       4
#define XENOLITH_EVENT_EMUL_PTE         5
#define XENOLITH_EVENT_EMUL_OTHER       6
#define XENOLITH_EVENT_SYSCALL          7 /* guest user to guest kernel */
#define XENOLITH_EVENT_UPCALL           8 /* events delivered */
#define XENOLITH_EVENT_EXCEPTION_BOUNCE 9
#define XENOLITH_EVENT_FAILSAFE         10
#define XENOLITH_EVENT_CONTEXT_SWITCH   11
#define XENOLITH_EVENT_HC_RESTART       12 /* hypercalls preempted and continued */

/* Why a fully virtualized guest was left, by any engine; then what was done for it. */
#define XENOLITH_EXIT_INTERRUPT      0 /* of the machine, not the guest's */
#define XENOLITH_EXIT_WINDOW         1 /* it takes interrupts now */
#define XENOLITH_EXIT_HALT           2
#define XENOLITH_EXIT_CPUID          3
#define XENOLITH_EXIT_MSR            4
#define XENOLITH_EXIT_PORT           5
#define XENOLITH_EXIT_MEMORY         6 /* device memory */
#define XENOLITH_EXIT_EXCEPTION      7
#define XENOLITH_EXIT_DEBUG_REGISTER 8
#define XENOLITH_EXIT_SHUTDOWN       9 /* triple fault */
#define XENOLITH_EXIT_OTHER          10
#define XENOLITH_EXIT_DEVICE_MODEL   11 /* round trips to it */
#define XENOLITH_EXIT_INJECTED       12 /* interrupts given to the guest */
#define XENOLITH_EXIT_SHADOW         13 /* trap: the shadow page tables had to be filled or changed */
#define XENOLITH_EXIT_PRIVILEGED                                                                   \
    14 /* trap: privileged instructions that have no reason of their own */
#define XENOLITH_EXIT_FLAGS   15 /* trap: CLI, STI, PUSHF, POPF */
#define XENOLITH_EXIT_CONTROL 16 /* trap: control registers, INVLPG */
#define XENOLITH_EXIT_SYSCALL 17 /* trap: SYSCALL, SYSRET, IRET */
#define XENOLITH_EXIT_CODE    18 /* trap: code was scanned, or is executed where it changes itself */
#define XENOLITH_EXITS        19

struct xenolith_counter {
    uint16_t kind;  /* OUT: XENOLITH_COUNT_* */
    uint16_t index; /* OUT */
    uint32_t pad;
    uint64_t count; /* OUT */
    uint64_t tsc;   /* OUT: TSC ticks spent in it, 0 where that is not measured */
};
typedef struct xenolith_counter xenolith_counter_t;
DEFINE_XEN_GUEST_HANDLE(xenolith_counter_t);

/* Counters that are not zero, of one vCPU. Stands in xen_sysctl.u.pad. */
struct xenolith_sysctl_counters {
    domid_t domain;   /* IN */
    uint16_t vcpu;    /* IN */
    uint32_t nr;      /* IN: room; OUT: entries written, or needed when buffer is null */
    uint64_t tsc_khz; /* OUT: to turn ticks into time */
    XEN_GUEST_HANDLE_64(xenolith_counter_t) buffer; /* OUT */
};

/* sysctl command of ours: the trace. Stands in xen_sysctl.u.pad. */
#define XEN_SYSCTL_xenolith_trace 0x58000003

/* xenolith_sysctl_trace.op */
#define XENOLITH_TRACE_set  0 /* what of a domain is traced; -EINVAL for the caller's own */
#define XENOLITH_TRACE_read 1 /* take the oldest records of a CPU's ring, of whatever domain */

/*
 * What is traced: bits. A crossing is a hypercall, trap, exit, emulation, event or switch; to trace
 * them slows them. At each mark the counters of the domain go into the trace.
 */
#define XENOLITH_TRACE_MARKS     1u
#define XENOLITH_TRACE_CROSSINGS 2u
#define XENOLITH_TRACE_ARMED     4u /* crossings, but from the domain's first mark on */

/* xenolith_trace_record.kind: a XENOLITH_COUNT_* with one of the bits or none, or a number */
#define XENOLITH_TRACE_END     0x80 /* what was counted has ended */
#define XENOLITH_TRACE_COUNTER 0x40 /* not a crossing: the counter's value, behind a mark */
#define XENOLITH_TRACE_MARK    0x20 /* value: the guest's */
#define XENOLITH_TRACE_SWITCH  0x21 /* the CPU is taken away; index: the next domain, DOMID_IDLE */

struct xenolith_trace_record {
    uint64_t tsc;
    domid_t domain;
    uint8_t vcpu, cpu; /* cpu: of the machine */
    uint8_t kind, pad;
    uint16_t index;
    uint64_t value; /* of crossings and their ends: the guest's instruction pointer */
};
typedef struct xenolith_trace_record xenolith_trace_record_t;
DEFINE_XEN_GUEST_HANDLE(xenolith_trace_record_t);

struct xenolith_sysctl_trace {
    uint16_t op;      /* IN */
    domid_t domain;   /* IN, set */
    uint32_t what;    /* IN, set: bits; 0 for none */
    uint32_t cpu;     /* IN, read: -ENOENT for one that has no ring */
    uint32_t nr;      /* IN, read: room; OUT: records written, 0 when the ring is empty */
    uint64_t lost;    /* OUT, read: records that found the ring full since the last reading */
    uint64_t tsc_khz; /* OUT */
    XEN_GUEST_HANDLE_64(xenolith_trace_record_t) buffer; /* OUT, read */
};

/*
 * A guest of any kind may write 32 bits to this port, to which no device answers: a mark in its trace, where it has one. A PV
 * guest needs the I/O privilege level that it has given itself (PHYSDEVOP_set_iopl).
 */
#define XENOLITH_MARK_PORT 0x4d4b
#define XENOLITH_MARK_STOP 0xffffffffu /* the last mark: the domain's trace ends here */

/*
 * dm_op of ours: send an event through a port of the domain, which has nobody to do it. The port stands
 * in xen_dm_op.u.nr_vcpus.vcpus.
 */
#define XENOLITH_DMOP_send 0x58000002

/*
 * With XEN_DMOP_IO_RANGE_PORT as a range's type: the device model takes requests of INS and OUTS with
 * several elements (docs/abi/dm_op.md). Without it each element is a request.
 */
#define XENOLITH_DMOP_RANGE_STRINGS 0x80000000u

#endif /* XEN_PUBLIC_XENOLITH_H */
