/* SPDX-License-Identifier: MIT */
/* Bytes into the memory of a domain under construction. */
#ifndef LIBXENO_COPY_IN_H
#define LIBXENO_COPY_IN_H

#include <stdbool.h>
#include <stdint.h>

#include "libxeno/xeno.h"

struct copy_target {
    struct xeno *x;
    uint32_t domid;
    const uint64_t *mfn; /* its frames by their pfns; NULL: it answers to the pfns themselves */
    bool zeroed;         /* what nobody has written to is zero */
};

/* n bytes to where paddr is; from NULL: zeros. 0, or -ENOMEM if its memory cannot be mapped. */
int xeno_copy_in(const struct copy_target *to, uint64_t paddr, const void *from, uint64_t n);

/* The same from a file that the transport has open, all of which lies in it; -errno as well if it could not be read. */
int xeno_copy_file_in(const struct copy_target *to, uint64_t paddr, const void *file, uint64_t offset, uint64_t n);

#endif
