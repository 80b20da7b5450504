/* SPDX-License-Identifier: MIT */
/*
 * The pair of 8259A interrupt controllers of a fully virtualized domain, pure. Invariant: all state is in struct pic_pair, any
 * byte may be written to any of its ports, and the master's input 2 is at all times the slave's output.
 * Numbers: Intel 8259A data sheet (ICW1-4, OCW1-3); ELCR: Intel 82371SB, 2.5.
 */
#ifndef FULL_PIC_H
#define FULL_PIC_H

#include <stdbool.h>
#include <stdint.h>

#define PIC_MASTER 0x20 /* and the port behind it, for each of the two */
#define PIC_SLAVE  0xa0
#define PIC_ELCR   0x4d0 /* edge or level, master's; the next port is the slave's */

struct pic {
    uint8_t line;     /* inputs as they are now */
    uint8_t latch;    /* edges seen and not yet acknowledged */
    uint8_t level;    /* ELCR: inputs that are level triggered */
    uint8_t mask;     /* IMR */
    uint8_t service;  /* ISR */
    uint8_t base;     /* ICW2: vector of input 0, a multiple of 8 */
    uint8_t lowest;   /* the input of the lowest priority, 7 unless rotated */
    uint8_t next_icw; /* 2 to 4 while the chip is being initialised, else 0 */
    bool single, wants_icw4, auto_end, auto_rotate, fully_nested, special_mask, read_service, poll;
};

struct pic_pair {
    struct pic chip[2]; /* master, slave */
};

/* As after power-on: nothing in service, every input masked until the guest has initialised the chip. */
void pic_reset(struct pic_pair *p);
/* True for the six ports that are this pair's. */
bool pic_has_port(uint16_t port);
/* The port must be one of the pair's. A read has an effect when the guest asked for a poll: it acknowledges. */
uint8_t pic_read(struct pic_pair *p, uint16_t port);
void pic_write(struct pic_pair *p, uint16_t port, uint8_t value);
/* Input 0-15 goes up or down; 2, the cascade, and numbers above 15 are ignored. An edge that falls again before it was
 * acknowledged is gone, as on the chip. */
void pic_set_line(struct pic_pair *p, unsigned int irq, bool up);
/* The master's INT output: is there an interrupt for the CPU? */
bool pic_pending(const struct pic_pair *p);
/* What INTA does: the vector, and its input is in service now. With nothing pending this is the spurious vector, input 7. */
uint8_t pic_acknowledge(struct pic_pair *p);

#endif
