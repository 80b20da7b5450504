/* SPDX-License-Identifier: MIT */
/* A file's bytes where they lie in the page cache, without the death that reading behind its end means otherwise. */
#ifndef LIBXENO_LINUX_FILE_VIEW_H
#define LIBXENO_LINUX_FILE_VIEW_H

#include <stddef.h>

/* The first size bytes, to be read; NULL with errno: this file cannot be mapped, or there are too many views. */
const void *file_view_open(int fd, size_t size);
/* 0; -ETXTBSY: the file is shorter than the view now; -EIO: it could not be read. Zeros were read in place of what was not there. */
int file_view_intact(const void *view, int fd);
void file_view_close(const void *view);

#endif
