/* SPDX-License-Identifier: MIT */
/*
 * 8259A: numbers are those of Intel's data sheet, ports and cascading those of the PC.
 */
#include "libpvk/native/pic.h"

#include <stdint.h>

#include "libpvk/native/descriptors.h"
#include "libpvk/native/insn.h"
#include "pvk/machine.h"

#define FIRST           0x20
#define SECOND          0xa0
#define ICW1_INIT       0x11 /* edge, cascade, four words */
#define ICW4_8086       0x01
#define OCW2_END        0x20
#define OCW3_IN_SERVICE 0x0b
#define CASCADE         2u

static uint16_t masked = 0xffff;

static void write_masks(void)
{
    insn_outb(FIRST + 1, (uint8_t)masked);
    insn_outb(SECOND + 1, (uint8_t)(masked >> 8));
}

void pic_init(void)
{
    insn_outb(FIRST, ICW1_INIT);
    insn_outb(FIRST + 1, VECTOR_PIC);
    insn_outb(FIRST + 1, 1u << CASCADE);
    insn_outb(FIRST + 1, ICW4_8086);
    insn_outb(SECOND, ICW1_INIT);
    insn_outb(SECOND + 1, VECTOR_PIC + 8);
    insn_outb(SECOND + 1, CASCADE);
    insn_outb(SECOND + 1, ICW4_8086);
    write_masks();
}

void pic_unmask(unsigned line)
{
    irq_state was = irq_save();

    masked &= (uint16_t) ~(1u << line);
    if (line >= 8) {
        masked &= (uint16_t) ~(1u << CASCADE);
    }
    write_masks();
    irq_restore(was);
}

bool pic_is_real(unsigned line)
{
    uint16_t port = line < 8 ? FIRST : SECOND;

    if (line % 8 != 7) {
        return true; /* a line that has gone away is told as the controller's last */
    }
    insn_outb(port, OCW3_IN_SERVICE);
    if ((insn_inb(port) & 0x80) != 0) {
        return true;
    }
    if (line >= 8) {
        insn_outb(FIRST, OCW2_END); /* the first controller did see an interrupt of the second */
    }
    return false;
}

void pic_end(unsigned line)
{
    if (line >= 8) {
        insn_outb(SECOND, OCW2_END);
    }
    insn_outb(FIRST, OCW2_END);
}
