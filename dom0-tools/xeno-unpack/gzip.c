/* SPDX-License-Identifier: MIT */
/* gzip by zlib: one member, whose checksum zlib verifies. What follows it does not matter. */
#include <limits.h>
#include <zlib.h>

#include "xeno-unpack/unpack.h"

#define GZIP_ONLY (16 + MAX_WBITS) /* zlib.h, inflateInit2: a gzip header and nothing else */

int unpack_gzip(const struct unpack_piece *piece, struct unpack_out *out)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)piece->data};
    int rc = Z_OK, put = 0;

    if (piece->size > UINT_MAX) {
        return unpack_fail(out, "too large");
    }
    z.avail_in = (uInt)piece->size;
    if (inflateInit2(&z, GZIP_ONLY) != Z_OK) {
        return unpack_fail(out, "not enough memory");
    }
    while (rc == Z_OK && put == 0) {
        z.next_out = out->buf;
        z.avail_out = sizeof(out->buf);
        rc = inflate(&z, Z_NO_FLUSH); /* Z_BUF_ERROR where the input has ended */
        put = unpack_put(out, out->buf, sizeof(out->buf) - z.avail_out);
    }
    inflateEnd(&z);
    return put                  ? put
           : rc == Z_STREAM_END ? 0
           : rc == Z_MEM_ERROR  ? unpack_fail(out, "not enough memory")
                                : unpack_fail(out, "damaged or cut short");
}
