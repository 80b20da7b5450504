/* SPDX-License-Identifier: MIT */
/* The 16550, see uart.h. */
#include "device-model/uart.h"

enum reg {
    REG_DATA,
    REG_ENABLE,
    REG_IDENTIFY,
    REG_LINE,
    REG_MODEM,
    REG_LINE_STATUS,
    REG_MODEM_STATUS,
    REG_SCRATCH
};

#define LINE_DIVISOR   0x80u
#define ENABLE_INPUT   0x01u
#define ENABLE_ROOM    0x02u
#define MODEM_OUT2     0x08u /* lets interrupts through on a PC */
#define MODEM_LOOP     0x10u
#define STATUS_INPUT   0x01u
#define STATUS_ROOM    0x60u /* FIFO and shift register are empty */
#define IDENTIFY_NONE  0x01u
#define IDENTIFY_ROOM  0x02u
#define IDENTIFY_INPUT 0x04u
#define IDENTIFY_FIFO  0xc0u
#define FIFO_ON        0x01u
#define FIFO_CLEAR     0x02u
#define MODEM_READY    0xb0u /* carrier, data set ready, clear to send */

void uart_reset(struct uart *u)
{
    *u = (struct uart){.divisor = {1, 0}};
}

static bool has_input(const struct uart *u)
{
    return u->head != u->tail;
}

static uint8_t identify(const struct uart *u)
{
    uint8_t fifo = u->fifo_control & FIFO_ON ? IDENTIFY_FIFO : 0;

    if (u->enable & ENABLE_INPUT && has_input(u)) {
        return fifo | IDENTIFY_INPUT;
    }
    return fifo | (u->enable & ENABLE_ROOM && u->sent ? IDENTIFY_ROOM : IDENTIFY_NONE);
}

bool uart_line(const struct uart *u)
{
    return u->modem & MODEM_OUT2 && !(identify(u) & IDENTIFY_NONE);
}

bool uart_has_room(const struct uart *u)
{
    return u->head - u->tail < UART_FIFO;
}

bool uart_input(struct uart *u, uint8_t byte)
{
    if (!uart_has_room(u)) {
        return false;
    }
    u->fifo[u->head++ % UART_FIFO] = byte;
    return true;
}

uint8_t uart_read(struct uart *u, unsigned int reg)
{
    uint8_t value;

    if (u->line & LINE_DIVISOR && reg <= REG_ENABLE) {
        return u->divisor[reg];
    }
    switch (reg) {
    case REG_DATA:
        return has_input(u) ? u->fifo[u->tail++ % UART_FIFO] : 0;
    case REG_ENABLE:
        return u->enable;
    case REG_IDENTIFY:
        value = identify(u);
        if ((value & 0xf) == IDENTIFY_ROOM) {
            u->sent = false; /* having been told is enough */
        }
        return value;
    case REG_LINE:
        return u->line;
    case REG_MODEM:
        return u->modem;
    case REG_LINE_STATUS:
        return (uint8_t)(STATUS_ROOM | (has_input(u) ? STATUS_INPUT : 0));
    case REG_MODEM_STATUS:
        return u->modem & MODEM_LOOP ? (uint8_t)(u->modem << 4) : MODEM_READY;
    default:
        return u->scratch;
    }
}

int uart_write(struct uart *u, unsigned int reg, uint8_t value)
{
    if (u->line & LINE_DIVISOR && reg <= REG_ENABLE) {
        u->divisor[reg] = value;
        return -1;
    }
    switch (reg) {
    case REG_DATA:
        u->sent = true;
        if (u->modem & MODEM_LOOP) {
            (void)uart_input(u, value);
            return -1;
        }
        return value;
    case REG_ENABLE:
        u->sent = u->sent || (value & ENABLE_ROOM && !(u->enable & ENABLE_ROOM));
        u->enable = value & 0xf;
        break;
    case REG_IDENTIFY:
        u->fifo_control = value;
        if (value & FIFO_CLEAR) {
            u->tail = u->head;
        }
        break;
    case REG_LINE:
        u->line = value;
        break;
    case REG_MODEM:
        u->modem = value & 0x1f;
        break;
    case REG_SCRATCH:
        u->scratch = value;
        break;
    default:
        break;
    }
    return -1;
}
