/* SPDX-License-Identifier: MIT */
/* What rooms call upward through pointers, connected in one place: boot/ is the one that sees all of them. */
#ifndef BOOT_WIRING_H
#define BOOT_WIRING_H

void wiring_connect(void);

#endif
