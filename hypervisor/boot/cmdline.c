/* SPDX-License-Identifier: MIT */
/* Words of the hypervisor's command line. Pure. */
#include <stdbool.h>

#include "boot/boot_info.h"
#include "common/compiler.h"
#include "common/string.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

int cmdline_get(const char *cmdline, const char *name, char *buf, uint32_t size)
{
    size_t name_len = strlen(name);
    int found = 0;

    while (*cmdline) {
        size_t len = 0;

        while (is_blank(*cmdline)) {
            cmdline++;
        }
        while (cmdline[len] && !is_blank(cmdline[len])) {
            len++;
        }
        if (len >= name_len && !strncmp(cmdline, name, name_len) &&
            (len == name_len || cmdline[name_len] == '=')) {
            size_t skip = len == name_len ? name_len : name_len + 1;
            size_t n = size ? MIN(len - skip, (size_t)size - 1) : 0;

            if (size) {
                memcpy(buf, cmdline + skip, n);
                buf[n] = '\0';
            }
            found = 1;
        }
        cmdline += len;
    }
    return found;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

uint64_t cmdline_get_number(const char *cmdline, const char *name, uint64_t otherwise)
{
    char text[24];
    const char *p = text;
    uint64_t value = 0;
    unsigned int base = 10;

    if (!cmdline_get(cmdline, name, text, sizeof(text)) || !*p) {
        return otherwise;
    }
    if (p[0] == '0' && (p[1] | 0x20) == 'x') {
        base = 16;
        p += 2;
    }
    do {
        unsigned int digit = (unsigned int)digit_of(*p);

        if (digit >= base || value > (UINT64_MAX - digit) / base) {
            return otherwise;
        }
        value = value * base + digit;
    } while (*++p);
    return value;
}
