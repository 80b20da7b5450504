/* SPDX-License-Identifier: MIT */
/*
 * The 8254 interval timer of a fully virtualized domain, and the PC's port 0x61 that gates its third channel. Pure: time is
 * an argument, in nanoseconds on any scale that never runs back. Invariant: whatever is written, a channel's count is 1 to
 * 0x10000 and its state is a function of the time since the count was loaded.
 * Numbers: Intel 8254 data sheet; the PC's clock of 1.193182 MHz.
 */
#ifndef FULL_PIT_H
#define FULL_PIT_H

#include <stdbool.h>
#include <stdint.h>

#define PIT_HZ        1193182u
#define PIT_CHANNEL_0 0x40
#define PIT_CONTROL   0x43
#define PIT_GATE_PORT 0x61
#define PIT_NEVER     UINT64_MAX

struct pit_channel {
    uint64_t start_ns; /* when the count was loaded, or the gate rose */
    uint32_t count;    /* 1..0x10000 */
    uint16_t latch;
    uint8_t mode;   /* 0 to 5 */
    uint8_t access; /* 1 low byte, 2 high byte, 3 both */
    uint8_t low;    /* first byte of two */
    uint8_t status; /* latched by a read-back command */
    bool write_high, read_high, latched, status_latched, bcd, gate, loaded;
};

struct pit {
    struct pit_channel channel[3];
    bool speaker; /* bit 1 of port 0x61, no more than a bit */
};

void pit_reset(struct pit *p);
bool pit_has_port(uint16_t port);
uint8_t pit_read(struct pit *p, uint16_t port, uint64_t now);
void pit_write(struct pit *p, uint16_t port, uint8_t value, uint64_t now);
/* A channel's output. */
bool pit_output(const struct pit *p, unsigned int channel, uint64_t now);
/* When channel 0's output rises next after `now`; PIT_NEVER. */
uint64_t pit_next_edge(const struct pit *p, uint64_t now);

#endif
