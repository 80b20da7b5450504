/* SPDX-License-Identifier: MIT */
/* SOURCES: dom0-tools/device-model/ata.c common/string.c */
/*
 * The ATA disks as their driver sees them: transfers of each width with their interrupts, both kinds of addresses, errors, two disks; and
 * random accesses, each of which is done again from the state that it found, with the same result. What may not be written to is as it was.
 */
#include <check.h>
#include <stdlib.h>

#include "common/string.h"
#include "device-model/ata.h"

#define SECTORS 300u

static struct ata a;
static uint8_t buffers[2][BLOCK_SECTOR];
static uint8_t medium[SECTORS][BLOCK_SECTOR];
static unsigned int nr_writes;
static bool broken;

static int do_read(void *ctx, uint64_t first, uint32_t nr, void *to)
{
    (void)ctx;
    ck_assert(first + nr <= SECTORS);
    memcpy(to, medium[first], (size_t)nr * BLOCK_SECTOR);
    return broken ? -5 : 0;
}

static int do_write(void *ctx, uint64_t first, uint32_t nr, const void *from)
{
    (void)ctx;
    ck_assert(first + nr <= SECTORS);
    nr_writes++;
    memcpy(medium[first], from, (size_t)nr * BLOCK_SECTOR);
    return broken ? -5 : 0;
}

static int do_flush(void *ctx)
{
    (void)ctx;
    return broken ? -5 : 0;
}

static struct block disk = {
    .sectors = SECTORS, .read = do_read, .write = do_write, .flush = do_flush};

static uint8_t other_medium[SECTORS][BLOCK_SECTOR];

static int other_read(void *ctx, uint64_t first, uint32_t nr, void *to)
{
    (void)ctx;
    memcpy(to, other_medium[first], (size_t)nr * BLOCK_SECTOR);
    return 0;
}

static int other_write(void *ctx, uint64_t first, uint32_t nr, const void *from)
{
    (void)ctx;
    memcpy(other_medium[first], from, (size_t)nr * BLOCK_SECTOR);
    return 0;
}

static const struct block other = {
    .sectors = SECTORS / 2, .read = other_read, .write = other_write, .flush = do_flush};

static struct ata_medium behind = {.buffer = buffers};

static void setup(void)
{
    broken = disk.read_only = false;
    disk.sectors = SECTORS;
    nr_writes = 0;
    for (unsigned int i = 0; i < sizeof(medium); i++) {
        medium[i / BLOCK_SECTOR][i % BLOCK_SECTOR] = (uint8_t)(i * 7 + i / BLOCK_SECTOR);
    }
    behind.disk[0] = &disk;
    behind.disk[1] = NULL;
    ata_reset(&a);
}

static void put(enum ata_register reg, uint8_t value)
{
    ata_write(&a, &behind, reg, 1, value);
}

static uint8_t get(enum ata_register reg)
{
    return (uint8_t)ata_read(&a, &behind, reg, 1);
}

static void range28(uint32_t first, uint8_t nr)
{
    put(ATA_DEVICE, (uint8_t)(0xe0 | first >> 24));
    put(ATA_COUNT, nr);
    put(ATA_LOW, (uint8_t)first);
    put(ATA_MID, (uint8_t)(first >> 8));
    put(ATA_HIGH, (uint8_t)(first >> 16));
}

START_TEST(identifies_itself)
{
    uint16_t word[256];
    char model[41] = "";

    put(ATA_DEVICE, 0xe0);
    put(ATA_STATUS, 0xec);
    ck_assert(ata_line(&a, &behind));
    ck_assert_uint_eq(get(ATA_CONTROL), 0x58);
    ck_assert(ata_line(&a, &behind)); /* the other status has no effect */
    ck_assert_uint_eq(get(ATA_STATUS), 0x58);
    ck_assert(!ata_line(&a, &behind));
    for (unsigned int i = 0; i < 256; i++) {
        word[i] = (uint16_t)ata_read(&a, &behind, ATA_DATA, 2);
    }
    ck_assert_uint_eq(get(ATA_STATUS), 0x50);
    ck_assert_uint_eq(word[60] | (uint32_t)word[61] << 16, SECTORS);
    ck_assert_uint_eq(word[100] | (uint32_t)word[101] << 16, SECTORS);
    ck_assert_uint_eq(word[102] | word[103], 0);
    for (unsigned int i = 0; i < 40; i++) {
        model[i] = (char)(word[27 + i / 2] >> (i % 2 ? 0 : 8));
    }
    ck_assert_str_eq(model, "XENOLITH DISK                           ");
}
END_TEST

/* _i: bytes an access, as a power of two */
START_TEST(reads_sectors)
{
    unsigned int bytes = 1u << _i;
    uint8_t got[3 * BLOCK_SECTOR];

    range28(5, 3);
    put(ATA_STATUS, 0x20);
    for (unsigned int n = 0; n < sizeof(got);) {
        uint32_t value;

        if (n % BLOCK_SECTOR == 0) {
            ck_assert_msg(ata_line(&a, &behind), "an interrupt before each sector");
            ck_assert_uint_eq(get(ATA_STATUS), 0x58);
        }
        value = ata_read(&a, &behind, ATA_DATA, bytes);
        memcpy(got + n, &value, bytes);
        n += bytes;
    }
    ck_assert(!ata_line(&a, &behind));
    ck_assert_uint_eq(get(ATA_STATUS), 0x50);
    ck_assert_mem_eq(got, medium[5], sizeof(got));
    ck_assert_uint_eq(ata_read(&a, &behind, ATA_DATA, 2), 0); /* nothing is there any more */
}
END_TEST

START_TEST(writes_sectors_with_wide_addresses)
{
    put(ATA_DEVICE, 0xe0);
    for (unsigned int round = 0; round < 2; round++) {
        put(ATA_COUNT, round ? 2 : 0);
        put(ATA_LOW, round ? 0x29 : 0); /* 297 */
        put(ATA_MID, round ? 1 : 0);
        put(ATA_HIGH, 0);
    }
    put(ATA_CONTROL, 0x80);
    ck_assert_uint_eq(get(ATA_LOW), 0);
    put(ATA_CONTROL, 0);
    ck_assert_uint_eq(get(ATA_LOW), 0x29);
    put(ATA_STATUS, 0x34);
    ck_assert(!ata_line(&a, &behind)); /* the first sector is wanted without */
    for (unsigned int i = 0; i < 512; i++) {
        ck_assert_uint_eq(get(ATA_CONTROL), 0x58);
        ata_write(&a, &behind, ATA_DATA, 2, 0xa55a);
        if (i == 255) {
            ck_assert(ata_line(&a, &behind) && nr_writes == 1);
            ck_assert_uint_eq(get(ATA_STATUS), 0x58);
        }
    }
    ck_assert(ata_line(&a, &behind));
    ck_assert_uint_eq(get(ATA_STATUS), 0x50);
    ck_assert_uint_eq(nr_writes, 2);
    ck_assert(medium[297][0] == 0x5a && medium[298][511] == 0xa5 && medium[299][0] != 0x5a);
    put(ATA_STATUS, 0xe7);
    ck_assert(ata_line(&a, &behind));
    ck_assert_uint_eq(get(ATA_STATUS), 0x50);
}
END_TEST

static void ends_with(uint8_t command, uint8_t error)
{
    put(ATA_STATUS, command);
    ck_assert(ata_line(&a, &behind));
    ck_assert_uint_eq(get(ATA_STATUS), 0x51);
    ck_assert_uint_eq(get(ATA_ERROR), error);
}

START_TEST(errors)
{
    range28(SECTORS, 1);
    ends_with(0x20, 0x10);
    range28(SECTORS - 1, 2);
    ends_with(0x30, 0x10);
    range28(SECTORS - 1, 0); /* 256 of them */
    ends_with(0x20, 0x10);
    range28(0, 1);
    put(ATA_DEVICE, 0xa0); /* by cylinder, head, sector */
    ends_with(0x20, 0x04);
    range28(0, 1);
    ends_with(0x25, 0x04); /* a command that is not there */
    disk.read_only = true;
    ends_with(0x30, 0x04);
    broken = true;
    ends_with(0x20, 0x40);
    ends_with(0xe7, 0x40);
    ck_assert_uint_eq(nr_writes, 0);
}
END_TEST

START_TEST(the_second_disk_is_not_there)
{
    put(ATA_DEVICE, 0xf0);
    put(ATA_STATUS, 0xec);
    ck_assert_uint_eq(get(ATA_STATUS), 0);
    ck_assert(!ata_line(&a, &behind));
    put(ATA_DEVICE, 0xe0);
    ck_assert_uint_eq(get(ATA_STATUS), 0x50);
}
END_TEST

START_TEST(quiet_and_reset)
{
    put(ATA_CONTROL, 2);
    put(ATA_DEVICE, 0xe0);
    put(ATA_STATUS, 0xec);
    ck_assert(!ata_line(&a, &behind));
    put(ATA_CONTROL, 0);
    ck_assert(ata_line(&a, &behind));
    put(ATA_CONTROL, 4);
    ck_assert_uint_eq(get(ATA_STATUS), 0x80);
    put(ATA_STATUS, 0xec); /* nothing is taken now */
    put(ATA_CONTROL, 0);
    ck_assert_uint_eq(get(ATA_STATUS), 0x50);
    ck_assert(get(ATA_COUNT) == 1 && get(ATA_LOW) == 1 && get(ATA_MID) == 0 && get(ATA_ERROR) == 1);
}
END_TEST

START_TEST(without_a_disk)
{
    behind.disk[0] = NULL;
    put(ATA_STATUS, 0x20);
    put(ATA_CONTROL, 4);
    put(ATA_CONTROL, 0);
    ck_assert_uint_eq(get(ATA_STATUS), 0);
    ck_assert_uint_eq(ata_read(&a, &behind, ATA_DATA, 4), 0);
    ck_assert(!ata_line(&a, &behind));
}
END_TEST

START_TEST(two_disks)
{
    uint8_t got[BLOCK_SECTOR];

    behind.disk[1] = &other;
    other_medium[7][0] = 0x77;
    range28(7, 1);
    put(ATA_STATUS, 0x20);
    put(ATA_DEVICE, 0xf0); /* not while the first one has data */
    ck_assert_uint_eq(get(ATA_DEVICE), 0xe0);
    for (unsigned int i = 0; i < BLOCK_SECTOR; i++) {
        got[i] = (uint8_t)ata_read(&a, &behind, ATA_DATA, 1);
    }
    ck_assert_mem_eq(got, medium[7], sizeof(got));
    put(ATA_DEVICE, 0xf0);
    ck_assert(!ata_line(&a, &behind)); /* the first one's interrupt is not the second one's */
    put(ATA_STATUS, 0x20);
    ck_assert(ata_line(&a, &behind));
    ck_assert_uint_eq(ata_read(&a, &behind, ATA_DATA, 1), 0x77);
    put(ATA_STATUS, 0xec);
    for (unsigned int i = 0; i < 60; i++) {
        (void)ata_read(&a, &behind, ATA_DATA, 2);
    }
    ck_assert_uint_eq(ata_read(&a, &behind, ATA_DATA, 4), SECTORS / 2);
    put(ATA_STATUS, 0x90);
    ck_assert(get(ATA_DEVICE) == 0xa0 && get(ATA_ERROR) == 1 && ata_line(&a, &behind));
    put(ATA_DEVICE, 0xf0);
    ck_assert_uint_eq(get(ATA_STATUS), 0x50);
    range28(SECTORS / 2, 1);
    put(ATA_DEVICE, 0xf0);
    ends_with(0x20, 0x10);
}
END_TEST

struct access {
    bool write;
    enum ata_register reg;
    unsigned int bytes;
    uint32_t value;
};

static uint32_t carry_out(const struct access *x)
{
    if (!x->write) {
        return ata_read(&a, &behind, x->reg, x->bytes);
    }
    ata_write(&a, &behind, x->reg, x->bytes, x->value);
    return 0;
}

static struct access any_access(void)
{
    static const uint8_t commands[] = {0x20, 0x24, 0x30, 0x34, 0x40, 0x90, 0xe7, 0xec, 0xff};
    struct access x = {.write = rand() % 2,
                       .reg = rand() % 32 ? ATA_DATA : (enum ata_register)(rand() % 9),
                       .bytes = 1u << rand() % 3};

    x.value = x.reg == ATA_STATUS ? commands[(size_t)rand() % sizeof(commands)]
                                  : (uint8_t)(rand() % 8 ? rand() % 4 : rand());
    if (x.reg == ATA_DEVICE) {
        x.value = rand() % 4 ? 0xe0 : 0xf0;
    }
    return x;
}

/* _i: may the first disk be written to? */
START_TEST(random_accesses)
{
    static uint8_t before[SECTORS][BLOCK_SECTOR];

    memcpy(before, medium, sizeof(medium));
    disk.read_only = !_i;
    behind.disk[1] = &other;
    srand(7);
    for (unsigned int i = 0; i < 1000000; i++) {
        const struct access x = any_access();
        const struct ata was = a;
        uint32_t value = carry_out(&x);
        const struct ata is = a;

        a = was; /* as if whoever did it had been killed before anybody knew */
        ck_assert(carry_out(&x) == value && memcmp(&a, &is, sizeof(a)) == 0);
        if (a.moved > BLOCK_SECTOR || a.next > SECTORS ||
            (a.transfer != ATA_IDLE) != !!((a.drive[0].status | a.drive[1].status) & 8)) {
            ck_abort_msg("access %u: moved %u next %lu transfer %d", i, a.moved, a.next,
                         a.transfer);
        }
    }
    ck_assert(disk.read_only == (memcmp(before, medium, sizeof(medium)) == 0));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ata");
    TCase *t = tcase_create("ata");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, identifies_itself);
    tcase_add_loop_test(t, reads_sectors, 0, 3);
    tcase_add_test(t, writes_sectors_with_wide_addresses);
    tcase_add_test(t, errors);
    tcase_add_test(t, the_second_disk_is_not_there);
    tcase_add_test(t, quiet_and_reset);
    tcase_add_test(t, without_a_disk);
    tcase_add_test(t, two_disks);
    tcase_add_loop_test(t, random_accesses, 0, 2);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
