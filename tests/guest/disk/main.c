/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * AS: domu
 * DISK: 65536
 * NATIVE: yes
 * The disks, by whatever the machine has for them: a ring to a backend, or an ATA controller. What is on one is read, in one piece and in
 * many; what is written is there afterwards, and only that, and not on the others; sectors that are not there are refused. Each is left
 * as it was found.
 */
#include <stdlib.h>
#include <string.h>

#include "framework/test.h"
#include "pvk/disk.h"

#define SECTORS 128u /* at most */
#define FIRST   3u
#define REST    2u /* behind what is written */

static unsigned nr; /* of the disk at hand */
/* Its sectors, and those that are written: more than one request takes, if there are that many. */
static uint32_t sectors, written;

static unsigned char disk[SECTORS * DISK_SECTOR];
static unsigned char buf[SECTORS * DISK_SECTOR];

/* As run_guest.py fills a disk. */
static void fill(void)
{
    for (unsigned i = 0; i < sizeof(disk); i++) {
        disk[i] = (unsigned char)(i * 7 % 251);
    }
}

static bool same(unsigned first, unsigned count)
{
    return memcmp(disk + (size_t)first * DISK_SECTOR, buf + (size_t)first * DISK_SECTOR,
                  (size_t)count * DISK_SECTOR) == 0;
}

static void reads(void)
{
    unsigned wrong = 0;

    test_check(disk_read(nr, 0, sectors, buf) == 0 && same(0, sectors), "the whole disk is read");
    memset(buf, 0, sizeof(buf));
    for (unsigned i = 0; i < sectors; i += 9) {
        wrong += disk_read(nr, i, 1, buf + (size_t)i * DISK_SECTOR) != 0 || !same(i, 1);
    }
    test_check(wrong == 0, "single sectors are read");
}

static void writes(void)
{
    for (unsigned i = FIRST * DISK_SECTOR; i < (FIRST + written) * DISK_SECTOR; i++) {
        disk[i] = (unsigned char)(i * 11 % 253);
    }
    test_check(disk_write(nr, FIRST, written, disk + (size_t)FIRST * DISK_SECTOR) == 0,
               "sectors are written");
    test_check(disk_flush(nr) == 0, "they are on the medium");
    memset(buf, 0, sizeof(buf));
    test_check(disk_read(nr, 0, sectors, buf) == 0 && same(0, sectors),
               "those are changed, and no others");
    fill();
    test_check(disk_write(nr, FIRST, written, disk + (size_t)FIRST * DISK_SECTOR) == 0, "and back");
}

static void refusals(void)
{
    test_note("beyond the end: %s", test_rc(disk_read(nr, sectors, 1, buf)));
    test_note("across the end: %s", test_rc(disk_write(nr, sectors - 1, 2, buf)));
    test_note("far beyond it: %s", test_rc(disk_read(nr, ~0ul, 2, buf)));
    test_check(disk_read(nr, sectors - 1, 1, buf) == 0, "the last sector is there");
}

static void whole_disk(const struct disk_info *info)
{
    if (!test_check(info->sectors > FIRST + REST && info->sectors <= SECTORS && !info->read_only,
                    "disk %u has %lu sectors", nr, info->sectors)) {
        return;
    }
    sectors = (uint32_t)info->sectors;
    written = sectors - FIRST - REST;
    fill();
    reads();
    writes();
    refusals();
}

/* Each disk is a medium of its own: their first bytes, written in one direction, are there when they are read in the other. */
static void apart(unsigned count)
{
    unsigned wrong = 0;

    for (nr = 0; nr < count; nr++) {
        disk[0] = (unsigned char)nr;
        wrong += disk_write(nr, 0, 1, disk) != 0;
    }
    while (nr-- > 0) {
        wrong += disk_read(nr, 0, 1, buf) != 0 || buf[0] != nr;
        fill();
        wrong += disk_write(nr, 0, 1, disk) != 0;
    }
    test_check(wrong == 0, "each disk has kept what was written to it");
}

void test_main(void)
{
    struct disk_info info;
    int rc;

    while ((rc = disk_open(nr, &info)) == 0) {
        whole_disk(&info);
        nr++;
    }
    test_note("disks: %u, then %s", nr, test_rc(rc));
    if (test_check(nr > 0, "there is a disk")) {
        apart(nr);
    }
}
