/* SPDX-License-Identifier: MIT */
/*
 * The two-level event ABI: a pending and a mask bit per port in shared_info, a selector word per vCPU. All of it is
 * guest memory that any vCPU of the guest may change at any time, so each step is one atomic operation and no
 * decision here is about safety, only about delivery. Pure.
 */
#ifndef EVENT_EVTCHN_2L_H
#define EVENT_EVTCHN_2L_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>

/* Ports of the two-level ABI: 64 selector bits times 64 (ABI: EVTCHN_2L_NR_CHANNELS). */
#define EVTCHN_2L_PORTS 4096u

/*
 * Make the port pending. True when the vCPU's upcall must be raised: the port was not pending before, is not masked
 * and its selector bit was clear. The caller guarantees port < EVTCHN_2L_PORTS.
 */
bool evtchn_2l_set_pending(struct shared_info *s, struct vcpu_info *vi, uint32_t port);

/* Clear the mask bit; true when the port is pending and the upcall must be raised. */
bool evtchn_2l_unmask(struct shared_info *s, struct vcpu_info *vi, uint32_t port);

bool evtchn_2l_is_pending(const struct shared_info *s, uint32_t port);
bool evtchn_2l_is_masked(const struct shared_info *s, uint32_t port);
void evtchn_2l_clear_pending(struct shared_info *s, uint32_t port);

#endif
