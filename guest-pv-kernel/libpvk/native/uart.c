/* SPDX-License-Identifier: MIT */
/*
 * A 16550 at COM1: output waits for room, input interrupts. Registers and bits are those of the PC16550D's data sheet.
 */
#include "libpvk/native/uart.h"

#include "libpvk/core/backend.h"
#include "libpvk/native/insn.h"
#include "libpvk/native/pic.h"
#include "pvk/console.h"
#include "pvk/spinlock.h"
#include "pvk/thread.h"

#define COM1 0x3f8
enum reg {
    REG_DATA = COM1,
    REG_INTERRUPTS = COM1 + 1,
    REG_FIFO = COM1 + 2,
    REG_LINE = COM1 + 3,
    REG_MODEM = COM1 + 4,
    REG_STATUS = COM1 + 5,
};
#define LINE_8N1       0x03
#define LINE_DIVISOR   0x80 /* data and interrupt register are the divisor, 1 for 115200 baud */
#define FIFO_ON        0x07
#define MODEM_ON       0x0b /* DTR, RTS, and OUT2, which lets interrupts through on a PC */
#define STATUS_INPUT   0x01
#define STATUS_ROOM    0x20
#define STATUS_EMPTY   0x40
#define STATUS_NOTHING 0xff /* no such device */
#define INTERRUPT_RX   0x01
#define FIFO_BYTES     16u

static struct spinlock lock;
static bool present;
static struct wait_queue input = WAIT_QUEUE_INIT(input);

void uart_init(void)
{
    insn_outb(REG_INTERRUPTS, 0);
    insn_outb(REG_LINE, LINE_DIVISOR | LINE_8N1);
    insn_outb(REG_DATA, 1);
    insn_outb(REG_INTERRUPTS, 0);
    insn_outb(REG_LINE, LINE_8N1);
    insn_outb(REG_FIFO, FIFO_ON);
    insn_outb(REG_MODEM, MODEM_ON);
    present = insn_inb(REG_STATUS) != STATUS_NOTHING;
}

static void put(const char *text, size_t len)
{
    unsigned room = 0; /* the FIFO is empty when the status says that there is room */

    for (size_t i = 0; i < len; i++) {
        bool newline = text[i] == '\n';

        for (unsigned part = 0; part <= (unsigned)newline; part++) {
            while (room == 0) {
                room = (insn_inb(REG_STATUS) & STATUS_ROOM) != 0 ? FIFO_BYTES : 0;
            }
            room--;
            insn_outb(REG_DATA, (uint8_t)(newline && part == 0 ? '\r' : text[i]));
        }
    }
}

void console_write(const char *text, size_t len)
{
    irq_state was;

    if (present) {
        was = spin_lock(&lock);
        put(text, len);
        spin_unlock(&lock, was);
    }
}

void backend_console_panic_write(const char *text, size_t len)
{
    if (present) {
        put(text, len);
    }
}

static bool input_is_there(void)
{
    return present && (insn_inb(REG_STATUS) & STATUS_INPUT) != 0;
}

size_t console_read(char *buf, size_t len)
{
    irq_state was = spin_lock(&lock);
    size_t n = 0;

    while (n < len && input_is_there()) {
        buf[n++] = (char)insn_inb(REG_DATA);
    }
    spin_unlock(&lock, was);
    return n;
}

void console_wait_input(void)
{
    wait_until(&input, input_is_there(), 0);
}

void console_flush(void)
{
    while (present && (insn_inb(REG_STATUS) & STATUS_EMPTY) == 0) {
        __builtin_ia32_pause();
    }
}

void uart_interrupt(void)
{
    wait_queue_wake(&input);
}

void uart_enable_input(void)
{
    if (present) {
        insn_outb(REG_INTERRUPTS, INTERRUPT_RX);
        pic_unmask(PIC_LINE_COM1);
    }
}
