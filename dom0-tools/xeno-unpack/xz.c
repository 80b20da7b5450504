/* SPDX-License-Identifier: MIT */
/* xz and the older lzma by liblzma, in one call: one stream, a bounded dictionary, checksums verified. */
#include <lzma.h>

#include "xeno-unpack/unpack.h"

int64_t unpack_xz(const struct unpack_piece *piece, uint8_t *out, size_t room, const char **err)
{
    lzma_stream s = LZMA_STREAM_INIT;
    lzma_ret rc = lzma_auto_decoder(&s, UNPACK_MEMORY, 0);
    int64_t n;

    s.next_in = piece->data;
    s.avail_in = piece->size;
    s.next_out = out;
    s.avail_out = room;
    if (rc == LZMA_OK) {
        rc = lzma_code(&s, LZMA_FINISH);
    }
    n = (int64_t)(room - s.avail_out);
    lzma_end(&s);
    if (rc == LZMA_STREAM_END) {
        return n;
    }
    *err = rc == LZMA_MEM_ERROR        ? "not enough memory"
           : rc == LZMA_MEMLIMIT_ERROR ? "it wants more memory than a kernel needs"
           : s.avail_out == 0          ? "it says a smaller size than it has"
                                       : "damaged or cut short";
    return -1;
}
