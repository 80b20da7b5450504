/* SPDX-License-Identifier: MIT */
/*
 * Event channels: the interrupts of a PV machine. A port is one end of a channel; a handler belongs to a port and runs in
 * interrupt context on the CPU that the port is bound to. All functions return 0 or more, or -errno.
 */
#ifndef PVK_PV_EVENTS_H
#define PVK_PV_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/compiler.h"

typedef void event_handler(uint32_t port, void *arg);

/* Make a port, attach the handler, unmask it. The value is the port. cpu: where the handler runs. */
long event_bind_virq(unsigned virq, unsigned cpu, event_handler *handler, void *arg) __must_check;
long event_bind_ipi(unsigned cpu, event_handler *handler, void *arg) __must_check;
long event_bind_interdomain(unsigned domid, uint32_t remote_port, event_handler *handler,
                            void *arg) __must_check;

/* A port that the other domain may bind to. */
long event_alloc_unbound(unsigned remote_domid, event_handler *handler, void *arg) __must_check;

/* Attach a handler to a port that exists already (made by the domain builder), and unmask it. On CPU 0. */
int event_attach(uint32_t port, event_handler *handler, void *arg) __must_check;

/* Close the port and forget its handler. No handler call starts after it returns on the handler's CPU. */
int event_close(uint32_t port);

/* Tell the other end. Any context. */
int event_send(uint32_t port);

/* While a port is masked its events are remembered, not delivered. */
void event_mask(uint32_t port);
void event_unmask(uint32_t port);

/* True if an event has arrived and not been handled; clears it. For ports that stay masked and are polled. */
bool event_take_pending(uint32_t port);

/* Wait until the port is pending (masked ports count), at most until deadline_ns (0: no limit). Blocks the whole CPU. */
void event_poll(uint32_t port, uint64_t deadline_ns);

#endif
