/* SPDX-License-Identifier: MIT */
/*
 * Strings, paths, permissions and numbers of the xenstore protocol (include/xen/io/xs_wire.h).
 * Invariant: a function looks at bytes before a zero that it has seen, or below the length given.
 */
#include "xenostored/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/errno.h"

#include <xen/io/xs_wire.h>

#include "common/compiler.h"

unsigned int xs_strings(const char *payload, size_t len, const char *strings[], unsigned int max)
{
    unsigned int count = 0;

    for (size_t at = 0; at < len; count++) {
        const char *end = memchr(payload + at, 0, len - at);

        if (!end) {
            break;
        }
        if (count < max) {
            strings[count] = payload + at;
        }
        at = (size_t)(end - payload) + 1;
    }
    return count;
}

const char *xs_one_string(const char *payload, size_t len)
{
    return len && memchr(payload, 0, len) == payload + len - 1 ? payload : NULL;
}

static bool valid_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '/' || c == '_' || c == '@';
}

/* Bytes of "/local/domain/N/", which do not count against the limit of relative paths. */
static size_t domain_prefix(const char *path)
{
    static const char prefix[] = "/local/domain/";
    size_t at = sizeof(prefix) - 1;
    size_t digits = 0;

    if (strncmp(path, prefix, at) != 0) {
        return 0;
    }
    while (digits < 5 && path[at] >= '0' && path[at] <= '9') {
        digits++;
        at++;
    }
    return digits && path[at] == '/' ? at + 1 : 0;
}

bool xs_path_valid(const char *path)
{
    size_t len = strnlen(path, XENSTORE_ABS_PATH_MAX + 1);

    if (path[0] != '/' || len > XENSTORE_ABS_PATH_MAX ||
        len > domain_prefix(path) + XENSTORE_REL_PATH_MAX || (len > 1 && path[len - 1] == '/')) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (!valid_char(path[i]) || (path[i] == '/' && path[i + 1] == '/')) {
            return false;
        }
    }
    return true;
}

size_t xs_path_parent(const char *path)
{
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] != '/') {
        len--;
    }
    return len > 1 ? len - 1 : len;
}

bool xs_number_parse(const char *text, int64_t *number)
{
    const char *digits = text + (*text == '-');
    char *end = NULL;
    unsigned long long value;

    if (*digits < '0' || *digits > '9') {
        return false;
    }
    value = strtoull(digits, &end, 0);
    if (*end || value > INT64_MAX) {
        return false;
    }
    *number = *text == '-' ? -(int64_t)value : (int64_t)value;
    return true;
}

bool xs_domid_parse(const char *text, uint16_t *domid)
{
    int64_t number;

    if (!xs_number_parse(text, &number) || number < 0 || number >= XS_DOMIDS) {
        return false;
    }
    *domid = (uint16_t)number;
    return true;
}

bool xs_perm_parse(const char *text, struct xs_perm *perm)
{
    static const char letters[] = "nrwb"; /* by bits */
    const char *letter = *text ? strchr(letters, *text) : NULL;

    if (!letter || !xs_domid_parse(text + 1, &perm->domid)) {
        return false;
    }
    perm->bits = (uint8_t)(letter - letters);
    perm->unused = 0;
    return true;
}

size_t xs_perm_print(struct xs_perm perm, char text[XS_PERM_TEXT])
{
    return (size_t)snprintf(text, XS_PERM_TEXT, "%c%u", "nrwb"[perm.bits & 3], perm.domid) + 1;
}

const char *xs_error_name(int error)
{
    for (size_t i = 0; i < ARRAY_SIZE(xsd_errors); i++) {
        if (xsd_errors[i].errnum == error) {
            return xsd_errors[i].errstring;
        }
    }
    return "EINVAL";
}
