/* SPDX-License-Identifier: MIT */
/*
 * Numbers, sorting and ending for <stdlib.h>, and the names that code compiled elsewhere with fortified headers or
 * with the stack protector expects of its C library.
 */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pvk/machine.h"
#include "pvk/traps.h"

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'Z') {
        return c - 'A' + 10;
    }
    return INT_MAX;
}

unsigned long strtoul(const char *text, char **end, int base)
{
    const char *p = text;
    unsigned long value = 0;
    bool negative = false;
    bool any = false;

    while (*p == ' ' || (*p >= '\t' && *p <= '\r')) {
        p++;
    }
    if (*p == '+' || *p == '-') {
        negative = *p++ == '-';
    }
    if ((base == 0 || base == 16) && p[0] == '0' && (p[1] | 0x20) == 'x' &&
        digit_value(p[2]) < 16) {
        p += 2;
        base = 16;
    } else if (base == 0) {
        base = *p == '0' ? 8 : 10;
    }
    for (; digit_value(*p) < base; p++) {
        any = true;
        if (__builtin_mul_overflow(value, (unsigned long)base, &value) ||
            __builtin_add_overflow(value, (unsigned long)digit_value(*p), &value)) {
            value = ULONG_MAX;
            negative = false;
            base = -base; /* keep eating digits, keep the result */
            while (digit_value(*p) < -base) {
                p++;
            }
            break;
        }
    }
    if (end != NULL) {
        *end = (char *)(uintptr_t)(any ? p : text);
    }
    return negative ? -value : value;
}

unsigned long long strtoull(const char *text, char **end, int base)
{
    return strtoul(text, end, base);
}

long strtol(const char *text, char **end, int base)
{
    const char *p = text;
    unsigned long magnitude;

    while (*p == ' ' || (*p >= '\t' && *p <= '\r')) {
        p++;
    }
    magnitude = strtoul(p, end, base);
    if (*p == '-') {
        /* strtoul() has negated it: what is not negative now was below LONG_MIN. */
        return magnitude == ULONG_MAX || (magnitude != 0 && (long)magnitude > 0) ? LONG_MIN
                                                                                 : (long)magnitude;
    }
    return magnitude > LONG_MAX ? LONG_MAX : (long)magnitude;
}

int atoi(const char *text)
{
    return (int)strtol(text, NULL, 10);
}

static void swap(char *a, char *b, size_t size)
{
    while (size-- > 0) {
        char t = *a;

        *a++ = *b;
        *b++ = t;
    }
}

/* Heap sort: no recursion and no bad case, which suits a 12 KiB stack. */
void qsort(void *base, size_t count, size_t size, int (*compare)(const void *a, const void *b))
{
    char *v = base;
    size_t start = count / 2;
    size_t end = count;

    while (end > 1) {
        size_t root;

        if (start > 0) {
            start--;
        } else {
            end--;
            swap(v, v + end * size, size);
        }
        root = start;
        while (root * 2 + 1 < end) {
            size_t child = root * 2 + 1;

            if (child + 1 < end && compare(v + child * size, v + (child + 1) * size) < 0) {
                child++;
            }
            if (compare(v + root * size, v + child * size) >= 0) {
                break;
            }
            swap(v + root * size, v + child * size, size);
            root = child;
        }
    }
}

void abort(void)
{
    crash("abort() called");
}

void exit(int status)
{
    pvk_exit(EXIT_POWEROFF, status);
}
