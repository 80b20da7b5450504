/* SPDX-License-Identifier: MIT */
/*
 * Entry points in entry.S that the hypervisor is told about. They are addresses: C never calls them.
 */
#ifndef PVK_PV_ENTRY_H
#define PVK_PV_ENTRY_H

void entry_event(void);
void entry_syscall(void);
void entry_failsafe(void);

#endif
