/* SPDX-License-Identifier: MIT */
/*
 * The first serial port, which is the console.
 */
#ifndef PVK_NATIVE_UART_H
#define PVK_NATIVE_UART_H

void uart_init(void);

/* Input interrupts: threads run. */
void uart_enable_input(void);
void uart_interrupt(void);

#endif
