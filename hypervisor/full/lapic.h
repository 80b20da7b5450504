/* SPDX-License-Identifier: MIT */
/*
 * The local APIC of a fully virtualized vCPU, pure: registers by their offsets, time as an argument in nanoseconds; its timer's
 * bus runs at 1 GHz. Invariant: whatever is written, vectors in service and requested are 16 to 255, and a bit in service
 * has been acknowledged. Numbers: SDM vol. 3, chapter 10.
 */
#ifndef FULL_LAPIC_H
#define FULL_LAPIC_H

#include <stdbool.h>
#include <stdint.h>

#define LAPIC_BASE         0xfee00000ul /* where it answers; it cannot be moved */
#define LAPIC_BYTES        0x1000u
#define LAPIC_NEVER        UINT64_MAX
#define LAPIC_MODE_FIXED   0u
#define LAPIC_MODE_LOWEST  1u
#define LAPIC_MODE_NMI     4u
#define LAPIC_MODE_INIT    5u
#define LAPIC_MODE_STARTUP 6u
#define LAPIC_MODE_EXTINT  7u

enum lapic_lvt {
    LVT_TIMER,
    LVT_THERMAL,
    LVT_COUNTER,
    LVT_LINT0,
    LVT_LINT1,
    LVT_ERROR,
    LVTS
};

struct lapic {
    uint32_t id;
    bool enabled; /* in MSR_APIC_BASE */
    uint32_t spurious, destination, format, error, icr_low, icr_high;
    uint8_t tpr;
    uint32_t request[8], service[8];
    uint32_t lvt[LVTS];
    uint32_t divide, initial;
    uint64_t start_ns; /* when the timer was started; counts while initial is not 0 */
    uint64_t fired;    /* periods that have been told of */
};

/* What a write asks of the world around. */
enum lapic_effect {
    LAPIC_EFFECT_NONE,
    LAPIC_EFFECT_SEND,
    LAPIC_EFFECT_TIMER,
    LAPIC_EFFECT_IRQ
};

void lapic_reset(struct lapic *l, uint32_t id);
/* offset below LAPIC_BYTES, a multiple of 16; others read 0 and take nothing. */
uint32_t lapic_read(const struct lapic *l, uint32_t offset, uint64_t now);
enum lapic_effect lapic_write(struct lapic *l, uint32_t offset, uint32_t value, uint64_t now);

/* A vector arrives; below 16 it is an error of the sender and nothing comes of it. */
void lapic_request(struct lapic *l, uint8_t vector);
/* The vector that the CPU should take now, -1: none that its priority lets through. */
int lapic_pending(const struct lapic *l);
void lapic_accept(struct lapic *l, uint8_t vector);
/* Is the line of the 8259As connected to the CPU? */
bool lapic_takes_pic(const struct lapic *l);

/* When the timer expires next after now; LAPIC_NEVER. */
uint64_t lapic_timer_next(const struct lapic *l, uint64_t now);
/* Time has come to now: requests the timer's vector if it has expired since it was told last. True: it did. */
bool lapic_timer_tick(struct lapic *l, uint64_t now);

/* Is this APIC meant by an interrupt command's destination (and mode, logical: ICR bit 11)? Shorthands are the caller's. */
bool lapic_is_meant(const struct lapic *l, uint8_t destination, bool logical);

#endif
