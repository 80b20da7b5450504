/* SPDX-License-Identifier: MIT */
/*
 * The part of <stdio.h> that a guest has: formatted output to the console and to memory (formats: common/format.h).
 */
#ifndef PVK_LIBC_STDIO_H
#define PVK_LIBC_STDIO_H

#include <stdarg.h>
#include <stddef.h>

int printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int vprintf(const char *fmt, va_list args) __attribute__((format(printf, 1, 0)));
int puts(const char *text);
int putchar(int c);
int snprintf(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));

#endif
