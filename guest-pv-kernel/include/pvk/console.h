/* SPDX-License-Identifier: MIT */
/*
 * The console: bytes out, bytes in. printf() and puts() of <stdio.h> end here.
 * Output works from the first line of C on; it may drop bytes when no one reads, and says so afterwards.
 */
#ifndef PVK_CONSOLE_H
#define PVK_CONSOLE_H

#include <stddef.h>

/* Write len bytes. Any context. Newline needs no carriage return. */
void console_write(const char *text, size_t len);

/* Up to len bytes of input that are there; 0 if none. Does not wait. */
size_t console_read(char *buf, size_t len);

/* Wait until input is there (threads must run: not in interrupt context). */
void console_wait_input(void);

/* Wait until what was written has been taken, but not for a reader that does not come. */
void console_flush(void);

#endif
