/* SPDX-License-Identifier: MIT */
/*
 * The part of <stdlib.h> that a guest has.
 */
#ifndef PVK_LIBC_STDLIB_H
#define PVK_LIBC_STDLIB_H

#include <stddef.h>

void *malloc(size_t size) __attribute__((malloc));
void *calloc(size_t count, size_t size) __attribute__((malloc));
void *realloc(void *old, size_t size);
void free(void *block);

unsigned long strtoul(const char *text, char **end, int base);
long strtol(const char *text, char **end, int base);
unsigned long long strtoull(const char *text, char **end, int base);
int atoi(const char *text);

void qsort(void *base, size_t count, size_t size, int (*compare)(const void *a, const void *b));

void abort(void) __attribute__((noreturn));
void exit(int status) __attribute__((noreturn));

#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1

#endif
