/* SPDX-License-Identifier: MIT */
/*
 * Exceptions: handlers, faults that are caught, and the crash report.
 * A kernel exception goes, in this order, to: a fix-up of the faulting instruction (probe_read and friends), an active
 * trap_catch() of this CPU, the handler of its vector, the crash report. A user exception ends user_run() instead.
 */
#ifndef PVK_TRAPS_H
#define PVK_TRAPS_H

#include "common/compiler.h"
#include "pvk/regs.h"

enum trap_vector {
    TRAP_DE = 0,
    TRAP_DB = 1,
    TRAP_NMI = 2,
    TRAP_BP = 3,
    TRAP_OF = 4,
    TRAP_BR = 5,
    TRAP_UD = 6,
    TRAP_NM = 7,
    TRAP_DF = 8,
    TRAP_TS = 10,
    TRAP_NP = 11,
    TRAP_SS = 12,
    TRAP_GP = 13,
    TRAP_PF = 14,
    TRAP_MF = 16,
    TRAP_AC = 17,
    TRAP_MC = 18,
    TRAP_XM = 19,
};

/* Bits of a page fault's error code (SDM vol. 3, section 4.7). */
#define PF_PRESENT  (1u << 0)
#define PF_WRITE    (1u << 1)
#define PF_USER     (1u << 2)
#define PF_RESERVED (1u << 3)
#define PF_FETCH    (1u << 4)

/* Returns true if the interrupted code shall go on with *regs, false to pass the exception on to the crash report. */
typedef bool trap_handler(struct trap_regs *regs);

/* Replace the handler of a vector below 32; returns the previous one (NULL: none). Takes effect on every CPU. */
trap_handler *trap_set_handler(unsigned vector, trap_handler *handler);

/* The address that the last page fault of this CPU touched. Valid in a handler, until the next fault. */
uint64_t trap_fault_address(void);

/* What trap_catch() saw. */
struct trap_seen {
    uint32_t vector;
    uint32_t error_code;
    uint64_t fault_address; /* meaningful for TRAP_PF only */
    uint64_t rip;
};

/*
 * Call fn(arg); true if it returned, false if an exception ended it, which *seen then describes. What fn changed stays
 * changed and what it allocated stays allocated. Calls do not nest on one CPU: the innermost wins.
 */
bool trap_catch(void (*fn)(void *arg), void *arg, struct trap_seen *seen);

/* "#PF", "#GP" ...; "vector 77" style text for a number without a name (static buffer). */
const char *trap_name(unsigned vector);

/* Print the reason, the registers (NULL: none), the backtrace and the last failed hypercall; then end the machine as crashed. */
__noreturn_fn void crash_regs(const struct trap_regs *regs, const char *fmt, ...)
    __printf_like(2, 3);
#define crash(...) crash_regs(NULL, __VA_ARGS__)

/* For what only our own bug can make false. */
#define ASSERT(cond)                                                                               \
    do {                                                                                           \
        if (unlikely(!(cond))) {                                                                   \
            crash("assertion failed: %s (%s:%d)", #cond, __FILE__, __LINE__);                      \
        }                                                                                          \
    } while (0)

#endif
