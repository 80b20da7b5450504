/* SPDX-License-Identifier: MIT */
/*
 * The console ring of a PV domain, seen from the backend, and the log that keeps its output from the first byte. The ring
 * page belongs to the guest: indices are copied once, differences checked, bytes taken modulo the ring's size. Pure.
 */
#ifndef LIBXENO_CONSOLE_RING_H
#define LIBXENO_CONSOLE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/io/console.h>

/* Bounded memory of what a domain has said: the oldest bytes go first. */
struct console_log {
    char *buf;
    size_t size;    /* a power of two */
    uint64_t total; /* bytes ever written: positions count from the first byte */
};

void console_log_add(struct console_log *log, const char *text, size_t n);
/* Copy from position *pos on (moved up to the oldest byte that is still there); advances *pos. Bytes copied. */
size_t console_log_read(const struct console_log *log, uint64_t *pos, char *buf, size_t n);

/* Take what the guest has written into the log: bytes taken. A ring whose indices are nonsense gives 0 and stays so. */
size_t console_ring_drain(struct xencons_interface *ring, struct console_log *log);
/* Hand input to the guest: bytes that fitted. */
size_t console_ring_input(struct xencons_interface *ring, const char *text, size_t n);

#endif
