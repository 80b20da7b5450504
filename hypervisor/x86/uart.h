/* SPDX-License-Identifier: MIT */
/* 16550 serial ports, 115200 8n1: polled output, input by interrupt or poll. The caller serializes. */
#ifndef X86_UART_H
#define X86_UART_H

#include <stdbool.h>
#include <stdint.h>

struct uart {
    uint16_t base; /* I/O port; 0: none */
    uint8_t irq;   /* its ISA interrupt */
};

extern const struct uart uart_com1, uart_com2;

/* Set up the line; false when no UART answers at that port. */
bool uart_init(const struct uart *u);
/* Waits for room, at most a few milliseconds: a dead line must not stop the machine. */
void uart_put(const struct uart *u, char c);
/* A received character, or -1. */
int uart_get(const struct uart *u);
/* Interrupt when characters arrive. */
void uart_irq_enable(const struct uart *u);

#endif
