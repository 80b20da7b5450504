/* SPDX-License-Identifier: MIT */
/*
 * A 16550 as its driver sees it, pure: output leaves at once, input waits in a FIFO. Invariant: the interrupt line is a function of
 * the state. Registers and bits: PC16550D data sheet.
 */
#ifndef DEVICE_MODEL_UART_H
#define DEVICE_MODEL_UART_H

#include <stdbool.h>
#include <stdint.h>

#define UART_FIFO 16u

struct uart {
    uint8_t enable, line, modem, scratch, divisor[2], fifo_control;
    uint8_t fifo[UART_FIFO];
    uint32_t head, tail; /* bytes ever put in and taken out */
    bool sent;           /* room for output has come and the driver has not been told */
};

void uart_reset(struct uart *u);
/* reg: 0 to 7. */
uint8_t uart_read(struct uart *u, unsigned int reg);
/* The byte that goes out, -1: none does. */
int uart_write(struct uart *u, unsigned int reg, uint8_t value);
/* False: no room. */
bool uart_input(struct uart *u, uint8_t byte);
/* Is there room for input? */
bool uart_has_room(const struct uart *u);
bool uart_line(const struct uart *u);

#endif
