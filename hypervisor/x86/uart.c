/* SPDX-License-Identifier: MIT */
/*
 * Serial ports. Register numbers and bits: 16550 data sheet; the scratch register tells a UART from an empty port.
 * Invariants: every wait is bounded; what was typed before uart_init() is still there after it.
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
#define UART_SCRATCH 7

#define IER_RECEIVED 0x01
#define FCR_ENABLE   0x07 /* FIFOs on, both cleared; trigger at one byte */
#define LCR_8N1      0x03
#define LCR_DLAB     0x80
#define MCR_LINES    0x0b /* DTR, RTS, OUT2: OUT2 gates the interrupt line on a PC */
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

static bool received(const struct uart *u)
{
    return reg_read(u, UART_LSR) & LSR_RECEIVED;
}

bool uart_init(const struct uart *u)
{
    reg_write(u, UART_SCRATCH, 0x5a);
    if (reg_read(u, UART_SCRATCH) != 0x5a) {
        return false;
    }
    reg_write(u, UART_IER, 0);
    reg_write(u, UART_LCR, LCR_DLAB);
    reg_write(u, UART_DATA, 1); /* 115200 */
    reg_write(u, UART_IER, 0);
    reg_write(u, UART_LCR, LCR_8N1);
    reg_write(u, UART_MCR, MCR_LINES);
    /* Switching the FIFOs on empties them. Where somebody has typed already, the receiver stays without: a byte at a time. */
    if (!received(u)) {
        reg_write(u, UART_FCR, FCR_ENABLE);
    }
    return true;
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
    return received(u) ? reg_read(u, UART_DATA) : -1;
}

void uart_irq_enable(const struct uart *u)
{
    reg_write(u, UART_IER, IER_RECEIVED);
}
