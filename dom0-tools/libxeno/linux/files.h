/* SPDX-License-Identifier: MIT */
/* The transport's files (files.c), and the kernels that were unpacked before (kernel_cache.c). Functions return 0 or -errno. */
#ifndef LIBXENO_LINUX_FILES_H
#define LIBXENO_LINUX_FILES_H

#include <sys/stat.h>

#include "libxeno/linux/transport.h"

/* What the transport calls: files, and xeno-unpack, the program beside this one. */
void linux_files_init(struct xeno_linux *l);
int linux_kernel_unpack(void *ctx, const char *path, const void **data, size_t *size, char *why,
                        size_t why_size);
/* Unpack a kernel now, to where the next build finds it; or take it out of there. said: what became of it, or why not. 0 or -1. */
int linux_kernel_keep(const char *path, char *said, size_t size);
int linux_kernel_forget(const char *path, char *said, size_t size);
int linux_file_open(void *ctx, const char *path, const void **data, size_t *size);
const void *linux_file_bytes(void *ctx, const void *data);
int linux_file_intact(void *ctx, const void *data);
void linux_file_close(void *ctx, const void *data, size_t size);

/* A file that is open already, whatever its size; it is closed with the file, or here if that fails. */
int linux_file_adopt(struct xeno_linux *l, int fd, const void **data, size_t *size);

/* n bytes: -ETXTBSY if there are fewer. */
int linux_file_read(int fd, uint64_t offset, void *to, size_t n);

/* Of an ELF file what describes it, to where it would lie if all were read: data is size bytes of zeros. */
int linux_file_headers(int fd, void *data, size_t size);

/* Kernels that were unpacked, by what the packed file is (packed: of its open descriptor). */
/* The unpacked kernel, open to be read; -1: not there. */
int kernel_cache_find(const struct stat *packed);
/* Waits until a change of the file would be seen in its times (three seconds at most); false: they lie ahead of the clock. */
bool kernel_cache_settle(const struct stat *packed);
/* A file without a name to unpack it into; -1: nothing is to be kept, and why. */
int kernel_cache_begin(const struct stat *packed, const char **why);
/* It is what packed, which has not changed meanwhile, unpacks to: keep it, if there is room. 0, or -1 and why not. */
int kernel_cache_keep(int fd, const struct stat *packed, const char **why);
/* 0, or -errno: -ENOENT if it is not there. */
int kernel_cache_forget(const struct stat *packed);

#endif
