/* SPDX-License-Identifier: MIT */
/*
 * Where a guest's port and memory accesses go: the interrupt controllers and timers of this room, a first serial port whose
 * output is a line of the log, the power register. All else reads as ones and takes nothing, as an empty bus does.
 * Invariant: one access is a bounded amount of work; the domain's lock is held over one device only.
 */
#include <xen/sched.h>

#include "debug/console.h"
#include "full/full.h"
#include "full/ports.h"
#include "x86/time.h"

#define UART_LINE_STATUS  5u
#define UART_EMPTY        0x60u
#define UART_NO_INTERRUPT 0x01u

static uint32_t ones(unsigned int bytes)
{
    return bytes >= 4 ? UINT32_MAX : (1u << 8 * bytes) - 1;
}

static void print_char(struct full_domain *fd, uint8_t c)
{
    if (c == '\r') {
        return;
    }
    if (c != '\n') {
        fd->line[fd->line_length++] = (char)c;
    }
    if (c == '\n' || fd->line_length == sizeof(fd->line)) {
        console_write_guest(fd->d->id, fd->line, fd->line_length);
        fd->line_length = 0;
    }
}

static uint8_t uart(struct full_domain *fd, unsigned int reg, bool write, uint8_t value)
{
    if (write) {
        if (reg == 0 && !fd->uart_divisor) {
            print_char(fd, value);
        } else if (reg == 3) {
            fd->uart_divisor = value & 0x80;
        }
        return 0;
    }
    return reg == UART_LINE_STATUS ? UART_EMPTY : reg == 2 ? UART_NO_INTERRUPT : 0;
}

/* One byte; false: nobody is there. */
static bool byte_port(struct full_domain *fd, uint16_t port, bool write, uint8_t *value)
{
    if (pic_has_port(port)) {
        if (write) {
            pic_write(&fd->pic, port, *value);
            full_set_line(fd, 2, false); /* no line: only looks whether something is pending now */
        } else {
            *value = pic_read(&fd->pic, port);
        }
    } else if (pit_has_port(port)) {
        if (write) {
            pit_write(&fd->pit, port, *value, now_ns());
            full_pit_changed(fd);
        } else {
            *value = pit_read(&fd->pit, port, now_ns());
        }
    } else if ((port & 0xfff8) == FULL_PORT_COM1) {
        *value = uart(fd, port & 7, write, *value);
    } else if (port == FULL_PORT_CMOS_DATA) {
        *value = 0; /* no clock, but none that is for ever about to be read either */
    } else {
        return false;
    }
    return true;
}

void full_port(struct vcpu *v, uint16_t port, unsigned int bytes, bool write, uint32_t *value)
{
    struct full_domain *fd = v->domain->full;
    uint8_t byte = (uint8_t)*value;
    bool found = false;

    if (port == FULL_PORT_PM1_CONTROL && write && *value & FULL_PM1_SLP_EN) {
        domain_shutdown(v->domain, SHUTDOWN_poweroff);
        return;
    }
    if (port == FULL_PORT_RESET && write && (*value & 6) == 6) {
        domain_shutdown(v->domain, SHUTDOWN_reboot);
        return;
    }
    if (bytes == 1) {
        spin_lock(&fd->lock);
        found = byte_port(fd, port, write, &byte);
        spin_unlock(&fd->lock);
    }
    if (!write) {
        *value = found ? byte : ones(bytes);
    }
}

void full_mmio(struct vcpu *v, uint64_t gpa, unsigned int bytes, bool write, uint64_t *value)
{
    uint32_t word = (uint32_t)*value;

    if (gpa - LAPIC_BASE < LAPIC_BYTES && v->full->lapic.enabled) {
        if (bytes == 4 && gpa % 4 == 0) {
            full_lapic_access(v, (uint32_t)(gpa - LAPIC_BASE), write, &word);
        } else {
            word = 0;
        }
        *value = word;
    } else if (!write) {
        *value = bytes >= 8 ? UINT64_MAX : (1ul << 8 * bytes) - 1;
    }
}
