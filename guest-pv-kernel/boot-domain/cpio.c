/* SPDX-License-Identifier: MIT */
/*
 * A walk from header to header, each checked against what is left. Header: 6 characters of magic and 13 fields of 8 hexadecimal
 * digits; the name follows, then the data, both padded to 4 bytes. Pure.
 */
#include "cpio.h"

#include <stdint.h>
#include <string.h>

#define HEADER     110u
#define FIELD_SIZE 6u  /* index of the file size among the fields */
#define FIELD_NAME 11u /* of the name's length, with its NUL */

static bool field(const char *header, unsigned int index, uint32_t *out)
{
    uint32_t v = 0;

    for (unsigned int i = 0; i < 8; i++) {
        char c = header[6 + index * 8 + i];
        uint32_t d = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                     : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10
                     : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A') + 10
                                            : 16;

        if (d == 16) {
            return false;
        }
        v = v << 4 | d;
    }
    *out = v;
    return true;
}

static size_t align4(size_t n)
{
    return (n + 3) & ~(size_t)3;
}

bool cpio_find(const void *archive, size_t size, const char *name, unsigned int index,
               const void **file, size_t *file_size)
{
    const char *p = archive;
    size_t at = 0;

    while (size - at >= HEADER && memcmp(p + at, "070701", 6) == 0) {
        uint32_t name_len, data_len;
        size_t data;

        if (!field(p + at, FIELD_NAME, &name_len) || !field(p + at, FIELD_SIZE, &data_len) ||
            name_len == 0 || name_len > size - at - HEADER) {
            return false;
        }
        data = align4(at + HEADER + name_len);
        if (p[at + HEADER + name_len - 1] != '\0' || data > size || data_len > size - data) {
            return false;
        }
        if (name ? strcmp(p + at + HEADER, name) == 0
                 : strcmp(p + at + HEADER, "TRAILER!!!") != 0 && index-- == 0) {
            *file = p + data;
            *file_size = data_len;
            return true;
        }
        at = align4(data + data_len);
        if (at > size) {
            return false;
        }
    }
    return false;
}
