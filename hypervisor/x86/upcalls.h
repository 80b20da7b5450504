/* SPDX-License-Identifier: MIT */
/*
 * The few calls that x86 makes upward. x86/ lies below every other room, so each of these is declared here and defined
 * exactly once above, in the room that is named. All run with interrupts off on the CPU's main stack.
 */
#ifndef X86_UPCALLS_H
#define X86_UPCALLS_H

#include <stdint.h>

#include <xen/xen.h>

#include "common/compiler.h"

struct vcpu;

/* pv/: an exception arrived from guest mode; regs are the vCPU's. cr2 and error code are in place. */
void upcall_guest_exception(struct vcpu *v, uint32_t vector, uint64_t cr2);

/* pv/: a SYSCALL arrived while the guest was in user mode (kernel mode goes to upcall_hypercall). */
void upcall_guest_syscall(struct vcpu *v);

/* hypercall/: a SYSCALL arrived in guest kernel mode: number in rax, result into rax. */
void upcall_hypercall(struct vcpu *v);

/* pv/: the return to the guest faulted (bad selector, non-canonical address). */
void upcall_exit_fault(struct vcpu *v, uint32_t vector, uint32_t error_code);

/*
 * pv/: called before a return to a guest, after all work is done, when evtchn_upcall_pending is set (masked or not) or
 * v->exit_call is: deliver an event or NMI by bouncing to the guest's callback, clear exit_call when nothing is left that
 * needs it. Returns with v->regs as they are to be loaded; may raise work, which is then done before the guest continues.
 */
void upcall_exit_to_guest(struct vcpu *v);

/*
 * sched/: do what these WORK_* bits ask, which have been cleared in percpu.work already. May switch to another vCPU and
 * then does not return. The idle loop takes the bits itself.
 */
void upcall_do_work(uint32_t work);

/* sched/: the CPU's one-shot timer fired. */
void upcall_timer_irq(void);

/* boot/ or event/: a device interrupt (vector 0x20-0xef) arrived; acknowledged after return. */
void upcall_device_irq(uint32_t vector);

/* sched/: an AP is ready; never returns (enters the idle loop). */
void upcall_ap_ready(void) __noreturn_fn;

#endif
