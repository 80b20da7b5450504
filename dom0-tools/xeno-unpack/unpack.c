/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel lies in a bzImage (Linux's x86 boot protocol: signature at 0x1fe, "HdrS" at 0x202, payload since version 2.08), and
 * by which magic number each compression is known.
 */
#include "xeno-unpack/unpack.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SECTOR          512u
#define SETUP_SECTORS   0x1f1u
#define BOOT_SIGNATURE  0x1feu
#define HEADER_MAGIC    0x202u
#define VERSION         0x206u
#define PAYLOAD_OFFSET  0x248u
#define PAYLOAD_LENGTH  0x24cu
#define HEADER_END      0x250u
#define VERSION_PAYLOAD 0x208u
#define DEFAULT_SETUP   4u
#define TRAILER         4u /* the kernel's build appends the plain size; gzip has it there anyway */

static int fail(char *err, size_t err_size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(char *err, size_t err_size, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(err, err_size, fmt, args);
    va_end(args);
    return -1;
}

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

int unpack_find(const uint8_t *image, size_t size, struct unpack_piece *piece, char *err,
                size_t err_size)
{
    uint64_t start, end;

    *piece = (struct unpack_piece){image, size};
    if (size < HEADER_END || image[BOOT_SIGNATURE] != 0x55 || image[BOOT_SIGNATURE + 1] != 0xaa ||
        memcmp(image + HEADER_MAGIC, "HdrS", 4) != 0) {
        return 0;
    }
    if ((image[VERSION] | image[VERSION + 1] << 8) < (int)VERSION_PAYLOAD) {
        return fail(err, err_size,
                    "a bzImage from before Linux 2.6.26: it does not say where its kernel lies");
    }
    start =
        (uint64_t)((image[SETUP_SECTORS] ? image[SETUP_SECTORS] : DEFAULT_SETUP) + 1u) * SECTOR +
        le32(image + PAYLOAD_OFFSET);
    end = start + le32(image + PAYLOAD_LENGTH);
    if (start > size || end > size || end - start < TRAILER) {
        return fail(err, err_size, "the bzImage ends before its kernel does: it is cut short");
    }
    *piece = (struct unpack_piece){image + start, (size_t)(end - start)};
    return 0;
}

uint64_t unpack_size_hint(const struct unpack_piece *piece)
{
    return piece->size < TRAILER ? 0 : le32(piece->data + piece->size - TRAILER);
}

static const uint8_t magic[4] = {0x7f, 'E', 'L', 'F'};

static const struct method {
    const char *name;
    uint8_t magic[6];
    size_t magic_size;
    int (*run)(const struct unpack_piece *piece, struct unpack_out *out); /* NULL: not supported */
} methods[] = {
    {"gzip", {0x1f, 0x8b}, 2, unpack_gzip},
    {"xz", {0xfd, '7', 'z', 'X', 'Z', 0}, 6, unpack_xz},
    {"lzma", {0x5d, 0, 0}, 3, unpack_xz},
    {"zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4, unpack_zstd},
    {"lz4", {0x02, 0x21, 0x4c, 0x18}, 4, unpack_lz4},
    {"bzip2", {'B', 'Z', 'h'}, 3, NULL},
    {"lzo", {0x89, 'L', 'Z', 'O'}, 4, NULL},
};

int unpack_fail(struct unpack_out *out, const char *err)
{
    out->err = err;
    return -1;
}

static const char no_kernel[] = "it holds no ELF file: no kernel for a PV domain";

int unpack_put(struct unpack_out *out, const uint8_t *data, size_t n)
{
    if (n == 0) {
        return 0;
    }
    if (n > out->room - out->done) {
        return unpack_fail(out, "it says a smaller size than it has");
    }
    if (out->done == 0 && (n < sizeof(magic) || memcmp(data, magic, sizeof(magic)) != 0)) {
        return unpack_fail(out, no_kernel);
    }
    out->done += n;
    return out->put(out->ctx, data, n) ? unpack_fail(out, "no room for the kernel in it") : 0;
}

int64_t unpack(const struct unpack_piece *piece, struct unpack_out *out, char *err, size_t err_size)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        const struct method *m = &methods[i];

        if (piece->size < m->magic_size || memcmp(piece->data, m->magic, m->magic_size) != 0) {
            continue;
        }
        if (!m->run) {
            return fail(
                err, err_size,
                "its kernel is packed with %s: gzip, xz, lzma, zstd and lz4 can be unpacked",
                m->name);
        }
        out->done = 0;
        if (m->run(piece, out) || (out->done == 0 && unpack_fail(out, no_kernel))) {
            return fail(err, err_size, "%s data: %s", m->name, out->err);
        }
        return (int64_t)out->done;
    }
    return fail(err, err_size, "not an ELF file, no bzImage and not packed in a way that is known");
}
