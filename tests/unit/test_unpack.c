/* SPDX-License-Identifier: MIT */
/* SOURCES: dom0-tools/xeno-unpack/unpack.c dom0-tools/xeno-unpack/gzip.c dom0-tools/xeno-unpack/xz.c */
/* SOURCES: dom0-tools/xeno-unpack/zstd.c dom0-tools/xeno-unpack/lz4.c */
/* LIBS: z lzma zstd lz4 */
/*
 * Kernels in bzImages of each compression, whole, cut at every length, with every header field wrong, and with room that is
 * too small: what comes out is the kernel or one line, never more than there is room for (the sanitizers look).
 */
#include <check.h>
#include <lz4.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "xeno-unpack/unpack.h"

#define KERNEL  140000u /* two pieces and a rest */
#define SECTORS 3u
#define START   ((SECTORS + 1u) * 512u)
#define OFFSET  64u

static uint8_t kernel[KERNEL];
static uint8_t packed[2 * KERNEL];
static size_t nr_packed;
static char err[160];

static void setup(void)
{
    uint32_t x = 1;

    for (size_t i = 0; i < sizeof(kernel); i++) {
        x = x * 1103515245u + 12345u;
        kernel[i] = i % 64 < 16 ? (uint8_t)(x >> 24) : (uint8_t)(i / 64);
    }
    memcpy(kernel, "\177ELF", 4);
}

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) {
        p[i] = (uint8_t)(v >> (8 * i));
    }
}

static void pack_gzip(void)
{
    z_stream z = {
        .next_in = kernel, .avail_in = KERNEL, .next_out = packed, .avail_out = sizeof(packed)};

    ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    nr_packed = z.total_out;
    deflateEnd(&z);
}

static void trailer(void)
{
    put32(packed + nr_packed, KERNEL);
    nr_packed += 4;
}

static void pack_xz(void)
{
    ck_assert_int_eq(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, kernel, KERNEL, packed,
                                             &nr_packed, sizeof(packed)),
                     LZMA_OK);
    trailer();
}

static void pack_lzma(void)
{
    lzma_stream s = LZMA_STREAM_INIT;
    lzma_options_lzma o;

    lzma_lzma_preset(&o, 1);
    ck_assert_int_eq(lzma_alone_encoder(&s, &o), LZMA_OK);
    s.next_in = kernel;
    s.avail_in = KERNEL;
    s.next_out = packed;
    s.avail_out = sizeof(packed);
    ck_assert_int_eq(lzma_code(&s, LZMA_FINISH), LZMA_STREAM_END);
    nr_packed = s.total_out;
    lzma_end(&s);
    trailer();
}

static void pack_zstd(void)
{
    nr_packed = ZSTD_compress(packed, sizeof(packed), kernel, KERNEL, 3);
    ck_assert(!ZSTD_isError(nr_packed));
    trailer();
}

static void pack_lz4(void)
{
    int n =
        LZ4_compress_default((const char *)kernel, (char *)packed + 8, KERNEL, sizeof(packed) - 8);

    ck_assert_int_gt(n, 0);
    put32(packed, 0x184c2102);
    put32(packed + 4, (uint32_t)n);
    nr_packed = (size_t)n + 8;
    trailer();
}

static void (*const packers[])(void) = {pack_gzip, pack_xz, pack_lzma, pack_zstd, pack_lz4};
#define NR_PACKERS ((int)(sizeof(packers) / sizeof(packers[0])))

static uint8_t *bzimage(size_t *size)
{
    uint8_t *image = calloc(1, START + OFFSET + nr_packed);

    ck_assert_ptr_nonnull(image);
    image[0x1f1] = SECTORS;
    image[0x1fe] = 0x55;
    image[0x1ff] = 0xaa;
    memcpy(image + 0x202, "HdrS", 4);
    image[0x206] = 0x0f;
    image[0x207] = 0x02;
    put32(image + 0x248, OFFSET);
    put32(image + 0x24c, (uint32_t)nr_packed);
    memcpy(image + START + OFFSET, packed, nr_packed);
    *size = START + OFFSET + nr_packed;
    return image;
}

/* As much memory as there is room, and not a byte more. */
struct taken {
    uint8_t *data;
    size_t room, n, fits; /* fits: how much of it has a place */
};

static int take(void *ctx, const uint8_t *data, size_t n)
{
    struct taken *t = ctx;

    ck_assert_uint_gt(n, 0);
    ck_assert_uint_le(n, t->room - t->n);
    if (n > t->fits - t->n) {
        return -1;
    }
    memcpy(t->data + t->n, data, n);
    t->n += n;
    return 0;
}

static int64_t unpack_some(const uint8_t *image, size_t size, size_t room, size_t fits,
                           uint8_t **out)
{
    static struct unpack_out o;
    struct taken t = {.data = malloc(room ? room : 1), .room = room, .fits = fits};
    struct unpack_piece piece;
    int64_t n;

    err[0] = '\0';
    *out = t.data;
    ck_assert_ptr_nonnull(*out);
    if (unpack_find(image, size, &piece, err, sizeof(err))) {
        ck_assert(*err);
        return -1;
    }
    o.room = room;
    o.put = take;
    o.ctx = &t;
    n = unpack(&piece, &o, err, sizeof(err));
    ck_assert(n < 0 || (size_t)n == t.n);
    return n;
}

static int64_t unpack_all(const uint8_t *image, size_t size, size_t room, uint8_t **out)
{
    return unpack_some(image, size, room, room, out);
}

START_TEST(whole)
{
    struct unpack_piece piece;
    uint8_t *image, *out;
    size_t size;

    packers[_i]();
    image = bzimage(&size);
    ck_assert_int_eq(unpack_all(image, size, KERNEL, &out), KERNEL);
    ck_assert_mem_eq(out, kernel, KERNEL);
    ck_assert_int_eq(unpack_find(image, size, &piece, err, sizeof(err)), 0);
    ck_assert_uint_eq(unpack_size_hint(&piece), KERNEL);
    free(out);
    free(image);
    ck_assert_int_eq(unpack_all(packed, nr_packed, KERNEL, &out),
                     KERNEL); /* without a bzImage around it */
    free(out);
}
END_TEST

START_TEST(too_little_room)
{
    static const size_t rooms[] = {0, 1, 4, KERNEL / 2, KERNEL - 1};
    uint8_t *out;

    packers[_i]();
    for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
        ck_assert_int_eq(unpack_all(packed, nr_packed, rooms[i], &out), -1);
        ck_assert(*err);
        free(out);
    }
}
END_TEST

/* Whoever takes it has no room, from the first piece on or later. */
START_TEST(not_taken)
{
    uint8_t *out;

    packers[_i]();
    for (size_t fits = 0; fits < KERNEL; fits += KERNEL / 2) {
        ck_assert_int_eq(unpack_some(packed, nr_packed, KERNEL, fits, &out), -1);
        ck_assert_ptr_nonnull(strstr(err, "no room"));
        free(out);
    }
}
END_TEST

START_TEST(cut_short)
{
    uint8_t *image, *out;
    size_t size;

    packers[_i]();
    image = bzimage(&size);
    for (size_t n = 0; n < size; n += n < START + 80 ? 1 : 211) {
        uint8_t *cut = malloc(n ? n : 1);

        memcpy(cut, image, n);
        ck_assert_int_eq(unpack_all(cut, n, KERNEL, &out), -1);
        ck_assert_msg(*err && !strchr(err, '\n'), "at %zu", n);
        free(out);
        free(cut);
    }
    free(image);
}
END_TEST

START_TEST(header_fields)
{
    static const struct {
        size_t at;
        uint32_t value;
        const char *wanted;
    } wrong[] = {{0x248, 0xffffffff, "cut short"}, {0x24c, 0xffffffff, "cut short"},
                 {0x248, 1u << 20, "cut short"},   {0x24c, 3, "cut short"},
                 {0x206, 0x207, "2.6.26"},         {0x202, 0, "not an ELF"}};
    uint8_t *image, *out;
    size_t size;

    packers[0]();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        image = bzimage(&size);
        put32(image + wrong[i].at, wrong[i].value);
        ck_assert_int_eq(unpack_all(image, size, KERNEL, &out), -1);
        ck_assert_msg(strstr(err, wrong[i].wanted) != NULL, "'%s' has no '%s'", err,
                      wrong[i].wanted);
        free(out);
        free(image);
    }
}
END_TEST

START_TEST(damaged)
{
    uint8_t *out;

    packers[_i]();
    for (size_t at = 6; at < nr_packed - 4; at += 499) {
        uint8_t was = packed[at];
        int64_t n;

        packed[at] ^= 0x55;
        n = unpack_all(packed, nr_packed, KERNEL, &out);
        ck_assert_int_le(
            n, KERNEL); /* lz4 has no checksum: wrong bytes may come out, never too many */
        ck_assert(n >= 0 || *err);
        packed[at] = was;
        free(out);
    }
}
END_TEST

START_TEST(not_a_kernel)
{
    uint8_t *out;

    kernel[0] = 'x';
    packers[_i]();
    ck_assert_int_eq(unpack_all(packed, nr_packed, KERNEL, &out), -1);
    ck_assert_ptr_nonnull(strstr(err, "no ELF file"));
    free(out);
}
END_TEST

START_TEST(known_and_not_supported)
{
    uint8_t *out;

    ck_assert_int_eq(unpack_all((const uint8_t *)"BZh91AY", 7, 64, &out), -1);
    ck_assert_ptr_nonnull(strstr(err, "bzip2"));
    free(out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("unpack");
    TCase *t = tcase_create("all");
    SRunner *r;
    int failed;

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, whole, 0, NR_PACKERS);
    tcase_add_loop_test(t, too_little_room, 0, NR_PACKERS);
    tcase_add_loop_test(t, not_taken, 0, NR_PACKERS);
    tcase_add_loop_test(t, cut_short, 0, NR_PACKERS);
    tcase_add_loop_test(t, damaged, 0, NR_PACKERS);
    tcase_add_loop_test(t, not_a_kernel, 0, NR_PACKERS);
    tcase_add_test(t, header_fields);
    tcase_add_test(t, known_and_not_supported);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
