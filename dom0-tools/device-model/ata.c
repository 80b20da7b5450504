/* SPDX-License-Identifier: MIT */
/* The ATA disk, see ata.h. A command is checked whole when it is given: what a transfer finds later can only be an I/O error. */
#include "device-model/ata.h"

#include "common/compiler.h"
#include "common/string.h"

#define STATUS_ERR      0x01u
#define STATUS_DRQ      0x08u
#define STATUS_DSC      0x10u
#define STATUS_DRDY     0x40u
#define STATUS_BSY      0x80u
#define STATUS_IDLE     (STATUS_DRDY | STATUS_DSC)

#define ERROR_ABORTED   0x04u
#define ERROR_NOT_FOUND 0x10u /* no such sector */
#define ERROR_DATA      0x40u
#define DIAGNOSTIC_GOOD 0x01u

#define DEVICE_SECOND   0x10u
#define DEVICE_LBA      0x40u
#define DEVICE_ONES     0xa0u
#define CONTROL_QUIET   0x02u
#define CONTROL_RESET   0x04u
#define CONTROL_HIGH    0x80u /* the previous values are read */

enum command {
    READ = 0x20,
    READ_EXT = 0x24,
    WRITE = 0x30,
    WRITE_EXT = 0x34,
    VERIFY = 0x40,
    VERIFY_EXT = 0x42,
    DIAGNOSE = 0x90,
    SET_PARAMETERS = 0x91, /* of addresses by cylinder, which are not taken */
    FLUSH = 0xe7,
    FLUSH_EXT = 0xea,
    IDENTIFY = 0xec
};

/* Words of IDENTIFY DEVICE. */
#define ID_CYLINDERS   1u
#define ID_HEADS       3u
#define ID_TRACK       6u
#define ID_SERIAL      10u
#define ID_FIRMWARE    23u
#define ID_MODEL       27u
#define ID_CAPABLE     49u
#define ID_SECTORS28   60u
#define ID_VERSIONS    80u
#define ID_SUPPORTED   83u
#define ID_ENABLED     86u
#define ID_SECTORS48   100u
#define ID_VALID       0x4000u
#define CAPABLE_LBA    0x0200u
#define COMMANDS_48BIT 0x3400u /* 48-bit addresses, FLUSH CACHE in both forms */
#define MAX_CYLINDERS  16383u
#define HEADS          16u
#define TRACK          63u
#define MAX_SECTORS28  0x0fffffffu

static unsigned int selected(const struct ata *a)
{
    return a->device & DEVICE_SECOND ? 1 : 0;
}

static void signature(struct ata *a)
{
    a->address[0] = a->address[1] = 1;
    a->address[2] = a->address[3] = 0;
    a->device = 0;
    a->transfer = ATA_IDLE;
    for (unsigned int i = 0; i < ATA_DISKS; i++) {
        a->drive[i] = (struct ata_drive){.status = STATUS_IDLE, .error = DIAGNOSTIC_GOOD};
    }
}

void ata_reset(struct ata *a)
{
    *a = (struct ata){0};
    signature(a);
}

bool ata_line(const struct ata *a, const struct ata_medium *m)
{
    return m->disk[selected(a)] && a->drive[selected(a)].interrupt && !(a->control & CONTROL_QUIET);
}

/* ---- a command of the selected disk, how it goes on and ends ---- */

struct work {
    struct ata *a;
    struct ata_drive *drive;
    const struct block *disk;
    uint8_t (*buffer)[BLOCK_SECTOR];
};

static void end(const struct work *w, uint8_t error)
{
    w->a->transfer = ATA_IDLE;
    w->drive->error = error;
    w->drive->status = (uint8_t)(STATUS_IDLE | (error ? STATUS_ERR : 0));
    w->drive->interrupt = true;
}

/* The buffer is the host's: to read, or to fill. */
static void hand_over(const struct work *w, enum ata_transfer transfer)
{
    w->a->transfer = transfer;
    w->a->moved = 0;
    w->drive->status = STATUS_IDLE | STATUS_DRQ;
}

/* The buffer that is filled for the host next: what it had last stays in the other one. */
static uint8_t *other_buffer(const struct work *w)
{
    w->a->buffer ^= 1u;
    return w->buffer[w->a->buffer];
}

static void read_next(const struct work *w)
{
    if (w->disk->read(w->disk->ctx, w->a->next, 1, other_buffer(w))) {
        end(w, ERROR_DATA);
        return;
    }
    w->a->next++;
    w->a->left--;
    hand_over(w, ATA_TO_HOST);
    w->drive->interrupt = true;
}

static void write_buffer(const struct work *w)
{
    if (w->disk->write(w->disk->ctx, w->a->next, 1, w->buffer[w->a->buffer])) {
        end(w, ERROR_DATA);
        return;
    }
    w->a->next++;
    w->a->left--;
    if (w->a->left == 0) {
        end(w, 0);
        return;
    }
    hand_over(w, ATA_FROM_HOST);
    w->drive->interrupt = true;
}

/* The host has had, or has given, the whole buffer. */
static void buffer_done(const struct work *w)
{
    if (w->a->transfer == ATA_FROM_HOST) {
        write_buffer(w);
    } else if (w->a->left) {
        read_next(w);
    } else {
        w->a->transfer = ATA_IDLE;
        w->drive->status = STATUS_IDLE;
    }
}

/* ---- commands ---- */

static void put_text(uint16_t *word, unsigned int words, const char *text)
{
    for (unsigned int i = 0; i < 2 * words; i++) {
        char c = *text ? *text++ : ' ';

        word[i / 2] =
            (uint16_t)(word[i / 2] |
                       (uint8_t)c << (i % 2 ? 0 : 8)); /* the first character is the upper byte */
    }
}

static void identify(const struct work *w)
{
    uint16_t word[BLOCK_SECTOR / 2] = {0};
    uint64_t sectors = w->disk->sectors, small = MIN(sectors, (uint64_t)MAX_SECTORS28);

    word[ID_CYLINDERS] = (uint16_t)MIN(sectors / (HEADS * TRACK), (uint64_t)MAX_CYLINDERS);
    word[ID_HEADS] = HEADS;
    word[ID_TRACK] = TRACK;
    put_text(word + ID_SERIAL, 10, selected(w->a) ? "2" : "1");
    put_text(word + ID_FIRMWARE, 4, "1");
    put_text(word + ID_MODEL, 20, "XENOLITH DISK");
    word[ID_CAPABLE] = CAPABLE_LBA;
    word[ID_CAPABLE + 1] = ID_VALID;
    for (unsigned int i = 0; i < 4; i++) {
        word[ID_SECTORS28 + i % 2] = (uint16_t)(small >> 16 * (i % 2));
        word[ID_SECTORS48 + i] = (uint16_t)(sectors >> 16 * i);
    }
    word[ID_VERSIONS] = 0x7e; /* ATA-1 to ATA/ATAPI-6 */
    word[ID_SUPPORTED] = ID_VALID | COMMANDS_48BIT;
    word[ID_SUPPORTED + 1] = ID_VALID;
    word[ID_ENABLED] = COMMANDS_48BIT;
    word[ID_ENABLED + 1] = ID_VALID;
    memcpy(other_buffer(w), word, sizeof(word));
    w->a->left = 0;
    hand_over(w, ATA_TO_HOST);
    w->drive->interrupt = true;
}

/* The sectors that a command names, checked. False: it has ended. */
static bool take_range(const struct work *w, bool wide)
{
    struct ata *a = w->a;
    const uint8_t *now = a->address, *was = a->previous;
    uint64_t first = now[1] | (uint32_t)now[2] << 8 | (uint32_t)now[3] << 16;
    uint32_t nr = now[0];

    if (!(a->device & DEVICE_LBA)) {
        end(w, ERROR_ABORTED);
        return false;
    }
    if (wide) {
        nr |= (uint32_t)was[0] << 8;
        first |= (uint64_t)was[1] << 24 | (uint64_t)was[2] << 32 | (uint64_t)was[3] << 40;
    } else {
        first |= (uint64_t)(a->device & 0xf) << 24;
    }
    nr = nr ? nr : wide ? 65536 : 256;
    if (!block_has(w->disk, first, nr)) {
        end(w, ERROR_NOT_FOUND);
        return false;
    }
    a->next = first;
    a->left = nr;
    return true;
}

static void command(const struct work *w, uint8_t what)
{
    bool wide = what == READ_EXT || what == WRITE_EXT || what == VERIFY_EXT;

    w->drive->interrupt = false;
    w->drive->error = 0;
    switch (what) {
    case READ:
    case READ_EXT:
        if (take_range(w, wide)) {
            read_next(w);
        }
        break;
    case WRITE:
    case WRITE_EXT:
        if (w->disk->read_only) {
            end(w, ERROR_ABORTED);
        } else if (take_range(w, wide)) {
            hand_over(w, ATA_FROM_HOST); /* the first sector is asked for without an interrupt */
        }
        break;
    case VERIFY:
    case VERIFY_EXT:
        if (take_range(w, wide)) {
            end(w, 0);
        }
        break;
    case IDENTIFY:
        identify(w);
        break;
    case FLUSH:
    case FLUSH_EXT:
        end(w, w->disk->flush(w->disk->ctx) ? ERROR_DATA : 0);
        break;
    case SET_PARAMETERS:
        end(w, 0);
        break;
    case DIAGNOSE:
        signature(w->a); /* both disks do it, and the first one tells */
        w->a->drive[0].interrupt = true;
        break;
    default:
        end(w, ERROR_ABORTED);
        break;
    }
}

/* ---- registers ---- */

static uint32_t data_read(const struct work *w, unsigned int bytes)
{
    struct ata *a = w->a;
    uint32_t value = 0;

    for (unsigned int i = 0; i < bytes && a->transfer == ATA_TO_HOST; i++) {
        value |= (uint32_t)w->buffer[a->buffer][a->moved++] << 8 * i;
        if (a->moved == BLOCK_SECTOR) {
            buffer_done(w);
        }
    }
    return value;
}

static void data_write(const struct work *w, unsigned int bytes, uint32_t value)
{
    struct ata *a = w->a;

    for (unsigned int i = 0; i < bytes && a->transfer == ATA_FROM_HOST; i++) {
        w->buffer[a->buffer][a->moved++] = (uint8_t)(value >> 8 * i);
        if (a->moved == BLOCK_SECTOR) {
            buffer_done(w);
        }
    }
}

static struct work work_of(struct ata *a, const struct ata_medium *m)
{
    return (struct work){
        .a = a, .drive = &a->drive[selected(a)], .disk = m->disk[selected(a)], .buffer = m->buffer};
}

uint32_t ata_read(struct ata *a, const struct ata_medium *m, enum ata_register reg,
                  unsigned int bytes)
{
    const uint8_t *address = a->control & CONTROL_HIGH ? a->previous : a->address;
    const struct work w = work_of(a, m);

    if (!w.disk) {
        return 0; /* as the one device answers for the other that is not there */
    }
    switch (reg) {
    case ATA_DATA:
        return data_read(&w, bytes);
    case ATA_ERROR:
        return w.drive->error;
    case ATA_COUNT:
    case ATA_LOW:
    case ATA_MID:
    case ATA_HIGH:
        return address[reg - ATA_COUNT];
    case ATA_DEVICE:
        return a->device | DEVICE_ONES;
    case ATA_STATUS:
        w.drive->interrupt = false;
        return w.drive->status;
    default:
        return w.drive->status;
    }
}

static void control_write(struct ata *a, uint8_t value)
{
    bool was = a->control & CONTROL_RESET;

    a->control = value;
    if (value & CONTROL_RESET) {
        a->transfer = ATA_IDLE;
        for (unsigned int i = 0; i < ATA_DISKS; i++) {
            a->drive[i] = (struct ata_drive){.status = STATUS_BSY};
        }
    } else if (was) {
        signature(a);
    }
}

void ata_write(struct ata *a, const struct ata_medium *m, enum ata_register reg, unsigned int bytes,
               uint32_t value)
{
    const struct work w = work_of(a, m);
    uint8_t byte = (uint8_t)value;

    if (reg == ATA_CONTROL) {
        control_write(a, byte);
        return;
    }
    if (reg == ATA_DATA) {
        data_write(&w, bytes, value);
        return;
    }
    if (w.drive->status & (STATUS_BSY | STATUS_DRQ) && reg != ATA_STATUS) {
        return; /* the registers are the running command's */
    }
    a->control &= (uint8_t)~CONTROL_HIGH;
    switch (reg) {
    case ATA_ERROR:
        a->features = byte;
        break;
    case ATA_DEVICE:
        a->device = byte;
        break;
    case ATA_STATUS:
        if (w.disk && !(w.drive->status & STATUS_BSY)) {
            command(&w, byte);
        }
        break;
    default:
        a->previous[reg - ATA_COUNT] = a->address[reg - ATA_COUNT];
        a->address[reg - ATA_COUNT] = byte;
        break;
    }
}
