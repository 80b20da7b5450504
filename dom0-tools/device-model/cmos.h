/* SPDX-License-Identifier: MIT */
/*
 * The clock of a PC with its 128 bytes of memory (MC146818A data sheet), pure: the time is an argument, seconds since 1970. It
 * shows the time and cannot be set; it raises no interrupts.
 */
#ifndef DEVICE_MODEL_CMOS_H
#define DEVICE_MODEL_CMOS_H

#include <stdint.h>

struct cmos {
    uint8_t index;
    uint8_t memory[128];
};

void cmos_reset(struct cmos *c);
/* The index port and the data port behind it: odd is 0 or 1. */
uint8_t cmos_read(const struct cmos *c, unsigned int odd, uint64_t seconds);
void cmos_write(struct cmos *c, unsigned int odd, uint8_t value);

#endif
