/* SPDX-License-Identifier: MIT */
/*
 * The end: BUG and ASSERT guard the hypervisor's own invariants, never what a guest can choose. A panic stops the
 * other CPUs, prints registers, a symbolized backtrace and which domain ran, then exits with status 4 or halts.
 */
#ifndef DEBUG_PANIC_H
#define DEBUG_PANIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/compiler.h"

struct cpu_user_regs;

void panic(const char *fmt, ...) __printf_like(1, 2) __noreturn_fn;
void panic_regs(const struct cpu_user_regs *regs, const char *fmt, ...)
    __printf_like(2, 3) __noreturn_fn;
/* Who says which domain runs: fn writes one phrase. Called with the machine in an unknown state. */
void panic_set_context(void (*fn)(char *buf, size_t size));

#define BUG_ON(cond)                                                                               \
    do {                                                                                           \
        if (unlikely(cond)) {                                                                      \
            panic("%s:%d: BUG: %s", __FILE__, __LINE__, #cond);                                    \
        }                                                                                          \
    } while (0)

#ifdef XENO_DEBUG
#define ASSERT(cond) BUG_ON(!(cond))
#else
#define ASSERT(cond) ((void)sizeof(!(cond)))
#endif

#endif
