/* SPDX-License-Identifier: MIT */
/*
 * <stdio.h> over common/format.c and the console. A line longer than the buffer is formatted into allocated memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/format.h"
#include "pvk/console.h"

#define LINE_SIZE 256

int vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
    return format_v(buf, size, fmt, args);
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list args;
    int len;

    va_start(args, fmt);
    len = format_v(buf, size, fmt, args);
    va_end(args);
    return len;
}

int vprintf(const char *fmt, va_list args)
{
    char line[LINE_SIZE];
    char *text = line;
    va_list again;
    int len;

    va_copy(again, args);
    len = format_v(line, sizeof(line), fmt, args);
    if (len >= LINE_SIZE) {
        text = malloc((size_t)len + 1);
        if (text != NULL) {
            format_v(text, (size_t)len + 1, fmt, again);
        } else {
            text = line;
            len = LINE_SIZE - 1;
        }
    }
    va_end(again);
    console_write(text, (size_t)len);
    if (text != line) {
        free(text);
    }
    return len;
}

int printf(const char *fmt, ...)
{
    va_list args;
    int len;

    va_start(args, fmt);
    len = vprintf(fmt, args);
    va_end(args);
    return len;
}

int puts(const char *text)
{
    console_write(text, strlen(text));
    console_write("\n", 1);
    return 0;
}

int putchar(int c)
{
    char byte = (char)c;

    console_write(&byte, 1);
    return c;
}
