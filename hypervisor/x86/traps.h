/* SPDX-License-Identifier: MIT */
/* The C side of entry.S. */
#ifndef X86_TRAPS_H
#define X86_TRAPS_H

#include <xen/xen.h>

struct vcpu;

/* An exception or interrupt while a guest ran; its registers are in v. */
void trap_from_guest(struct vcpu *v);

/* The same while the hypervisor ran: regs lie on the stack and are what it continues with. */
void trap_from_hv(struct cpu_user_regs *regs);

/* Do this CPU's pending work before a guest continues. */
void trap_exit_work(void);

#endif
