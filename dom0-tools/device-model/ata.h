/* SPDX-License-Identifier: MIT */
/*
 * The first channel of a PC's ATA controller with up to two disks on it, driven by programmed I/O: a word of the data register at a time.
 * Addresses are logical, of 28 or 48 bits. Registers, commands and their protocols: ATA/ATAPI-6.
 * Invariants: the interrupt line is a function of the state; a command that fails changes nothing of the disk; an access does to the
 * medium only what it could do again from the same state, with the same result.
 */
#ifndef DEVICE_MODEL_ATA_H
#define DEVICE_MODEL_ATA_H

#include <stdbool.h>
#include <stdint.h>

#include "device-model/block.h"

#define ATA_DISKS 2u

/* Registers: those of the command block by their port, and the one of the control block. */
enum ata_register {
    ATA_DATA,
    ATA_ERROR, /* written: features */
    ATA_COUNT,
    ATA_LOW,
    ATA_MID,
    ATA_HIGH,
    ATA_DEVICE,
    ATA_STATUS, /* written: command */
    ATA_CONTROL /* read: the status, without an effect */
};

enum ata_transfer {
    ATA_IDLE,
    ATA_TO_HOST,
    ATA_FROM_HOST
};

/* Small and without a pointer: whoever wants to undo an access keeps a copy of it. */
struct ata {
    struct ata_drive {
        uint8_t status, error;
        bool interrupt;
    } drive[ATA_DISKS];
    uint8_t features, device, control;
    uint8_t address[4],
        previous
            [4]; /* count, low, mid, high, and what each was before: the high halves of 48-bit commands */
    /* The running transfer of the selected disk: the other one cannot be selected meanwhile. */
    enum ata_transfer transfer;
    uint64_t next; /* sector that follows the one in the buffer */
    uint32_t left; /* sectors of the command that are not in the buffer yet, or not there from it */
    uint32_t moved;  /* bytes of the buffer that the host has had or given */
    uint32_t buffer; /* which */
};

struct ata_medium {
    const struct block *disk[ATA_DISKS]; /* NULL: none; both: the channel is empty */
    /* Two: a sector is read into the one that is not in use, so the old one's end can be had again. */
    uint8_t (*buffer)[BLOCK_SECTOR];
};

void ata_reset(struct ata *a);
/* bytes: 1, 2 or 4; only the data register is wider than one. */
uint32_t ata_read(struct ata *a, const struct ata_medium *m, enum ata_register reg,
                  unsigned int bytes);
void ata_write(struct ata *a, const struct ata_medium *m, enum ata_register reg, unsigned int bytes,
               uint32_t value);
bool ata_line(const struct ata *a, const struct ata_medium *m);

#endif
