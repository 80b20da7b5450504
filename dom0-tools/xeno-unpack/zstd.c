/* SPDX-License-Identifier: MIT */
/* zstd by libzstd, as a stream: one frame, a bounded window; what follows the frame (the kernel's size) is not looked at. */
#include <zstd.h>

#include "xeno-unpack/unpack.h"

#define WINDOW_LOG 27 /* 128 MiB: what the kernel's own unpacker takes */

int64_t unpack_zstd(const struct unpack_piece *piece, uint8_t *out, size_t room, const char **err)
{
    ZSTD_inBuffer in = {.src = piece->data, .size = piece->size};
    ZSTD_outBuffer to = {.dst = out, .size = room};
    ZSTD_DCtx *z = ZSTD_createDCtx();
    size_t rc;

    if (!z || ZSTD_isError(ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, WINDOW_LOG))) {
        ZSTD_freeDCtx(z);
        *err = "not enough memory";
        return -1;
    }
    do {
        size_t in_before = in.pos, out_before = to.pos;

        rc = ZSTD_decompressStream(z, &to, &in);
        if (rc && !ZSTD_isError(rc) && in.pos == in_before && to.pos == out_before) {
            break; /* no progress: the input has ended, or the room has */
        }
    } while (rc && !ZSTD_isError(rc));
    ZSTD_freeDCtx(z);
    if (rc == 0) {
        return (int64_t)to.pos;
    }
    *err = !ZSTD_isError(rc) && to.pos == to.size ? "it says a smaller size than it has"
                                                  : "damaged or cut short";
    return -1;
}
