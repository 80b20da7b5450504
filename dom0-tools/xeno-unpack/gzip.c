/* SPDX-License-Identifier: MIT */
/* gzip by zlib, in one call: one member, whose checksum zlib verifies. What follows it does not matter. */
#include <limits.h>
#include <zlib.h>

#include "xeno-unpack/unpack.h"

#define GZIP_ONLY (16 + MAX_WBITS) /* zlib.h, inflateInit2: a gzip header and nothing else */

int64_t unpack_gzip(const struct unpack_piece *piece, uint8_t *out, size_t room, const char **err)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)piece->data, .next_out = out};
    int rc;

    if (piece->size > UINT_MAX || room > UINT_MAX) {
        *err = "too large";
        return -1;
    }
    z.avail_in = (uInt)piece->size;
    z.avail_out = (uInt)room;
    if (inflateInit2(&z, GZIP_ONLY) != Z_OK) {
        *err = "not enough memory";
        return -1;
    }
    rc = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    if (rc == Z_STREAM_END) {
        return (int64_t)(room - z.avail_out);
    }
    *err = rc == Z_MEM_ERROR  ? "not enough memory"
           : z.avail_out == 0 ? "it says a smaller size than it has"
                              : "damaged or cut short";
    return -1;
}
