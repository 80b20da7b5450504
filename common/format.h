/* SPDX-License-Identifier: MIT */
/*
 * Formatted output for code that has no C library: the subset of printf that the project uses
 * (d i u x X c s p %, widths, precision, '-', '0', '+', '#', ' ', h hh l ll z j t lengths; no floating point).
 * Invariant: never writes past the buffer, always terminates it when size > 0, returns the untruncated length.
 */
#ifndef COMMON_FORMAT_H
#define COMMON_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

#include "common/compiler.h"

int format_v(char *buf, size_t size, const char *fmt, va_list args) __printf_like(3, 0);
int format(char *buf, size_t size, const char *fmt, ...) __printf_like(3, 4);

#endif
