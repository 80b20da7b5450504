/* SPDX-License-Identifier: MIT */
/* SOURCES: dom0-tools/xeno-unpack/unpack.c dom0-tools/xeno-unpack/gzip.c dom0-tools/xeno-unpack/xz.c */
/* SOURCES: dom0-tools/xeno-unpack/zstd.c dom0-tools/xeno-unpack/lz4.c */
/* LIBS: z lzma zstd lz4 */
/*
 * Arbitrary bytes as a kernel's file: the piece lies inside it, and what comes out is an ELF file no longer than the room, or there
 * is one line that says why not.
 */
#include <stdlib.h>
#include <string.h>

#include "xeno-unpack/unpack.h"

#define ROOM (256u * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
    if (!ok) {
        abort();
    }
}

static int take(void *first, const uint8_t *data, size_t n)
{
    must(n > 0 && n <= ROOM);
    if (*(uint8_t *)first) {
        must(n >= 4 && memcmp(data, "\177ELF", 4) == 0);
        *(uint8_t *)first = 0;
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct unpack_out out;
    struct unpack_piece piece;
    uint8_t first = 1;
    char err[160] = "";
    int64_t n;

    out.room = ROOM;
    out.put = take;
    out.ctx = &first;
    if (unpack_find(data, size, &piece, err, sizeof(err)) == 0) {
        must(piece.size <= size && (size_t)(piece.data - data) <= size - piece.size);
        unpack_size_hint(&piece);
        n = unpack(&piece, &out, err, sizeof(err));
        must(n <= (int64_t)ROOM && (n < 0 || !first));
        must(n >= 0 || (*err && !strchr(err, '\n')));
    } else {
        must(*err && !strchr(err, '\n'));
    }
    return 0;
}
