/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * AS: domu
 * DISK: 65536
 * NATIVE: yes
 * The disk, by whatever the machine has for it: a ring to a backend, or an ATA controller. What is on it is read, in one piece and in
 * many; what is written is there afterwards, and only that; sectors that are not there are refused. The disk is left as it was found.
 */
#include <stdlib.h>
#include <string.h>

#include "framework/test.h"
#include "pvk/disk.h"

#define SECTORS 128u /* at most */
#define FIRST   3u
#define REST    2u /* behind what is written */

/* Of the disk, and of what is written: more than one request takes, if there are that many. */
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

static bool same(unsigned first, unsigned nr)
{
    return memcmp(disk + (size_t)first * DISK_SECTOR, buf + (size_t)first * DISK_SECTOR,
                  (size_t)nr * DISK_SECTOR) == 0;
}

static void reads(void)
{
    unsigned wrong = 0;

    test_check(disk_read(0, sectors, buf) == 0 && same(0, sectors), "the whole disk is read");
    memset(buf, 0, sizeof(buf));
    for (unsigned i = 0; i < sectors; i += 9) {
        wrong += disk_read(i, 1, buf + (size_t)i * DISK_SECTOR) != 0 || !same(i, 1);
    }
    test_check(wrong == 0, "single sectors are read");
}

static void writes(void)
{
    for (unsigned i = FIRST * DISK_SECTOR; i < (FIRST + written) * DISK_SECTOR; i++) {
        disk[i] = (unsigned char)(i * 11 % 253);
    }
    test_check(disk_write(FIRST, written, disk + (size_t)FIRST * DISK_SECTOR) == 0,
               "sectors are written");
    test_check(disk_flush() == 0, "they are on the medium");
    memset(buf, 0, sizeof(buf));
    test_check(disk_read(0, sectors, buf) == 0 && same(0, sectors),
               "those are changed, and no others");
    fill();
    test_check(disk_write(FIRST, written, disk + (size_t)FIRST * DISK_SECTOR) == 0, "and back");
}

static void refusals(void)
{
    test_note("beyond the end: %s", test_rc(disk_read(sectors, 1, buf)));
    test_note("across the end: %s", test_rc(disk_write(sectors - 1, 2, buf)));
    test_note("far beyond it: %s", test_rc(disk_read(~0ul, 2, buf)));
    test_check(disk_read(sectors - 1, 1, buf) == 0, "the last sector is there");
}

void test_main(void)
{
    struct disk_info info;
    int rc = disk_open(&info);

    if (!test_check(rc == 0, "there is a disk: %s", test_rc(rc))) {
        return;
    }
    if (!test_check(info.sectors > FIRST + REST && info.sectors <= SECTORS && !info.read_only,
                    "it has %lu sectors", info.sectors)) {
        return;
    }
    sectors = (uint32_t)info.sectors;
    written = sectors - FIRST - REST;
    fill();
    reads();
    writes();
    refusals();
}
