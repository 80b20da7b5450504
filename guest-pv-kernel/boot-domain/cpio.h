/* SPDX-License-Identifier: MIT */
/* Files in a cpio archive of the "newc" format (POSIX.1 cpio with hexadecimal headers, magic 070701). */
#ifndef BOOTDOM_CPIO_H
#define BOOTDOM_CPIO_H

#include <stdbool.h>
#include <stddef.h>

/* Find a file by its name or, name NULL, the index-th, from 0; *file points into the archive. False: not there, or no archive. */
bool cpio_find(const void *archive, size_t size, const char *name, unsigned int index,
               const void **file, size_t *file_size);

#endif
