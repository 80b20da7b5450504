/* SPDX-License-Identifier: MIT */
/* Does this CPU protect us as we think? Run on every boot of a debug build; the fatal ones when they are asked for. */
#ifndef X86_SELFTEST_H
#define X86_SELFTEST_H

/* Faults with fix-ups, write protection of code and constants, SMAP: panics at the first that is not as it should be. */
void selftest_run(void);

/* Provoke an end that must be reported: "fault", "write", "exec", "stack", "assert"; returns if unknown. */
void selftest_die(const char *how);

#endif
