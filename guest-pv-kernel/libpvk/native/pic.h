/* SPDX-License-Identifier: MIT */
/*
 * The pair of 8259A interrupt controllers: 16 lines, all masked but those that are asked for.
 */
#ifndef PVK_NATIVE_PIC_H
#define PVK_NATIVE_PIC_H

#include <stdbool.h>

#define PIC_LINES      16u
#define PIC_LINE_TIMER 0u
#define PIC_LINE_COM1  4u
#define PIC_LINE_ATA   14u

void pic_init(void);
void pic_unmask(unsigned line);

/* False for the interrupt that a line raises and then takes back; it wants no end. */
bool pic_is_real(unsigned line);
void pic_end(unsigned line);

#endif
