/* SPDX-License-Identifier: MIT */
/*
 * What objects compiled against a hosted C library (Debian's static libfdt, for one) ask the linker for: the fortified
 * variants of memory and string functions, and the failure of the stack protector. Each checks what it was made to check.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "pvk/traps.h"

void *__memcpy_chk(void *dst, const void *src, size_t n, size_t room);
void *__memmove_chk(void *dst, const void *src, size_t n, size_t room);
void *__memset_chk(void *dst, int byte, size_t n, size_t room);
int __sprintf_chk(char *buf, int flag, size_t room, const char *fmt, ...);
int __snprintf_chk(char *buf, size_t size, int flag, size_t room, const char *fmt, ...);
int __printf_chk(int flag, const char *fmt, ...);
void __stack_chk_fail(void);

static void check(size_t n, size_t room, const char *function)
{
    if (n > room) {
        crash("%s: %lu bytes into an object of %lu", function, n, room);
    }
}

void *__memcpy_chk(void *dst, const void *src, size_t n, size_t room)
{
    check(n, room, "memcpy");
    return memcpy(dst, src, n);
}

void *__memmove_chk(void *dst, const void *src, size_t n, size_t room)
{
    check(n, room, "memmove");
    return memmove(dst, src, n);
}

void *__memset_chk(void *dst, int byte, size_t n, size_t room)
{
    check(n, room, "memset");
    return memset(dst, byte, n);
}

int __snprintf_chk(char *buf, size_t size, int flag, size_t room, const char *fmt, ...)
{
    va_list args;
    int len;

    (void)flag;
    check(size, room, "snprintf");
    va_start(args, fmt);
    len = vsnprintf(buf, size, fmt, args);
    va_end(args);
    return len;
}

int __sprintf_chk(char *buf, int flag, size_t room, const char *fmt, ...)
{
    va_list args;
    int len;

    (void)flag;
    va_start(args, fmt);
    len = vsnprintf(buf, room, fmt, args);
    va_end(args);
    check((size_t)len + 1, room, "sprintf");
    return len;
}

int __printf_chk(int flag, const char *fmt, ...)
{
    va_list args;
    int len;

    (void)flag;
    va_start(args, fmt);
    len = vprintf(fmt, args);
    va_end(args);
    return len;
}

void __stack_chk_fail(void)
{
    crash("stack overrun detected");
}
