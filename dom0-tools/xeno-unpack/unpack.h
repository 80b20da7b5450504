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

/*
 * Decompress into out[room]: bytes, or -1 with a line. The result begins with the ELF magic number: nothing else is wanted.
 */
int64_t unpack(const struct unpack_piece *piece, uint8_t *out, size_t room, char *err,
               size_t err_size);

/* ---- each method: bytes that came out, or -1 with err ---- */
int64_t unpack_gzip(const struct unpack_piece *piece, uint8_t *out, size_t room, const char **err);
int64_t unpack_xz(const struct unpack_piece *piece, uint8_t *out, size_t room, const char **err);
int64_t unpack_zstd(const struct unpack_piece *piece, uint8_t *out, size_t room, const char **err);
int64_t unpack_lz4(const struct unpack_piece *piece, uint8_t *out, size_t room, const char **err);

#endif
