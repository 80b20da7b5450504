/* SPDX-License-Identifier: MIT */
/*
 * Where a guest's port and memory accesses go: the interrupt controllers and timers of this room, then the device model if it
 * wants them, then a serial port whose output is a line of the log and the power register. All else reads as ones and takes
 * nothing, as an empty bus does.
 * Invariant: one access is a bounded amount of work; the domain's lock is held over one device only.
 */
#include <xen/hvm/ioreq.h>
#include <xen/sched.h>

#include "common/errno.h"
#include "debug/console.h"
#include "full/full.h"
#include "full/ports.h"
#include "x86/time.h"

#define UART_LINE_STATUS  5u
#define UART_EMPTY        0x60u
#define UART_NO_INTERRUPT 0x01u

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

uint64_t *full_register(struct vcpu *v, unsigned int nr)
{
    struct cpu_user_regs *r = &v->regs;
    uint64_t *const all[16] = {&r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp,
                               &r->rsi, &r->rdi, &r->r8,  &r->r9,  &r->r10, &r->r11,
                               &r->r12, &r->r13, &r->r14, &r->r15};

    return all[nr & 15];
}

void full_register_load(struct vcpu *v, const struct full_insn *i, uint64_t value)
{
    uint64_t *reg = full_register(v, i->reg), mask;
    unsigned int bits = 8u * i->bytes;

    if (bits < 64) {
        value &= (1ul << bits) - 1;
        value |= i->sign && value >> (bits - 1) & 1 ? ~0ul << bits : 0;
    }
    if (i->reg_high) {
        *reg = (*reg & ~0xff00ul) | (value & 0xff) << 8;
    } else if (i->reg_bytes >= 4) { /* a register of four bytes clears the upper half */
        *reg = i->reg_bytes == 4 ? (uint32_t)value : value;
    } else {
        mask = (1ul << 8 * i->reg_bytes) - 1;
        *reg = (*reg & ~mask) | (value & mask);
    }
}

void full_register_set(struct vcpu *v, unsigned int nr, unsigned int bytes, uint64_t value)
{
    const struct full_insn insn = {
        .reg = (uint8_t)nr, .bytes = (uint8_t)bytes, .reg_bytes = (uint8_t)bytes};

    full_register_load(v, &insn, value);
}

uint32_t full_board_port(struct vcpu *v, uint16_t port, unsigned int bytes, bool write,
                         uint32_t value)
{
    struct full_domain *fd = v->domain->full;
    uint8_t byte = (uint8_t)value;
    bool found = false;

    if (write && port == XENOLITH_MARK_PORT && bytes == 4) {
        vcpu_mark(v, value);
    } else if (write && port == FULL_PORT_PM1_CONTROL && value & FULL_PM1_SLP_EN) {
        domain_shutdown(v->domain, SHUTDOWN_poweroff);
    } else if (write && port == FULL_PORT_RESET && (value & 6) == 6) {
        domain_shutdown(v->domain, SHUTDOWN_reboot);
    } else if (bytes == 1) {
        spin_lock(&fd->lock);
        found = byte_port(fd, port, write, &byte);
        spin_unlock(&fd->lock);
    }
    return found ? byte : UINT32_MAX;
}

void full_port(struct vcpu *v, uint16_t port, const struct full_insn *insn, bool write,
               uint32_t value)
{
    const struct full_request r = {
        .type = IOREQ_TYPE_PIO, .addr = port, .write = write, .data = value, .insn = *insn};

    if (!full_request_send(v, &r)) {
        value = full_board_port(v, port, insn->bytes, write, value);
        if (!write) {
            full_register_load(v, insn, value);
        }
    }
}

void full_mmio(struct vcpu *v, uint64_t gpa, const struct full_insn *insn, bool write,
               uint64_t value)
{
    const struct full_request r = {
        .type = IOREQ_TYPE_COPY, .addr = gpa, .write = write, .data = value, .insn = *insn};
    uint32_t word = (uint32_t)value;

    if (gpa - LAPIC_BASE < LAPIC_BYTES && v->full->lapic.enabled) {
        if (insn->bytes == 4 && gpa % 4 == 0) {
            full_lapic_access(v, (uint32_t)(gpa - LAPIC_BASE), write, &word);
        } else {
            word = 0;
        }
        value = word;
    } else if (full_request_send(v, &r)) {
        return;
    } else {
        value = UINT64_MAX;
    }
    if (!write) {
        full_register_load(v, insn, value);
    }
}

void full_device_access(struct vcpu *v, uint64_t gpa, bool write)
{
    struct full_insn insn;
    uint64_t value;
    int rc = full_insn_at_rip(v, &insn);

    if (rc == -EFAULT) {
        full_crash(v, "code where there is no memory");
        return;
    }
    if (rc || insn.kind == INSN_OTHER || gpa % PAGE_SIZE + insn.bytes > PAGE_SIZE) {
        full_crash(v, "access to device memory that is not emulated");
        return;
    }
    if ((insn.kind == INSN_STORE) != write) {
        return; /* another CPU has changed it: execute what is there now */
    }
    value = insn.immediate ? insn.imm : *full_register(v, insn.reg) >> (insn.reg_high ? 8 : 0);
    v->domain->full->engine->behind(v, &insn);
    full_mmio(v, gpa, &insn, write, value);
}
