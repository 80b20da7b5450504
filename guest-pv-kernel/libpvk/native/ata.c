/* SPDX-License-Identifier: MIT */
/*
 * The two disks of the first ATA channel, by programmed I/O: each sector is 256 words to or from a port, by one string instruction, and an interrupt.
 * Registers, commands and their order: ATA/ATAPI-6.
 * Invariant: between two commands the device is idle and no interrupt is out; core/disk.c sends one command at a time.
 */
#include "libpvk/native/ata.h"

#include <errno.h>

#include "libpvk/core/disk.h"
#include "libpvk/native/insn.h"
#include "libpvk/native/pic.h"
#include "pvk/clock.h"
#include "pvk/thread.h"

enum port {
    PORT_DATA = 0x1f0,
    PORT_COUNT = 0x1f2,
    PORT_LOW,
    PORT_MID,
    PORT_HIGH,
    PORT_DEVICE,
    PORT_STATUS, /* written: command */
    PORT_CONTROL = 0x3f6
};

enum command {
    COMMAND_READ = 0x20,
    COMMAND_READ_WIDE = 0x24,
    COMMAND_WRITE = 0x30,
    COMMAND_WRITE_WIDE = 0x34,
    COMMAND_FLUSH = 0xe7,
    COMMAND_IDENTIFY = 0xec
};

#define STATUS_ERROR    0x01
#define STATUS_DATA     0x08
#define STATUS_FAULT    0x20
#define STATUS_BUSY     0x80
#define STATUS_NOTHING  0xff /* no controller */
#define NR_DISKS        2u
#define DEVICE_FIRST    0xe0 /* the first disk, addresses by sector */
#define DEVICE_SECOND   0x10
#define CONTROL_QUIET   0x02 /* no interrupts */
#define WORDS           (DISK_SECTOR / 2)
#define ID_SECTORS      60 /* 32 bits */
#define ID_COMMANDS     83
#define ID_WIDE         (1u << 10)
#define ID_SECTORS_WIDE 100 /* 64 bits */
#define PATIENCE_NS     (10 * NS_PER_S)

static struct wait_queue queue = WAIT_QUEUE_INIT(queue);
static uint32_t nr_seen;    /* interrupts that have come; written by the handler */
static uint32_t nr_taken;   /* interrupts that a command has waited for */
static bool wide[NR_DISKS]; /* takes addresses of 48 bits */

void ata_interrupt(void)
{
    __atomic_store_n(&nr_seen, nr_seen + 1, __ATOMIC_RELEASE);
    wait_queue_wake(&queue);
}

static int status_check(uint8_t status)
{
    return (status & (STATUS_BUSY | STATUS_ERROR | STATUS_FAULT)) != 0 ? -EIO : 0;
}

/* The device's next interrupt; reading the status takes it back. */
static int await(void)
{
    bool in_time = wait_until(&queue, __atomic_load_n(&nr_seen, __ATOMIC_ACQUIRE) != nr_taken,
                              clock_ns() + PATIENCE_NS);

    nr_taken = __atomic_load_n(&nr_seen, __ATOMIC_ACQUIRE);
    return in_time ? status_check(insn_inb(PORT_STATUS)) : -EIO;
}

/* Where no interrupt comes: until the device is not busy and wants or has data. */
static int poll_data(void)
{
    uint64_t deadline = clock_ns() + PATIENCE_NS;
    uint8_t status;

    do {
        status = insn_inb(PORT_STATUS);
        if ((status & STATUS_BUSY) == 0 && (status & (STATUS_DATA | STATUS_ERROR)) != 0) {
            return status_check(status);
        }
    } while (clock_ns() < deadline);
    return -EIO;
}

static uint8_t device(unsigned disk)
{
    return (uint8_t)(DEVICE_FIRST | (disk != 0 ? DEVICE_SECOND : 0));
}

/* The sectors' address; the command follows. */
static void set_range(unsigned disk, uint64_t first, uint32_t nr)
{
    if (wide[disk]) {
        insn_outb(PORT_DEVICE, device(disk));
        insn_outb(PORT_COUNT, (uint8_t)(nr >> 8));
        insn_outb(PORT_LOW, (uint8_t)(first >> 24));
        insn_outb(PORT_MID, (uint8_t)(first >> 32));
        insn_outb(PORT_HIGH, (uint8_t)(first >> 40));
    } else {
        insn_outb(PORT_DEVICE, (uint8_t)(device(disk) | first >> 24));
    }
    insn_outb(PORT_COUNT, (uint8_t)nr);
    insn_outb(PORT_LOW, (uint8_t)first);
    insn_outb(PORT_MID, (uint8_t)(first >> 8));
    insn_outb(PORT_HIGH, (uint8_t)(first >> 16));
}

static void send(enum command command)
{
    nr_taken = __atomic_load_n(&nr_seen, __ATOMIC_ACQUIRE);
    insn_outb(PORT_STATUS, (uint8_t)command);
}

int backend_disk_read(unsigned int disk, uint64_t first, uint32_t nr, void *to)
{
    char *at = to;
    int rc = 0;

    set_range(disk, first, nr);
    send(wide[disk] ? COMMAND_READ_WIDE : COMMAND_READ);
    for (; rc == 0 && nr > 0; nr--) {
        rc = await();
        if (rc == 0) {
            insn_insw(PORT_DATA, at, WORDS);
        }
        at += DISK_SECTOR;
    }
    return rc;
}

int backend_disk_write(unsigned int disk, uint64_t first, uint32_t nr, const void *from)
{
    const char *at = from;
    int rc;

    set_range(disk, first, nr);
    send(wide[disk] ? COMMAND_WRITE_WIDE : COMMAND_WRITE);
    rc = poll_data(); /* the first sector is wanted without an interrupt */
    for (; rc == 0 && nr > 0; nr--) {
        insn_outsw(PORT_DATA, at, WORDS);
        rc = await();
        at += DISK_SECTOR;
    }
    return rc;
}

int backend_disk_flush(unsigned int disk)
{
    insn_outb(PORT_DEVICE, device(disk));
    send(COMMAND_FLUSH);
    return await();
}

static uint64_t words_at(const uint16_t *word, unsigned nr)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < nr; i++) {
        value |= (uint64_t)word[i] << 16 * i;
    }
    return value;
}

int backend_disk_open(unsigned int disk, struct disk_info *info)
{
    uint16_t id[WORDS];
    uint8_t status = insn_inb(PORT_STATUS);
    int rc;

    if (status == STATUS_NOTHING || disk >= NR_DISKS) {
        return -ENODEV;
    }
    insn_outb(PORT_CONTROL, CONTROL_QUIET);
    insn_outb(PORT_DEVICE, device(disk));
    send(COMMAND_IDENTIFY);
    status = insn_inb(PORT_STATUS);
    rc = status == 0 ? -ENODEV : poll_data(); /* a device that is not there is for ever silent */
    if (rc != 0) {
        insn_outb(PORT_CONTROL, 0);
        return rc == -EIO ? -ENODEV : rc; /* what refuses to tell what it is, is no disk */
    }
    insn_insw(PORT_DATA, id, WORDS);
    (void)insn_inb(PORT_STATUS);
    wide[disk] = (id[ID_COMMANDS] & ID_WIDE) != 0;
    info->sectors = wide[disk] ? words_at(id + ID_SECTORS_WIDE, 4) : words_at(id + ID_SECTORS, 2);
    info->read_only = false; /* a disk does not tell: it refuses the command */
    insn_outb(PORT_CONTROL, 0);
    pic_unmask(PIC_LINE_ATA);
    return 0;
}
