/* SPDX-License-Identifier: MIT */
/*
 * The pair of 8259A interrupt controllers of a fully virtualized domain, pure. Invariant: cascade() runs after each change of
 * a chip, so that the master's input 2 is the slave's output; indices into the chip's eight inputs are always masked with 7.
 */
#include "full/pic.h"

#define CASCADE      2
#define SPURIOUS     7
#define NONE         8 /* no input */
#define ICW1         0x10
#define ICW1_ICW4    0x01
#define ICW1_SINGLE  0x02
#define ICW4_AUTO    0x02
#define ICW4_NESTED  0x10
#define OCW3         0x08
#define POLL_PENDING 0x80
/* The timer, keyboard, cascade, clock and FPU inputs are always edge triggered (82371SB, ELCR). */
#define LEVEL_MASTER 0xf8
#define LEVEL_SLAVE  0xde

static uint8_t requests(const struct pic *c)
{
    return (uint8_t)(c->line & (c->level | c->latch));
}

/* How many inputs come before this one: 0 is the highest priority, NONE is behind all. */
static unsigned int rank(const struct pic *c, unsigned int input)
{
    return input == NONE ? NONE : (input - c->lowest - 1u) & 7;
}

static unsigned int first_of(const struct pic *c, uint8_t set)
{
    for (unsigned int i = 1; i <= 8; i++) {
        unsigned int input = (c->lowest + i) & 7;

        if (set & (1u << input)) {
            return input;
        }
    }
    return NONE;
}

/* The input whose request gets through mask and what is in service, or NONE. */
static unsigned int winner(const struct pic *c, bool master)
{
    unsigned int input = first_of(c, (uint8_t)(requests(c) & ~c->mask));
    uint8_t busy = c->service;

    if (c->next_icw) {
        return NONE;
    }
    if (c->special_mask) {
        /* Only the same input holds itself back: those that are masked and in service hold nobody back. */
        busy = (uint8_t)(busy & ~c->mask);
    }
    if (master && c->fully_nested && input == CASCADE) {
        busy = (uint8_t)(busy & ~(1u << CASCADE)); /* the slave sorts its own out */
    }
    return rank(c, input) < rank(c, first_of(c, busy)) ? input : NONE;
}

static void set_input(struct pic *c, unsigned int input, bool up)
{
    uint8_t bit = (uint8_t)(1u << input);

    if (up && !(c->line & bit)) {
        c->latch |= bit;
    }
    c->line = (uint8_t)(up ? c->line | bit : c->line & ~bit);
    c->latch &= c->line;
}

static void cascade(struct pic_pair *p)
{
    set_input(&p->chip[0], CASCADE, winner(&p->chip[1], false) != NONE);
}

static void end(struct pic *c, unsigned int input, bool rotate)
{
    if (input == NONE) {
        return;
    }
    c->service = (uint8_t)(c->service & ~(1u << input));
    if (rotate) {
        c->lowest = (uint8_t)input;
    }
}

/* One chip's part of INTA: the input that is in service from now on; SPURIOUS, and nothing in service, where none is left. */
static unsigned int take(struct pic *c, bool master)
{
    unsigned int input = winner(c, master);

    if (input == NONE) {
        return SPURIOUS;
    }
    c->latch = (uint8_t)(c->latch & ~(1u << input));
    c->service |= (uint8_t)(1u << input);
    if (c->auto_end) {
        end(c, input, c->auto_rotate);
    }
    return input;
}

static void begin_init(struct pic *c, uint8_t icw1)
{
    *c = (struct pic){.line = c->line, .level = c->level, .lowest = 7, .next_icw = 2};
    c->single = icw1 & ICW1_SINGLE;
    c->wants_icw4 = icw1 & ICW1_ICW4;
}

static void go_on_with_init(struct pic *c, uint8_t value)
{
    switch (c->next_icw) {
    case 2:
        c->base = value & 0xf8;
        c->next_icw = c->single ? (c->wants_icw4 ? 4 : 0) : 3;
        break;
    case 3: /* how the two are wired is fixed */
        c->next_icw = c->wants_icw4 ? 4 : 0;
        break;
    default:
        c->auto_end = value & ICW4_AUTO;
        c->fully_nested = value & ICW4_NESTED;
        c->next_icw = 0;
        break;
    }
}

static unsigned int to_end(const struct pic *c)
{
    return first_of(c, c->special_mask ? (uint8_t)(c->service & ~c->mask) : c->service);
}

static void command2(struct pic *c, uint8_t value)
{
    unsigned int input = value & 7;

    switch (value >> 5) {
    case 0: /* no longer rotate by itself */
    case 4:
        c->auto_rotate = value >> 5;
        break;
    case 1: /* end of the first in service */
    case 5: /* … and rotate */
        end(c, to_end(c), value & 0x80);
        break;
    case 3: /* end of this one */
    case 7:
        end(c, input, value & 0x80);
        break;
    case 6:
        c->lowest = (uint8_t)input;
        break;
    default: /* 2 is no operation */
        break;
    }
}

static void command3(struct pic *c, uint8_t value)
{
    c->poll = value & 0x04;
    if (value & 0x02) {
        c->read_service = value & 0x01;
    }
    if (value & 0x40) {
        c->special_mask = value & 0x20;
    }
}

void pic_reset(struct pic_pair *p)
{
    for (unsigned int i = 0; i < 2; i++) {
        p->chip[i] = (struct pic){.mask = 0xff, .lowest = 7};
    }
}

bool pic_has_port(uint16_t port)
{
    uint16_t even = port & 0xfffe;

    return even == PIC_MASTER || even == PIC_SLAVE || even == PIC_ELCR;
}

uint8_t pic_read(struct pic_pair *p, uint16_t port)
{
    bool slave = (port & 0xfffe) == PIC_SLAVE;
    struct pic *c = &p->chip[slave];

    if ((port & 0xfffe) == PIC_ELCR) {
        return p->chip[port & 1].level;
    }
    if (c->poll) {
        bool pending = winner(c, !slave) != NONE;
        uint8_t answer = (uint8_t)(take(c, !slave) | (pending ? POLL_PENDING : 0));

        c->poll = false;
        cascade(p);
        return answer;
    }
    if (port & 1) {
        return c->mask;
    }
    return c->read_service ? c->service : requests(c);
}

void pic_write(struct pic_pair *p, uint16_t port, uint8_t value)
{
    struct pic *c = &p->chip[(port & 0xfffe) == PIC_SLAVE];

    if ((port & 0xfffe) == PIC_ELCR) {
        p->chip[port & 1].level = value & (port & 1 ? LEVEL_SLAVE : LEVEL_MASTER);
    } else if (port & 1) {
        if (c->next_icw) {
            go_on_with_init(c, value);
        } else {
            c->mask = value;
        }
    } else if (value & ICW1) {
        begin_init(c, value);
    } else if (value & OCW3) {
        command3(c, value);
    } else {
        command2(c, value);
    }
    cascade(p);
}

void pic_set_line(struct pic_pair *p, unsigned int irq, bool up)
{
    if (irq > 15 || irq == CASCADE) {
        return;
    }
    set_input(&p->chip[irq >> 3], irq & 7, up);
    cascade(p);
}

bool pic_pending(const struct pic_pair *p)
{
    return winner(&p->chip[0], true) != NONE;
}

uint8_t pic_acknowledge(struct pic_pair *p)
{
    unsigned int input = take(&p->chip[0], true);
    uint8_t vector = (uint8_t)(p->chip[0].base + input);

    if (input == CASCADE) {
        vector = (uint8_t)(p->chip[1].base + take(&p->chip[1], false));
        /* The slave's output falls during INTA: what else it has makes a new edge at the master. */
        set_input(&p->chip[0], CASCADE, false);
    }
    cascade(p);
    return vector;
}
