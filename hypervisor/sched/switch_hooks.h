/* SPDX-License-Identifier: MIT */
/*
 * What the room that a vCPU belongs to (pv/, full/) does when it gets or leaves a CPU. The room sets v->hooks when the vCPU
 * is made, so that sched/ includes nothing above itself and asks no vCPU of what kind it is.
 */
#ifndef SCHED_SWITCH_HOOKS_H
#define SCHED_SWITCH_HOOKS_H

#include "common/compiler.h"

struct vcpu;

struct switch_hooks {
    void (*out)(struct vcpu *v); /* save what the guest may have changed: selectors, bases, debug registers */
    void (*in)(struct vcpu *v);  /* load roots (CR3), GDT/LDT windows, selectors, bases, TSS.rsp0, CR4 */
    void (*resume)(void) __noreturn_fn; /* go on with the vCPU that was loaded; drops what is on the CPU's main stack */
};

#endif
