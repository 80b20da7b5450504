/* SPDX-License-Identifier: MIT */
/* XEN_SYSCTL_debug_keys: what keys mean. */
#ifndef HYPERCALL_DEBUG_KEYS_H
#define HYPERCALL_DEBUG_KEYS_H

#include <stdint.h>

#include <xen/sysctl.h>

/* At most 32 keys a call, else -E2BIG; -EFAULT. */
int64_t sysctl_debug_keys(struct xen_sysctl *op);

#endif
