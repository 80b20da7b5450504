/* SPDX-License-Identifier: MIT */
/*
 * The PV room's face towards the rooms above it and boot/: entering a guest kernel, loading and reading a vCPU context,
 * and what a switch of vCPUs has to load. The upcalls of x86/upcalls.h that concern guests are defined in this room.
 */
#ifndef PV_PV_H
#define PV_PV_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/domain.h"
#include "domain/vcpu.h"

struct vcpu_guest_context;

/* Deliver exception `vector` to the guest kernel as the CPU would have; cr2 is stored first for #PF. */
void pv_inject_exception(struct vcpu *v, uint32_t vector, uint32_t error_code, uint64_t cr2);
#define pv_inject_gp(v, ec) pv_inject_exception(v, 13, ec, 0)
#define pv_inject_ud(v)     pv_inject_exception(v, 6, 0, 0)

/* Guest kernel mode <-> user mode: page-table root and GS. The caller changes registers. */
void pv_toggle_mode(struct vcpu *v);

/* Check every field of a context and take it over, with its references; nothing is changed on failure. */
int pv_context_set(struct vcpu *v, const struct vcpu_guest_context *ctx);
void pv_context_get(const struct vcpu *v, struct vcpu_guest_context *ctx);

/* Context switch halves, called by sched/ through the switch hooks (sched/switch_hooks.h) on the CPU concerned. */
void pv_switch_out(struct vcpu *v);
void pv_switch_in(struct vcpu *v);

#endif
