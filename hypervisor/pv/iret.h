/* SPDX-License-Identifier: MIT */
/*
 * The iret hypercall: the guest kernel leaves a handler by way of the hypervisor.
 */
#ifndef PV_IRET_H
#define PV_IRET_H

#include <stdint.h>

struct vcpu;

/* Takes the frame from the guest's stack and sets v->regs from it, rax included; a frame that cannot be read is a crash. */
void pv_iret(struct vcpu *v);

#endif
