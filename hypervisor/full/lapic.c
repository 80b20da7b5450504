/* SPDX-License-Identifier: MIT */
/*
 * The local APIC, see lapic.h. The timer is not stepped: its count follows from the time since it was started.
 */
#include "full/lapic.h"

enum reg {
    REG_ID = 0x20,
    REG_VERSION = 0x30,
    REG_TPR = 0x80,
    REG_PPR = 0xa0,
    REG_EOI = 0xb0,
    REG_DESTINATION = 0xd0,
    REG_FORMAT = 0xe0,
    REG_SPURIOUS = 0xf0,
    REG_SERVICE = 0x100,
    REG_TRIGGER = 0x180,
    REG_REQUEST = 0x200,
    REG_ERROR = 0x280,
    REG_ICR_LOW = 0x300,
    REG_ICR_HIGH = 0x310,
    REG_LVT_TIMER = 0x320,
    REG_LVT_ERROR = 0x370,
    REG_TIMER_INITIAL = 0x380,
    REG_TIMER_CURRENT = 0x390,
    REG_TIMER_DIVIDE = 0x3e0,
};

#define VERSION          (0x14u | (LVTS - 1) << 16)
#define SOFTWARE_ENABLED (1u << 8)
#define LVT_MASKED       (1u << 16)
#define LVT_PERIODIC     (1u << 17)
#define LVT_WRITABLE     0x117ffu /* vector, mode, polarity and trigger, mask; status bits are not */
#define LVT_TIMER_BITS   0x300ffu
#define ICR_WRITABLE     0xccfffu
#define ERROR_ILLEGAL    0x40u /* a vector below 16 was received */

static bool test(const uint32_t map[8], unsigned int vector)
{
    return map[vector / 32] >> vector % 32 & 1;
}

static int highest(const uint32_t map[8])
{
    for (int i = 7; i >= 0; i--) {
        if (map[i]) {
            return i * 32 + 31 - __builtin_clz(map[i]);
        }
    }
    return -1;
}

static uint8_t priority(const struct lapic *l)
{
    int busy = highest(l->service);
    uint8_t in_service = busy < 0 ? 0 : (uint8_t)(busy & 0xf0);

    return (l->tpr & 0xf0) >= in_service ? l->tpr : in_service;
}

/* ---- timer ---- */

/* log2 of the divisor: bits 0, 1 and 3; all ones divide by one. */
static unsigned int shift_of(const struct lapic *l)
{
    return (((l->divide & 3) | (l->divide >> 1 & 4)) + 1) & 7;
}

static uint64_t period_ns(const struct lapic *l)
{
    return (uint64_t)l->initial << shift_of(l);
}

static uint64_t expired(const struct lapic *l, uint64_t now)
{
    uint64_t n = l->initial && now > l->start_ns ? (now - l->start_ns) / period_ns(l) : 0;

    return l->lvt[LVT_TIMER] & LVT_PERIODIC || n == 0 ? n : 1;
}

static uint32_t timer_current(const struct lapic *l, uint64_t now)
{
    uint64_t ticks = now > l->start_ns ? (now - l->start_ns) >> shift_of(l) : 0;

    if (l->initial == 0 || (!(l->lvt[LVT_TIMER] & LVT_PERIODIC) && ticks >= l->initial)) {
        return 0;
    }
    return l->initial - (uint32_t)(ticks % l->initial);
}

uint64_t lapic_timer_next(const struct lapic *l, uint64_t now)
{
    uint64_t n = expired(l, now);

    if (l->initial == 0 || (n && !(l->lvt[LVT_TIMER] & LVT_PERIODIC))) {
        return LAPIC_NEVER;
    }
    return l->start_ns + (n + 1) * period_ns(l);
}

bool lapic_timer_tick(struct lapic *l, uint64_t now)
{
    uint64_t n = expired(l, now);

    if (n <= l->fired) {
        return false;
    }
    l->fired = n;
    if (!(l->lvt[LVT_TIMER] & LVT_MASKED)) {
        lapic_request(l, (uint8_t)l->lvt[LVT_TIMER]);
    }
    return true;
}

static void timer_start(struct lapic *l, uint32_t initial, uint64_t now)
{
    l->initial = initial;
    l->start_ns = now;
    l->fired = 0;
}

/* ---- registers ---- */

void lapic_reset(struct lapic *l, uint32_t id)
{
    *l = (struct lapic){.id = id, .enabled = true, .spurious = 0xff, .format = 0xffffffff};
    for (unsigned int i = 0; i < LVTS; i++) {
        l->lvt[i] = LVT_MASKED;
    }
}

uint32_t lapic_read(const struct lapic *l, uint32_t offset, uint64_t now)
{
    switch (offset) {
    case REG_ID:
        return l->id << 24;
    case REG_VERSION:
        return VERSION;
    case REG_TPR:
        return l->tpr;
    case REG_PPR:
        return priority(l);
    case REG_DESTINATION:
        return l->destination;
    case REG_FORMAT:
        return l->format;
    case REG_SPURIOUS:
        return l->spurious;
    case REG_SERVICE ... REG_SERVICE + 0x70:
        return offset & 15 ? 0 : l->service[(offset - REG_SERVICE) >> 4];
    case REG_REQUEST ... REG_REQUEST + 0x70:
        return offset & 15 ? 0 : l->request[(offset - REG_REQUEST) >> 4];
    case REG_ERROR:
        return l->error;
    case REG_ICR_LOW:
        return l->icr_low;
    case REG_ICR_HIGH:
        return l->icr_high;
    case REG_LVT_TIMER ... REG_LVT_ERROR:
        return offset & 15 ? 0 : l->lvt[(offset - REG_LVT_TIMER) >> 4];
    case REG_TIMER_INITIAL:
        return l->initial;
    case REG_TIMER_CURRENT:
        return timer_current(l, now);
    case REG_TIMER_DIVIDE:
        return l->divide;
    default:
        return 0;
    }
}

static void end_of_interrupt(struct lapic *l)
{
    int busy = highest(l->service);

    if (busy >= 0) {
        l->service[busy / 32] &= ~(1u << busy % 32);
    }
}

static enum lapic_effect write_spurious(struct lapic *l, uint32_t value)
{
    l->spurious = value & 0x1ff;
    if (!(value & SOFTWARE_ENABLED)) { /* switched off: every local source is masked */
        for (unsigned int i = 0; i < LVTS; i++) {
            l->lvt[i] |= LVT_MASKED;
        }
    }
    return LAPIC_EFFECT_IRQ;
}

static enum lapic_effect write_lvt(struct lapic *l, enum lapic_lvt which, uint32_t value)
{
    uint32_t masked = l->spurious & SOFTWARE_ENABLED ? 0 : LVT_MASKED;

    l->lvt[which] = (value & (which == LVT_TIMER ? LVT_TIMER_BITS : LVT_WRITABLE)) | masked;
    return which == LVT_TIMER ? LAPIC_EFFECT_TIMER : LAPIC_EFFECT_IRQ;
}

enum lapic_effect lapic_write(struct lapic *l, uint32_t offset, uint32_t value, uint64_t now)
{
    switch (offset) {
    case REG_TPR:
        l->tpr = (uint8_t)value;
        return LAPIC_EFFECT_IRQ;
    case REG_EOI:
        end_of_interrupt(l);
        return LAPIC_EFFECT_IRQ;
    case REG_DESTINATION:
        l->destination = value & 0xff000000;
        break;
    case REG_FORMAT:
        l->format = value | 0x0fffffff;
        break;
    case REG_SPURIOUS:
        return write_spurious(l, value);
    case REG_ERROR:
        l->error = 0;
        break;
    case REG_ICR_HIGH:
        l->icr_high = value & 0xff000000;
        break;
    case REG_ICR_LOW:
        l->icr_low = value & ICR_WRITABLE;
        return LAPIC_EFFECT_SEND;
    case REG_LVT_TIMER ... REG_LVT_ERROR:
        return offset & 15 ? LAPIC_EFFECT_NONE
                           : write_lvt(l, (enum lapic_lvt)((offset - REG_LVT_TIMER) >> 4), value);
    case REG_TIMER_INITIAL:
        timer_start(l, value, now);
        return LAPIC_EFFECT_TIMER;
    case REG_TIMER_DIVIDE:
        timer_start(l, timer_current(l, now), now);
        l->divide = value & 0xb;
        return LAPIC_EFFECT_TIMER;
    default:
        break;
    }
    return LAPIC_EFFECT_NONE;
}

void lapic_request(struct lapic *l, uint8_t vector)
{
    if (vector < 16) {
        l->error |= ERROR_ILLEGAL;
    } else if (l->enabled) {
        l->request[vector / 32] |= 1u << vector % 32;
    }
}

int lapic_pending(const struct lapic *l)
{
    int vector = l->enabled && l->spurious & SOFTWARE_ENABLED ? highest(l->request) : -1;

    return vector >= 0 && (vector & 0xf0) > (priority(l) & 0xf0) ? vector : -1;
}

void lapic_accept(struct lapic *l, uint8_t vector)
{
    if (test(l->request, vector)) {
        l->request[vector / 32] &= ~(1u << vector % 32);
        l->service[vector / 32] |= 1u << vector % 32;
    }
}

bool lapic_takes_pic(const struct lapic *l)
{
    uint32_t lint0 = l->lvt[LVT_LINT0];

    return !l->enabled || (!(lint0 & LVT_MASKED) && (lint0 >> 8 & 7) == LAPIC_MODE_EXTINT);
}

bool lapic_is_meant(const struct lapic *l, uint8_t destination, bool logical)
{
    uint8_t mine = (uint8_t)(l->destination >> 24);

    if (!logical) {
        return destination == 0xff || destination == l->id;
    }
    if (l->format >> 28 == 0xf) { /* flat: a bit a CPU */
        return destination & mine;
    }
    return destination == 0xff || ((destination ^ mine) >> 4 == 0 && destination & mine & 15);
}
