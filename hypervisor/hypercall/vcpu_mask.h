/* SPDX-License-Identifier: MIT */
/* The vCPU bitmaps of flush requests: from guest memory to the CPUs that have to flush. */
#ifndef HYPERCALL_VCPU_MASK_H
#define HYPERCALL_VCPU_MASK_H

#include "common/compiler.h"
#include "domain/domain.h"

/* CPUs on which the vCPUs of d in the bitmap at `at` may have translations. -EFAULT. */
int vcpu_mask_read(const struct domain *d, gva_t at, uint64_t *cpus) __must_check;

#endif
