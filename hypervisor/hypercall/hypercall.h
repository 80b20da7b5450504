/* SPDX-License-Identifier: MIT */
/*
 * Prototypes of all hypercall handlers and their typed continuations, expanded from hypercalls.def, and the restart
 * protocol. A handler decodes, checks and calls the room below; it returns the value for rax, or what
 * hc_continue_<name>() returned after storing the arguments that describe the rest of the work.
 */
#ifndef HYPERCALL_HYPERCALL_H
#define HYPERCALL_HYPERCALL_H

#include <stdint.h>

/* Not a value that any handler may compute itself: only hc_restart() returns it. */
#define HC_RESTARTED INT64_MIN

/*
 * Run hypercall nr again with these arguments after work has been done or other vCPUs have run. The guest sees its
 * argument registers as `a` while preempted (never at completion), or its multicall entry rewritten.
 */
int64_t hc_restart(unsigned int nr, unsigned int nargs, const uint64_t a[6]);

#define HC_PARAMS_0 void
#define HC_PARAMS_1 uint64_t a1
#define HC_PARAMS_2 uint64_t a1, uint64_t a2
#define HC_PARAMS_3 uint64_t a1, uint64_t a2, uint64_t a3
#define HC_PARAMS_4 uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4
#define HC_ARGS_0   0
#define HC_ARGS_1   a1
#define HC_ARGS_2   a1, a2
#define HC_ARGS_3   a1, a2, a3
#define HC_ARGS_4   a1, a2, a3, a4

#define HC(nr, name, who, nargs)                                                                   \
    int64_t hc_##name(HC_PARAMS_##nargs);                                                          \
    static inline int64_t hc_continue_##name(HC_PARAMS_##nargs)                                    \
    {                                                                                              \
        const uint64_t args[6] = {HC_ARGS_##nargs};                                                \
                                                                                                   \
        return hc_restart(nr, nargs, args);                                                        \
    }
#include "hypercall/hypercalls.def"
#undef HC

/* Name of a hypercall number for logs and counters, NULL if it is not in the table. */
const char *hypercall_name(unsigned int nr);

#endif
