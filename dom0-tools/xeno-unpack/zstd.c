/* SPDX-License-Identifier: MIT */
/* zstd by libzstd, as a stream: one frame, a bounded window; what follows the frame (the kernel's size) is not looked at. */
#include <zstd.h>

#include "xeno-unpack/unpack.h"

#define WINDOW_LOG 27 /* 128 MiB: what the kernel's own unpacker takes */

int unpack_zstd(const struct unpack_piece *piece, struct unpack_out *out)
{
    ZSTD_inBuffer in = {.src = piece->data, .size = piece->size};
    ZSTD_DCtx *z = ZSTD_createDCtx();
    size_t rc = 1, before;
    int put = 0;

    if (!z || ZSTD_isError(ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, WINDOW_LOG))) {
        ZSTD_freeDCtx(z);
        return unpack_fail(out, "not enough memory");
    }
    while (rc && put == 0) {
        ZSTD_outBuffer to = {.dst = out->buf, .size = sizeof(out->buf)};

        before = in.pos;
        rc = ZSTD_decompressStream(z, &to, &in);
        put = unpack_put(out, out->buf, to.pos);
        if (ZSTD_isError(rc) || (rc && in.pos == before && to.pos == 0)) {
            break; /* damaged; or no progress: the input has ended */
        }
    }
    ZSTD_freeDCtx(z);
    return put ? put : rc ? unpack_fail(out, "damaged or cut short") : 0;
}
