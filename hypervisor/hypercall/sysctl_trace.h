/* SPDX-License-Identifier: MIT */
/* The sysctl that chooses what is traced and reads the trace. */
#ifndef HYPERCALL_SYSCTL_TRACE_H
#define HYPERCALL_SYSCTL_TRACE_H

#include <stdint.h>

struct xen_sysctl;
int64_t sysctl_trace(struct xen_sysctl *op);

#endif
