/* SPDX-License-Identifier: MIT */
/*
 * The device model of one fully virtualized domain over libxeno's transport: takes its I/O requests, answers them out of its
 * devices, carries the serial port to the domain's console ring and back. The place it runs in brings the events.
 */
#ifndef DEVICE_MODEL_DM_H
#define DEVICE_MODEL_DM_H

#include <stdbool.h>
#include <stdint.h>
#include <xen/hvm/ioreq.h>
#include <xen/io/console.h>

#include "device-model/ata.h"
#include "device-model/cmos.h"
#include "device-model/uart.h"
#include "libxeno/xeno.h"

#define DM_MAX_VCPUS 128u
#define DM_BACKLOG   4096u /* output that the console has no room for yet: a power of two */

struct dm;

struct dm_vcpu {
    struct dm *dm;
    uint32_t id;
    uint32_t port; /* ours, 0: none */
};

struct dm_config {
    uint32_t domid;
    uint64_t console_gfn;  /* the page of the console ring, in the domain */
    uint32_t console_port; /* the domain's end of the console's channel */
    uint64_t (*wall_seconds)(void);
    const struct block *disk[ATA_DISKS]; /* NULL: none */
    struct dm_devices *devices; /* zeros, or as another device model of this domain left them */
};

/* The answer to a vCPU's request of that number; 0: there is none. */
struct dm_answer {
    uint64_t data;
    uint32_t vcpu, number;
};

/*
 * What a turn of the device model changes, and nothing that is large. Positions count bytes ever: those of output in the backlog, those of
 * input in the console's ring.
 */
struct dm_state {
    struct uart uart;
    struct cmos cmos;
    struct ata ata;
    uint16_t pm1_status, pm1_enable; /* of events: the power button's is the only one */
    uint32_t out_end;                /* behind the newest byte of the backlog */
    uint32_t out_skew; /* a byte's position in the backlog is that in the ring plus this */
    uint32_t in_taken; /* behind the newest byte that the serial port has had */
    struct dm_answer last;
};

/*
 * What the guest's devices know. It may lie in memory that outlives the device model, and one that takes over goes on with it, wherever
 * the other one was: a turn works on the second state, and one store of `current` makes that the first. Of the rest, only what the
 * current state says nothing of is ever written.
 */
struct dm_devices {
    uint32_t magic; /* set last: all else is whole */
    uint32_t current;
    struct dm_state state[2];
    struct dm_answer
        answered[DM_MAX_VCPUS]; /* each vCPU's newest but state.last, which may be newer */
    uint8_t sector[2][BLOCK_SECTOR];
    char backlog[DM_BACKLOG];
};

struct dm {
    struct xeno *x;
    struct dm_config cfg;
    struct shared_iopage *page;
    uint32_t nr_vcpus;
    struct dm_vcpu vcpu[DM_MAX_VCPUS];
    struct xencons_interface *ring;
    uint32_t out_seen; /* how far its reader was when we looked last */
    struct dm_devices *dev;
    struct dm_state *s; /* the current one; in a turn the second one */
    struct ata_medium medium;
    uint16_t lines; /* levels of the interrupts, as the domain has them */
};

/*
 * Take over the domain: also from a device model that is no more, whose open requests are answered then. 0, or -1 with err
 * and nothing left.
 */
int dm_start(struct dm *dm, struct xeno *x, const struct dm_config *cfg, struct xeno_error *err);
/* Press the power button: what comes of it is the guest's to say. */
void dm_power_button(struct dm *dm);
/* Let go of it; the domain may have gone. */
void dm_stop(struct dm *dm);

#endif
