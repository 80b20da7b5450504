/* SPDX-License-Identifier: MIT */
/*
 * Counters of back ends, see io_counts.h. What cannot be read counts nothing: a device may go while it is looked at.
 */
#include "libxeno/linux/io_counts.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "libxeno/linux/models.h"
#include "libxeno/linux/network.h"

#define DEVICES "/sys/bus/xen-backend/devices"

static uint64_t read_number(const char *path)
{
    char text[32];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;

    if (fd >= 0) {
        close(fd);
    }
    text[n > 0 ? n : 0] = '\0';
    return strtoul(text, NULL, 10);
}

/* The domain sends what the interface here receives. */
static void of_vif(uint32_t domid, uint32_t devid, struct io_counts *c)
{
    char name[16], path[96];

    c->nets = 1;
    if (*network_interface(domid, devid, name, sizeof(name))) {
        snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/rx_bytes", name);
        c->sent = read_number(path);
        snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/tx_bytes", name);
        c->received = read_number(path);
    }
}

static uint64_t of_disk(const char *device, const char *what)
{
    char path[128];

    snprintf(path, sizeof(path), DEVICES "/%.40s/statistics/%s", device, what);
    return read_number(path);
}

static void of_vbd(const char *device, struct io_counts *c)
{
    c->vbds = 1;
    c->disk = (struct disk_counts){.reads = of_disk(device, "rd_req"),
                                   .writes = of_disk(device, "wr_req"),
                                   .sectors_read = of_disk(device, "rd_sect"),
                                   .sectors_written = of_disk(device, "wr_sect"),
                                   .starved = of_disk(device, "oo_req")};
}

void io_counts_each(void (*fn)(void *ctx, uint32_t domid, const struct io_counts *counts),
                    void *ctx)
{
    DIR *folder = opendir(DEVICES);
    const struct dirent *e;

    while (folder && (e = readdir(folder)) != NULL) {
        struct io_counts c = {.nets = 0};
        uint32_t domid, devid;

        if (sscanf(e->d_name, "vif-%u-%u", &domid, &devid) == 2) {
            of_vif(domid, devid, &c);
            fn(ctx, domid, &c);
        } else if (sscanf(e->d_name, "vbd-%u-%u", &domid, &devid) == 2) {
            of_vbd(e->d_name, &c);
            fn(ctx, domid, &c);
        }
    }
    if (folder) {
        closedir(folder);
    }
}

void io_counts_add(struct io_counts *to, const struct io_counts *more)
{
    to->nets += more->nets;
    to->vbds += more->vbds;
    to->sent += more->sent;
    to->received += more->received;
    to->disk.reads += more->disk.reads;
    to->disk.writes += more->disk.writes;
    to->disk.sectors_read += more->disk.sectors_read;
    to->disk.sectors_written += more->disk.sectors_written;
    to->disk.starved += more->disk.starved;
}

void io_counts_add_model(uint32_t domid, struct io_counts *counts)
{
    struct io_counts c = {.vbds = 0};
    char path[MODELS_PATH_MAX];
    int fd;

    model_counts_path(domid, path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (read(fd, &c.disk, sizeof(c.disk)) == (ssize_t)sizeof(c.disk)) {
            c.vbds = (uint32_t)c.disk.disks;
            io_counts_add(counts, &c);
        }
        close(fd);
    }
}
