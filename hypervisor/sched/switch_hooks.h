/* SPDX-License-Identifier: MIT */
/*
 * What the room above (pv/, later full/) does when a vCPU gets or leaves a CPU. sched/ calls the hooks; pv/ defines
 * pv_switch_hooks and boot/main.c registers it, so that sched/ includes nothing above itself.
 */
#ifndef SCHED_SWITCH_HOOKS_H
#define SCHED_SWITCH_HOOKS_H

struct vcpu;

struct switch_hooks {
    void (*out)(struct vcpu *v); /* save what the guest may have changed: selectors, bases, debug registers */
    void (*in)(struct vcpu *v);  /* load roots (CR3), GDT/LDT windows, selectors, bases, TSS.rsp0, CR4 */
};

void sched_set_hooks(const struct switch_hooks *hooks);

#endif
