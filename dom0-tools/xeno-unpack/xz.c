/* SPDX-License-Identifier: MIT */
/* xz and the older lzma by liblzma: one stream, a bounded dictionary, checksums verified. */
#include <lzma.h>

#include "xeno-unpack/unpack.h"

int unpack_xz(const struct unpack_piece *piece, struct unpack_out *out)
{
    lzma_stream s = LZMA_STREAM_INIT;
    lzma_ret rc = lzma_auto_decoder(&s, UNPACK_MEMORY, 0);
    int put = 0;

    s.next_in = piece->data;
    s.avail_in = piece->size;
    while (rc == LZMA_OK && put == 0) {
        s.next_out = out->buf;
        s.avail_out = sizeof(out->buf);
        rc = lzma_code(&s, LZMA_FINISH);
        put = unpack_put(out, out->buf, sizeof(out->buf) - s.avail_out);
    }
    lzma_end(&s);
    return put                     ? put
           : rc == LZMA_STREAM_END ? 0
           : rc == LZMA_MEM_ERROR  ? unpack_fail(out, "not enough memory")
           : rc == LZMA_MEMLIMIT_ERROR
               ? unpack_fail(out, "it wants more memory than a kernel needs")
               : unpack_fail(out, "damaged or cut short");
}
