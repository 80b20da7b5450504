/* SPDX-License-Identifier: MIT */
/*
 * The 8254, see pit.h. A channel is not stepped: output and count follow from the ticks since it was loaded.
 * Mode 1 and 5 start by the gate, which only channel 2 has; the others' gates are up for ever.
 */
#include "full/pit.h"

#define NS_PER_S    1000000000ull
#define READ_BACK   3u
#define STATUS_OUT  0x80
#define STATUS_NULL 0x40

static uint64_t ticks_since(const struct pit_channel *c, uint64_t now)
{
    uint64_t ns = now > c->start_ns ? now - c->start_ns : 0;

    /* Whole seconds apart, so that no product overflows. */
    return ns / NS_PER_S * PIT_HZ + ns % NS_PER_S * PIT_HZ / NS_PER_S;
}

/* The first moment at which so many ticks have passed. */
static uint64_t time_of(const struct pit_channel *c, uint64_t ticks)
{
    return c->start_ns + ticks / PIT_HZ * NS_PER_S +
           (ticks % PIT_HZ * NS_PER_S + PIT_HZ - 1) / PIT_HZ;
}

static bool output(const struct pit_channel *c, uint64_t now)
{
    uint64_t t = ticks_since(c, now);

    if (!c->loaded) {
        return c->mode != 0;
    }
    switch (c->mode) {
    case 0:
    case 1:
        return t >= c->count;
    case 2:
        return t % c->count != c->count - 1;
    case 3:
        return t % c->count < (c->count + 1) / 2;
    default:
        return t != c->count;
    }
}

static uint16_t to_bcd(uint32_t v)
{
    return (uint16_t)(v % 10 | v / 10 % 10 << 4 | v / 100 % 10 << 8 | v / 1000 % 10 << 12);
}

static uint32_t from_bcd(uint32_t v)
{
    return (v & 15) + (v >> 4 & 15) * 10 + (v >> 8 & 15) * 100 + (v >> 12 & 15) * 1000;
}

static uint16_t current(const struct pit_channel *c, uint64_t now)
{
    uint64_t t = c->loaded ? ticks_since(c, now) : 0;
    uint32_t range = c->bcd ? 10000 : 0x10000;
    uint32_t left;

    if (c->mode == 2) {
        left = c->count - (uint32_t)(t % c->count);
    } else if (c->mode == 3) { /* counts down by two */
        left = c->count - (uint32_t)(2 * t % c->count);
    } else {
        left = (c->count + range - (uint32_t)(t % range)) % range;
    }
    return c->bcd ? to_bcd(left) : (uint16_t)left;
}

static void load(struct pit_channel *c, uint32_t raw, uint64_t now)
{
    uint32_t range = c->bcd ? 10000 : 0x10000;

    c->count = c->bcd ? from_bcd(raw) : raw;
    c->count = c->count == 0 ? range : c->count;
    c->start_ns = now;
    c->loaded = c->mode != 1 && c->mode != 5; /* those two wait for the gate */
}

static void write_count(struct pit_channel *c, uint8_t value, uint64_t now)
{
    switch (c->access) {
    case 1:
        load(c, value, now);
        break;
    case 2:
        load(c, (uint32_t)value << 8, now);
        break;
    default:
        if (c->write_high) {
            load(c, (uint32_t)value << 8 | c->low, now);
        } else {
            c->low = value;
            c->loaded = c->loaded && c->mode != 0; /* the first byte stops mode 0 */
        }
        c->write_high = !c->write_high;
        break;
    }
}

static uint8_t read_count(struct pit_channel *c, uint64_t now)
{
    uint16_t value = c->latched ? c->latch : current(c, now);
    bool high = c->access == 2 || (c->access == 3 && c->read_high);

    if (c->status_latched) {
        c->status_latched = false;
        return c->status;
    }
    if (c->access == 3) {
        c->read_high = !c->read_high;
    }
    if (c->access != 3 || !c->read_high) {
        c->latched = false;
    }
    return (uint8_t)(high ? value >> 8 : value);
}

static void latch(struct pit_channel *c, uint64_t now)
{
    if (!c->latched) {
        c->latch = current(c, now);
        c->latched = true;
    }
}

static void read_back(struct pit *p, uint8_t value, uint64_t now)
{
    for (unsigned int i = 0; i < 3; i++) {
        struct pit_channel *c = &p->channel[i];

        if (!(value & 2u << i)) {
            continue;
        }
        if (!(value & 0x20)) {
            latch(c, now);
        }
        if (!(value & 0x10) && !c->status_latched) {
            c->status =
                (uint8_t)((output(c, now) ? STATUS_OUT : 0) | (c->loaded ? 0 : STATUS_NULL) |
                          c->access << 4 | c->mode << 1 | c->bcd);
            c->status_latched = true;
        }
    }
}

static void control(struct pit *p, uint8_t value, uint64_t now)
{
    struct pit_channel *c;
    uint8_t mode = value >> 1 & 7;

    if (value >> 6 == READ_BACK) {
        read_back(p, value, now);
        return;
    }
    c = &p->channel[value >> 6];
    if ((value >> 4 & 3) == 0) {
        latch(c, now);
        return;
    }
    c->access = value >> 4 & 3;
    c->mode = mode > 5 ? mode - 4 : mode; /* 6 and 7 are other names of 2 and 3 */
    c->bcd = value & 1;
    c->write_high = c->read_high = c->latched = c->status_latched = c->loaded = false;
    c->count = c->bcd ? 10000 : 0x10000;
}

static void gate(struct pit *p, uint8_t value, uint64_t now)
{
    struct pit_channel *c = &p->channel[2];
    bool up = value & 1;

    if (up && !c->gate && c->mode != 0 &&
        c->mode != 4) { /* a rising gate starts these from the beginning */
        c->start_ns = now;
        c->loaded = true;
    }
    c->gate = up;
    p->speaker = value & 2;
}

void pit_reset(struct pit *p)
{
    *p = (struct pit){.speaker = false};
    for (unsigned int i = 0; i < 3; i++) {
        p->channel[i] =
            (struct pit_channel){.count = 0x10000, .access = 3, .mode = 3, .gate = i != 2};
    }
}

bool pit_has_port(uint16_t port)
{
    return (port & 0xfffc) == PIT_CHANNEL_0 || port == PIT_GATE_PORT;
}

uint8_t pit_read(struct pit *p, uint16_t port, uint64_t now)
{
    if (port == PIT_GATE_PORT) {
        /* Bit 4 changes with every refresh of memory, about each 15 us: programs wait by it. */
        return (uint8_t)(p->channel[2].gate | p->speaker << 1 | (now / 15085 & 1) << 4 |
                         (output(&p->channel[2], now) ? 0x20 : 0));
    }
    return port == PIT_CONTROL ? 0xff : read_count(&p->channel[port & 3], now);
}

void pit_write(struct pit *p, uint16_t port, uint8_t value, uint64_t now)
{
    if (port == PIT_GATE_PORT) {
        gate(p, value, now);
    } else if (port == PIT_CONTROL) {
        control(p, value, now);
    } else {
        write_count(&p->channel[port & 3], value, now);
    }
}

bool pit_output(const struct pit *p, unsigned int channel, uint64_t now)
{
    return output(&p->channel[channel], now);
}

uint64_t pit_next_edge(const struct pit *p, uint64_t now)
{
    const struct pit_channel *c = &p->channel[0];
    uint64_t t = ticks_since(c, now), due;

    if (!c->loaded) {
        return PIT_NEVER;
    }
    switch (c->mode) {
    case 0:
        due = c->count;
        break;
    case 4:
        due = c->count + 1ul;
        break;
    case 2:
    case 3:
        due = (t / c->count + 1) * c->count;
        break;
    default:
        return PIT_NEVER;
    }
    return t < due ? time_of(c, due) : PIT_NEVER;
}
