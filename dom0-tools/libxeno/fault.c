/* SPDX-License-Identifier: MIT */
/*
 * A transport in front of the transport. Destroying a domain is not counted: it is what undoing is made of, and a tool that
 * cannot destroy has nothing left to try.
 */
#include "libxeno/fault.h"

#include <stdio.h>
#include <xen/domctl.h>

#include "common/errno.h"

static struct xeno_transport real;
static long at, count; /* at 0: off */
static void (*on_strike)(void);

bool fault_now(void)
{
    bool now = at && ++count == at;

    if (now && on_strike) {
        on_strike();
    }
    return now;
}

long fault_not_struck(void)
{
    return at && count < at ? count : -1;
}

static bool undoes(unsigned int nr, uint64_t a1)
{
    return nr == __HYPERVISOR_domctl &&
           ((const struct xen_domctl *)(uintptr_t)a1)->cmd == XEN_DOMCTL_destroydomain;
}

static long hypercall(void *ctx, unsigned int nr, uint64_t a1, uint64_t a2, uint64_t a3,
                      uint64_t a4)
{
    return !undoes(nr, a1) && fault_now() ? -ENOMEM : real.hypercall(ctx, nr, a1, a2, a3, a4);
}

static void *map_foreign(void *ctx, uint32_t domid, const uint64_t *mfns, size_t nr)
{
    return fault_now() ? NULL : real.map_foreign(ctx, domid, mfns, nr);
}

static long event_bind(void *ctx, uint32_t domid, uint32_t remote_port, void (*fn)(void *arg),
                       void *arg)
{
    return fault_now() ? -ENOMEM : real.event_bind(ctx, domid, remote_port, fn, arg);
}

static int file_open(void *ctx, const char *path, const void **data, size_t *size)
{
    return fault_now() ? -EIO : real.file_open(ctx, path, data, size);
}

static int file_intact(void *ctx, const void *data)
{
    return fault_now() ? -EIO : real.file_intact(ctx, data);
}

static int kernel_unpack(void *ctx, const char *path, const void **data, size_t *size, char *why,
                         size_t why_size)
{
    if (fault_now()) {
        snprintf(why, why_size, "the fault switch");
        return -1;
    }
    return real.kernel_unpack(ctx, path, data, size, why, why_size);
}

void fault_set(struct xeno_transport *t, long nth, void (*strike)(void))
{
    if (at) {
        *t = real;
    }
    at = nth > 0 ? nth : 0;
    on_strike = strike;
    count = 0;
    if (at) {
        real = *t;
        t->hypercall = hypercall;
        t->map_foreign = map_foreign;
        t->event_bind = event_bind;
        t->file_open = file_open;
        t->file_intact = real.file_intact ? file_intact : NULL;
        t->kernel_unpack = real.kernel_unpack ? kernel_unpack : NULL;
    }
}
