/* SPDX-License-Identifier: MIT */
/*
 * What clients send, taken apart: zero-terminated strings, paths, permissions, numbers, and the names of errors.
 * Invariant: nothing is read beyond the length given, whatever the bytes are. Pure.
 */
#ifndef XENOSTORED_WIRE_H
#define XENOSTORED_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits of a permission; the protocol's letters are n (none), r, w, b (both). */
#define XS_PERM_READ  1u
#define XS_PERM_WRITE 2u
#define XS_PERM_OWNER 4u

/* Domain ids from here on are not domains (xen.h: DOMID_FIRST_RESERVED). */
#define XS_DOMIDS 0x7ff0u

struct xs_perm {
    uint16_t domid;
    uint8_t bits;
    uint8_t unused;
};

/* Longest text of a permission: a letter, five digits, zero. */
#define XS_PERM_TEXT 8u

/* The number of zero-terminated strings in the payload, the first max of them in strings[]. What follows the last zero
 * is not counted. */
unsigned int xs_strings(const char *payload, size_t len, const char *strings[], unsigned int max);

/* The payload as exactly one string, or NULL. */
const char *xs_one_string(const char *payload, size_t len);

/* Absolute, within the protocol's length and characters, without empty components or a slash at the end. */
bool xs_path_valid(const char *path);

/* The length of the parent's part of a valid path: "/a/b" gives 2, "/a" gives 1. */
size_t xs_path_parent(const char *path);

/* "r5" and its like. False: not a permission. */
bool xs_perm_parse(const char *text, struct xs_perm *perm);
/* Writes the text; its length with the zero. */
size_t xs_perm_print(struct xs_perm perm, char text[XS_PERM_TEXT]);

/* A domain id in decimal (or with 0x), all of the string. */
bool xs_domid_parse(const char *text, uint16_t *domid);
/* A number of either sign, all of the string. */
bool xs_number_parse(const char *text, int64_t *number);

/* The protocol's name for an error (positive); unknown ones are EINVAL. */
const char *xs_error_name(int error);

#endif
