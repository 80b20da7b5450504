/* SPDX-License-Identifier: MIT */
/*
 * lz4 in its "legacy" form, which the kernel's build makes: the magic number, then blocks of at most 8 MiB of plain data, each behind
 * its packed size. The piece's last four bytes are the whole's size.
 */
#include <limits.h>
#include <lz4.h>
#include <stdlib.h>

#include "xeno-unpack/unpack.h"

#define BLOCK   (8u << 20)
#define MAGIC   0x184c2102u
#define TRAILER 4u

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* A block's plain data, which is at[packed], goes to buf[BLOCK]. */
static int block(struct unpack_out *out, const uint8_t *at, uint32_t packed, uint8_t *buf)
{
    int n = LZ4_decompress_safe((const char *)at, (char *)buf, (int)packed, (int)BLOCK);

    return n < 0 ? unpack_fail(out, "damaged or cut short") : unpack_put(out, buf, (size_t)n);
}

int unpack_lz4(const struct unpack_piece *piece, struct unpack_out *out)
{
    size_t at = 4, end = piece->size < TRAILER ? 0 : piece->size - TRAILER;
    uint8_t *buf = malloc(BLOCK);
    int rc = buf ? 0 : unpack_fail(out, "not enough memory");

    while (rc == 0 && at + 4 <= end) {
        uint32_t packed = le32(piece->data + at);

        at += 4;
        if (packed == MAGIC) {
            continue; /* files put behind one another */
        }
        if (packed > end - at || packed > LZ4_COMPRESSBOUND(BLOCK)) {
            break;
        }
        rc = block(out, piece->data + at, packed, buf);
        at += packed;
    }
    free(buf);
    return rc ? rc : at != end ? unpack_fail(out, "damaged or cut short") : 0;
}
