/* SPDX-License-Identifier: MIT */
/*
 * lz4 in its "legacy" form, which the kernel's build makes: the magic number, then blocks of at most 8 MiB of plain data, each behind
 * its packed size. The piece's last four bytes are the whole's size.
 */
#include <limits.h>
#include <lz4.h>

#include "xeno-unpack/unpack.h"

#define BLOCK   (8u << 20)
#define MAGIC   0x184c2102u
#define TRAILER 4u

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

int64_t unpack_lz4(const struct unpack_piece *piece, uint8_t *out, size_t room, const char **err)
{
    size_t at = 4, done = 0, end = piece->size < TRAILER ? 0 : piece->size - TRAILER;

    while (at + 4 <= end) {
        uint32_t packed = le32(piece->data + at);
        size_t left = room - done < BLOCK ? room - done : BLOCK;
        int n;

        at += 4;
        if (packed == MAGIC) {
            continue; /* files put behind one another */
        }
        if (packed > end - at || packed > LZ4_COMPRESSBOUND(BLOCK)) {
            *err = "damaged or cut short";
            return -1;
        }
        n = LZ4_decompress_safe((const char *)piece->data + at, (char *)out + done, (int)packed,
                                (int)left);
        if (n < 0) {
            *err = left < BLOCK ? "damaged, or it says a smaller size than it has"
                                : "damaged or cut short";
            return -1;
        }
        at += packed;
        done += (size_t)n;
    }
    if (at != end) {
        *err = "damaged or cut short";
        return -1;
    }
    return (int64_t)done;
}
