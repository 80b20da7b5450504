/* SPDX-License-Identifier: MIT */
/*
 * Running one hypercall out of registers or out of a multicall entry. The caller stores the result and handles
 * HC_RESTARTED; counting and the privilege of the table row happen here.
 */
#ifndef HYPERCALL_DISPATCH_H
#define HYPERCALL_DISPATCH_H

#include <stdint.h>

#include "domain/vcpu.h"

int64_t hypercall_run(struct vcpu *v, uint64_t nr, const struct cpu_user_regs *args);

#endif
