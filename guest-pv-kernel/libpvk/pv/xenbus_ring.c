/* SPDX-License-Identifier: MIT */
/*
 * Bytes through the store ring: one ring a direction, free-running indices, one event channel for "something changed".
 * Invariant: an index is published after the bytes that it covers, and the other side's index is never trusted to be sane.
 */
#include "libpvk/pv/xenbus_ring.h"

#include <xen/errno.h>
#include <xen/io/xs_wire.h>

#include "common/compiler.h"
#include "libpvk/pv/xenbus.h"
#include "pvk/memory.h"
#include "pvk/pv/events.h"
#include "pvk/pv/p2m.h"
#include "pvk/pv/start_info.h"
#include "pvk/pv/xenbus.h"

struct wait_queue store_queue = WAIT_QUEUE_INIT(store_queue);

static struct xenstore_domain_interface *ring;
static uint32_t port;

static void on_event(uint32_t event_port, void *arg)
{
    (void)event_port;
    (void)arg;
    wait_queue_wake(&store_queue);
}

bool xenbus_present(void)
{
    return ring != NULL;
}

int xenbus_attach(struct xenstore_domain_interface *new_ring, uint32_t new_port)
{
    ring = new_ring;
    port = new_port;
    return event_attach(port, on_event, NULL);
}

void xenbus_init(void)
{
    pfn_t pfn;

    if (start_info->store_mfn != 0 && pfn_of_mfn(mfn_make(start_info->store_mfn), &pfn) &&
        xenbus_attach(va_of_pfn(pfn), start_info->store_evtchn) != 0) {
        ring = NULL;
    }
}

static uint32_t nr_readable(void)
{
    return __atomic_load_n(&ring->rsp_prod, __ATOMIC_ACQUIRE) - ring->rsp_cons;
}

static uint32_t nr_writable(void)
{
    return XENSTORE_RING_SIZE -
           (ring->req_prod - __atomic_load_n(&ring->req_cons, __ATOMIC_ACQUIRE));
}

bool store_ring_has_data(void)
{
    return nr_readable() != 0;
}

int store_ring_write(const void *data, size_t len)
{
    const char *bytes = data;

    while (len > 0) {
        uint32_t n;

        wait_until(&store_queue, nr_writable() != 0, 0);
        n = nr_writable();
        if (n > XENSTORE_RING_SIZE) {
            return -XEN_EIO; /* the daemon's index is nonsense */
        }
        for (n = (uint32_t)MIN((size_t)n, len); n > 0; n--, len--) {
            ring->req[MASK_XENSTORE_IDX(ring->req_prod)] = *bytes++;
            __atomic_store_n(&ring->req_prod, ring->req_prod + 1, __ATOMIC_RELEASE);
        }
        event_send(port);
    }
    return 0;
}

int store_ring_read(void *data, size_t len)
{
    char *bytes = data;

    while (len > 0) {
        uint32_t n;

        wait_until(&store_queue, nr_readable() != 0, 0);
        n = nr_readable();
        if (n > XENSTORE_RING_SIZE) {
            return -XEN_EIO;
        }
        for (n = (uint32_t)MIN((size_t)n, len); n > 0; n--, len--) {
            *bytes++ = ring->rsp[MASK_XENSTORE_IDX(ring->rsp_cons)];
            __atomic_store_n(&ring->rsp_cons, ring->rsp_cons + 1, __ATOMIC_RELEASE);
        }
        event_send(port);
    }
    return 0;
}
