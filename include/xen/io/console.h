/* SPDX-License-Identifier: MIT */
/*
 * The console page: two byte rings between a guest and its console daemon. Indices run freely and
 * are masked on use; write data, barrier, write the index, notify.
 */
#ifndef XEN_PUBLIC_IO_CONSOLE_H
#define XEN_PUBLIC_IO_CONSOLE_H

#include "../xen-compat.h"

typedef uint32_t XENCONS_RING_IDX;

#define MASK_XENCONS_IDX(idx, ring) ((idx) & (sizeof(ring) - 1))

struct xencons_interface {
    char in[1024];                       /* daemon to guest */
    char out[2048];                      /* guest to daemon */
    XENCONS_RING_IDX in_cons, in_prod;   /* bytes taken by the guest, put by the daemon */
    XENCONS_RING_IDX out_cons, out_prod; /* bytes taken by the daemon, put by the guest */
};

#endif /* XEN_PUBLIC_IO_CONSOLE_H */
