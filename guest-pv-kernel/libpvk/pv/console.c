/* SPDX-License-Identifier: MIT */
/*
 * Two consoles: the hypervisor's own (console_io: initial domain, or any domain where the hypervisor allows it), and a ring
 * page that a console daemon serves (other domains). A domain with a ring uses the ring; crash reports go to both.
 * Invariant: out_prod - out_cons never exceeds the ring; bytes are in the ring before the index says so.
 */
#include "pvk/console.h"

#include <stdio.h>

#include <xen/io/console.h>

#include "common/format.h"
#include "libpvk/core/backend.h"
#include "libpvk/pv/console.h"
#include "pvk/clock.h"
#include "pvk/pv/events.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/pv/start_info.h"
#include "pvk/spinlock.h"
#include "pvk/thread.h"

/* How long a full ring may stay full before output is dropped: no reader is there, or it is stuck. */
#define FULL_WAIT_NS (100 * NS_PER_MS)

static struct xencons_interface *ring; /* NULL: none, or not set up yet */
static uint32_t ring_port;
static struct spinlock lock;
static uint64_t nr_dropped; /* lock: lock; since the last report */
static bool ring_stuck;     /* lock: lock; do not wait again until the reader moves */
static bool both;           /* earlyprintk=xen: write to the hypervisor's console as well */
static char
    held; /* without a ring, a byte that console_wait_input() had to read to know that it is there */
static bool have_held;
static struct wait_queue input = WAIT_QUEUE_INIT(input);

static void hypervisor_write(const char *text, size_t len)
{
    while (len > 0) {
        long rc = hc_console_io(CONSOLEIO_write, len, text);

        if (rc < 0) {
            return; /* not for us */
        }
        if (rc == 0 || (size_t)rc >= len) {
            return; /* 0 is how some versions say that all was taken */
        }
        text += rc;
        len -= (size_t)rc;
    }
}

static uint32_t ring_space(void)
{
    return (uint32_t)sizeof(ring->out) -
           (ring->out_prod - __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE));
}

/* True if there is room, perhaps after a wait. Called with the lock held. */
static bool wait_for_space(void)
{
    uint64_t deadline;

    if (ring_space() > 0) {
        ring_stuck = false;
        return true;
    }
    if (ring_stuck) {
        return false;
    }
    event_send(ring_port);
    deadline = clock_ns() + FULL_WAIT_NS;
    while (ring_space() == 0 && clock_ns() < deadline) {
        hc_sched_op(SCHEDOP_yield, NULL);
    }
    ring_stuck = ring_space() == 0;
    return !ring_stuck;
}

static void ring_put(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!wait_for_space()) {
            nr_dropped += len - i;
            return;
        }
        ring->out[MASK_XENCONS_IDX(ring->out_prod, ring->out)] = text[i];
        __atomic_store_n(&ring->out_prod, ring->out_prod + 1, __ATOMIC_RELEASE);
    }
}

static void ring_write(const char *text, size_t len)
{
    irq_state was = spin_lock(&lock);

    if (nr_dropped > 0 && ring_space() > 64) {
        char note[64];
        int n = format(note, sizeof(note), "\n[console: %lu bytes lost]\n", nr_dropped);

        nr_dropped = 0;
        ring_put(note, (size_t)n);
    }
    for (size_t start = 0, at = 0; at <= len; at++) {
        /* A terminal wants a carriage return in front of each newline. */
        if (at == len || text[at] == '\n') {
            ring_put(text + start, at - start);
            if (at < len) {
                ring_put("\r\n", 2);
            }
            start = at + 1;
        }
    }
    spin_unlock(&lock, was);
    event_send(ring_port);
}

void console_write(const char *text, size_t len)
{
    if (ring == NULL || both) {
        hypervisor_write(text, len);
    }
    if (ring != NULL) {
        ring_write(text, len);
    }
}

void backend_console_panic_write(const char *text, size_t len)
{
    hypervisor_write(text, len);
    if (ring == NULL) {
        return;
    }
    for (size_t i = 0; i < len && ring_space() > 2; i++) {
        if (text[i] == '\n') {
            ring->out[MASK_XENCONS_IDX(ring->out_prod, ring->out)] = '\r';
            __atomic_store_n(&ring->out_prod, ring->out_prod + 1, __ATOMIC_RELEASE);
        }
        ring->out[MASK_XENCONS_IDX(ring->out_prod, ring->out)] = text[i];
        __atomic_store_n(&ring->out_prod, ring->out_prod + 1, __ATOMIC_RELEASE);
    }
    event_send(ring_port);
}

void console_flush(void)
{
    uint64_t deadline = clock_ns() + FULL_WAIT_NS;

    while (ring != NULL && ring_space() < sizeof(ring->out) && clock_ns() < deadline) {
        hc_sched_op(SCHEDOP_yield, NULL);
    }
}

size_t console_read(char *buf, size_t len)
{
    uint32_t cons;
    size_t n = 0;

    if (ring == NULL) {
        long rc;

        if (have_held && len > 0) {
            buf[n++] = held;
            have_held = false;
        }
        rc = hc_console_io(CONSOLEIO_read, len - n, buf + n);
        return rc > 0 ? n + (size_t)rc : n;
    }
    cons = ring->in_cons;
    while (n < len && cons != __atomic_load_n(&ring->in_prod, __ATOMIC_ACQUIRE)) {
        buf[n++] = ring->in[MASK_XENCONS_IDX(cons, ring->in)];
        cons++;
    }
    if (n > 0) {
        __atomic_store_n(&ring->in_cons, cons, __ATOMIC_RELEASE);
        event_send(ring_port); /* there is room again */
    }
    return n;
}

static bool input_is_there(void)
{
    if (ring != NULL) {
        return ring->in_cons != __atomic_load_n(&ring->in_prod, __ATOMIC_ACQUIRE);
    }
    return have_held || (have_held = hc_console_io(CONSOLEIO_read, 1, &held) == 1);
}

void console_wait_input(void)
{
    wait_until(&input, input_is_there(), 0);
}

static void input_event(uint32_t port, void *arg)
{
    (void)port;
    (void)arg;
    wait_queue_wake(&input);
}

void console_init_early(void)
{
    both = cmdline_has("earlyprintk=xen");
}

void console_init(void)
{
    pfn_t pfn;

    if (is_initial_domain()) {
        long port = event_bind_virq(VIRQ_CONSOLE, 0, input_event, NULL);

        (void)port; /* without it there is no input, which is no reason to stop */
        return;
    }
    if (start_info->console.domU.mfn == 0 ||
        !pfn_of_mfn(mfn_make(start_info->console.domU.mfn), &pfn)) {
        return;
    }
    ring = va_of_pfn(pfn);
    ring_port = start_info->console.domU.evtchn;
    if (event_attach(ring_port, input_event, NULL) != 0) {
        puts("console: no memory for its event handler");
    }
}
