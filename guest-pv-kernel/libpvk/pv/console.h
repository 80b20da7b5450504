/* SPDX-License-Identifier: MIT */
/*
 * Start-up of the console: early (hypervisor's console, or nothing), then with the ring once memory and events are there.
 */
#ifndef PVK_PV_CONSOLE_H
#define PVK_PV_CONSOLE_H

void console_init_early(void);
void console_init(void);

#endif
