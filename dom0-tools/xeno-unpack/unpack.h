/* SPDX-License-Identifier: MIT */
/*
 * The kernel inside a bzImage or a compressed file: gzip, xz, lzma, zstd, lz4. Pure. The image is hostile: every offset in it is
 * checked before it is used, and what comes out is bounded by the room that the caller gives.
 */
#ifndef XENO_UNPACK_UNPACK_H
#define XENO_UNPACK_UNPACK_H

#include <stddef.h>
#include <stdint.h>

#define UNPACK_MEMORY ((uint64_t)192 << 20) /* what a decompressor may take for its dictionary */

struct unpack_piece {
    const uint8_t *data;
    size_t size;
};

/* The compressed kernel of a bzImage; any other file is itself the piece. 0, or -1 with a line that says why not. */
int unpack_find(const uint8_t *image, size_t size, struct unpack_piece *piece, char *err,
                size_t err_size);

/* How much comes out, as the piece says: a hint that nobody vouches for; 0: it does not say. */
uint64_t unpack_size_hint(const struct unpack_piece *piece);

/* Where the kernel goes, piece by piece, as a decompressor gives it. */
struct unpack_out {
    uint64_t room; /* how much may come in all */
    /* Takes n bytes: 0, or -1 when there is no room for them where it puts them. */
    int (*put)(void *ctx, const uint8_t *data, size_t n);
    void *ctx;
    /* For unpack() alone. */
    uint64_t done;
    const char *err;
    uint8_t buf[64 << 10];
};

/*
 * Decompress: how many bytes were put, or -1 with a line. The result begins with the ELF magic number: nothing else is wanted, and
 * nothing else is put.
 */
int64_t unpack(const struct unpack_piece *piece, struct unpack_out *out, char *err,
               size_t err_size);

/* ---- each method: 0 when all has come out, or -1 with out->err ---- */
int unpack_gzip(const struct unpack_piece *piece, struct unpack_out *out);
int unpack_xz(const struct unpack_piece *piece, struct unpack_out *out);
int unpack_zstd(const struct unpack_piece *piece, struct unpack_out *out);
int unpack_lz4(const struct unpack_piece *piece, struct unpack_out *out);

/* What they call: with what has come out, and with what is wrong. 0 or -1. */
int unpack_put(struct unpack_out *out, const uint8_t *data, size_t n);
int unpack_fail(struct unpack_out *out, const char *err);

#endif
