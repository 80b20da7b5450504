/* SPDX-License-Identifier: MIT */
/*
 * Blobs that were loaded with the kernel: an initial ramdisk, or the boot modules of a boot domain.
 */
#ifndef PVK_MODULES_H
#define PVK_MODULES_H

#include <stdbool.h>
#include <stddef.h>

struct module {
    const void *data;
    size_t size;
    const char *cmdline; /* never NULL; "" if it has none */
};

/* How many there are, and one of them; false if index is too big. Valid once main() runs. */
unsigned module_count(void);
bool module_get(unsigned index, struct module *module);

/* The list of modules itself, which lies in memory as the modules do; size 0 if there is no list. */
void module_list_range(const void **data, size_t *size);

#endif
