/* SPDX-License-Identifier: MIT */
/*
 * The kernel's side of user mode: what trap dispatch tells user.c, and what user.c asks of the back end.
 */
#ifndef PVK_CORE_USER_H
#define PVK_CORE_USER_H

#include "pvk/user.h"

/* User code made a system call or got an exception: ends user_run(), does not return. */
__noreturn_fn void user_stopped(const struct trap_regs *regs);

/* User code was interrupted and the interrupt has been handled: returns to go on with it, or ends user_run(). */
void user_interrupted(const struct trap_regs *regs);

/* Back end: give zeroed registers the segments of user mode. */
void user_regs_init(struct trap_regs *regs);

/* Back end: load *regs and enter user mode, having stored the stack pointer to come back to. Interrupts are off. */
void user_enter(struct trap_regs *regs, uint64_t *kernel_rsp);

/* Back end: return from user_enter() on the stack that it stored. */
__noreturn_fn void user_leave(uint64_t kernel_rsp);

/* Back end: entries from user mode shall use this stack. Called by user_enter(). */
void user_set_entry_stack(uint64_t kernel_rsp);

#endif
