/* SPDX-License-Identifier: MIT */
/*
 * strerror(): the symbolic name of an error number, which says as much as a sentence to whoever reads a kernel's output.
 */
#include <string.h>

#include "common/compiler.h"
#include "common/format.h"

char *strerror(int error)
{
    static const struct {
        int value;
        const char *name;
    } errors[] = {
#define XEN_ERRNO(name, value) {value, #name},
#include <xen/errno.h>
    };
    static char unknown[24];

    for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
        if (errors[i].value == error) {
            return (char *)(uintptr_t)errors[i].name;
        }
    }
    format(unknown, sizeof(unknown), "error %d", error);
    return unknown;
}
