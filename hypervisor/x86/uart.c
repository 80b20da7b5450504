/* SPDX-License-Identifier: MIT */
/*
 * Serial ports. Register numbers and bits: 16550 data sheet; the loopback test tells a UART from an empty port.
 * Invariant: every wait is bounded.
 */
#include "x86/uart.h"

#include "x86/cpu.h"
#include "x86/port.h"

#define UART_DATA    0 /* divisor low while LCR_DLAB */
#define UART_IER     1 /* divisor high while LCR_DLAB */
#define UART_FCR     2
#define UART_LCR     3
#define UART_MCR     4
#define UART_LSR     5

#define IER_RECEIVED 0x01
#define FCR_ENABLE   0x07 /* FIFOs on, both cleared; trigger at one byte */
#define LCR_8N1      0x03
#define LCR_DLAB     0x80
#define MCR_LINES    0x0b /* DTR, RTS, OUT2: OUT2 gates the interrupt line on a PC */
#define MCR_LOOP     0x1e
#define LSR_RECEIVED 0x01
#define LSR_ROOM     0x20

#define WAIT_POLLS   100000

const struct uart uart_com1 = {0x3f8, 4};
const struct uart uart_com2 = {0x2f8, 3};

static void reg_write(const struct uart *u, unsigned int reg, uint8_t v)
{
    outb((uint16_t)(u->base + reg), v);
}

static uint8_t reg_read(const struct uart *u, unsigned int reg)
{
    return inb((uint16_t)(u->base + reg));
}

bool uart_init(const struct uart *u)
{
    bool there;

    reg_write(u, UART_IER, 0);
    reg_write(u, UART_LCR, LCR_DLAB);
    reg_write(u, UART_DATA, 1); /* 115200 */
    reg_write(u, UART_IER, 0);
    reg_write(u, UART_LCR, LCR_8N1);
    reg_write(u, UART_FCR, FCR_ENABLE);
    reg_write(u, UART_MCR, MCR_LOOP);
    reg_write(u, UART_DATA, 0x5a);
    there = false;
    for (int i = 0; i < 1000 && !there; i++) {
        there = reg_read(u, UART_LSR) != 0xff && (reg_read(u, UART_LSR) & LSR_RECEIVED) &&
                reg_read(u, UART_DATA) == 0x5a;
    }
    reg_write(u, UART_MCR, MCR_LINES);
    return there;
}

void uart_put(const struct uart *u, char c)
{
    for (int i = 0; i < WAIT_POLLS && !(reg_read(u, UART_LSR) & LSR_ROOM); i++) {
        cpu_relax();
    }
    reg_write(u, UART_DATA, (uint8_t)c);
}

int uart_get(const struct uart *u)
{
    return (reg_read(u, UART_LSR) & LSR_RECEIVED) ? reg_read(u, UART_DATA) : -1;
}

void uart_irq_enable(const struct uart *u)
{
    reg_write(u, UART_IER, IER_RECEIVED);
}
