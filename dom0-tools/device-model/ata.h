/* SPDX-License-Identifier: MIT */
/*
 * The first channel of a PC's ATA controller with one disk on it, driven by programmed I/O: a word of the data register at a time.
 * Addresses are logical, of 28 or 48 bits. Registers, commands and their protocols: ATA/ATAPI-6.
 * Invariant: the interrupt line is a function of the state, and a command that fails changes nothing of the disk.
 */
#ifndef DEVICE_MODEL_ATA_H
#define DEVICE_MODEL_ATA_H

#include <stdbool.h>
#include <stdint.h>

#include "device-model/block.h"

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

struct ata {
    const struct block *disk; /* NULL: the channel is empty */
    uint8_t status, error, features, device, control;
    uint8_t address[4],
        previous
            [4]; /* count, low, mid, high, and what each was before: the high halves of 48-bit commands */
    bool interrupt;
    enum ata_transfer transfer;
    uint64_t next; /* sector that follows the one in the buffer */
    uint32_t left; /* sectors of the command that are not in the buffer yet, or not there from it */
    uint32_t moved; /* bytes of the buffer that the host has had or given */
    uint8_t buffer[BLOCK_SECTOR];
};

void ata_reset(struct ata *a, const struct block *disk);
/* bytes: 1, 2 or 4; only the data register is wider than one. */
uint32_t ata_read(struct ata *a, enum ata_register reg, unsigned int bytes);
void ata_write(struct ata *a, enum ata_register reg, unsigned int bytes, uint32_t value);
bool ata_line(const struct ata *a);

#endif
