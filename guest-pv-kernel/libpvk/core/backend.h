/* SPDX-License-Identifier: MIT */
/*
 * What the shared code (core/) asks of the back end, and what the back end calls in it. There are two: pv/ for a domain of a
 * hypervisor, native/ for a bare machine; an image has one of them, chosen by the build.
 */
#ifndef PVK_CORE_BACKEND_H
#define PVK_CORE_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/compiler.h"
#include "common/typed_int.h"
#include "pvk/machine.h"
#include "pvk/regs.h"

/* --- implemented by the back end --- */

/* Deliver all interrupts that are pending on this CPU. Interrupts are off. */
void backend_handle_interrupts(void);

/* The address of the page fault that this CPU has just taken. */
uint64_t backend_fault_address(void);

/* Make *regs describe user code that has just made a system call. */
void backend_fix_syscall_regs(struct trap_regs *regs);

/* For the crash report: the last thing that the machine below us refused. */
void backend_print_last_failure(void);

/* Output that needs nothing set up and takes no lock; for crashes. */
void backend_console_panic_write(const char *text, size_t len);

/* Tell the harness the status (port 0: no one asked), then end the machine. */
__noreturn_fn void backend_exit(enum exit_reason reason, unsigned port, int status);

/* Sleep until an interrupt is pending; returns with interrupts on. Called with interrupts off. */
void backend_idle(void);

/* What the back end starts once threads run, before main(). */
void backend_start_services(void);

/* --- implemented by core/, called by the back end --- */

/* Common end of every entry into the kernel (entry.S). Returns when the interrupted code shall go on. */
void trap_dispatch(struct trap_regs *regs);

void cmdline_init(const char *line);
__noreturn_fn void core_boot(void);

/* Page allocator: hand over the bitmap (one bit a frame, set: in use) once, then free what is free. */
void page_alloc_init(uint64_t *bitmap, uint64_t nr_frames);
void page_alloc_add(pfn_t first, uint64_t nr_frames);

#endif
