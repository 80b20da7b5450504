/* SPDX-License-Identifier: MIT */
/*
 * The part of <string.h> that a guest has: what common/string.c implements, and strdup().
 */
#ifndef PVK_LIBC_STRING_H
#define PVK_LIBC_STRING_H

#include "common/string.h"

char *strdup(const char *text);
char *strerror(int error);

#endif
