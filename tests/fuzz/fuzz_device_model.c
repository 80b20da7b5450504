/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the device model as a hostile guest sees it: requests for any port, of any size and direction, alone and as INS and OUTS; a
 * console ring whose indices are anything; the power button; disks that fail, and one that may not be written to; another device
 * model that takes over. Each request must be answered, and no disk asked for what it has not got.
 */
/* SOURCES: dom0-tools/device-model/dm.c dom0-tools/device-model/ata.c dom0-tools/device-model/uart.c */
/* SOURCES: dom0-tools/device-model/cmos.c dom0-tools/libxeno/error.c common/format.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/hvm/dm_op.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "common/ioreq_state.h"
#include "device-model/dm.h"

#define VCPUS      2u
#define SECTORS    5u
#define PAGE_BYTES 4096u
#define STEPS_MAX  4096u
#define STRING_BYTES                                                                               \
    (VCPUS * BLOCK_SECTOR) /* behind the slots of all vCPUs: what INS and OUTS move */

/* The first port of each device, and one that is nobody's. */
static const uint16_t ports[] = {0x1f0, 0x1f0, 0x3f6, 0x3f8, 0x70, 0xe9, 0xb000, 0xcf9, 0x80};

struct input {
    const uint8_t *at, *end;
};

static struct {
    uint8_t *page;
    struct xencons_interface *ring;
    struct dm_devices *devices;
    uint8_t medium[ATA_DISKS][SECTORS * BLOCK_SECTOR];
    bool notified[VCPUS], used, fails;
    uint16_t number[VCPUS];
    void (*fn[VCPUS])(void *arg);
    void *arg[VCPUS];
} world;

static void must(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "does not hold: %s\n", what);
        abort();
    }
}

static uint32_t take(struct input *in, unsigned int bytes)
{
    uint32_t value = 0;

    for (unsigned int i = 0; i < bytes && in->at < in->end; i++) {
        value |= (uint32_t)*in->at++ << 8 * i;
    }
    return value;
}

/* ---- the hypervisor ---- */

static long dm_op(void *ctx, uint32_t domid, void *arg, size_t size)
{
    struct xen_dm_op *op = arg;

    (void)ctx;
    (void)domid;
    must(size == sizeof(*op), "an operation has its size");
    switch (op->op) {
    case XEN_DMOP_create_ioreq_server:
        if (world.used) {
            return -ENOSPC;
        }
        world.used = true;
        return 0;
    case XEN_DMOP_destroy_ioreq_server:
        world.used = false;
        return 0;
    case XEN_DMOP_nr_vcpus:
        op->u.nr_vcpus.vcpus = VCPUS;
        return 0;
    case XEN_DMOP_set_isa_irq_level:
        must(op->u.set_isa_irq_level.isa_irq < 16 && op->u.set_isa_irq_level.level <= 1,
             "an interrupt line and its level");
        return 0;
    default:
        return 0;
    }
}

static void *map_resource(void *ctx, uint32_t domid, uint32_t type, uint32_t id, uint64_t frame)
{
    (void)ctx;
    (void)domid;
    (void)type;
    (void)id;
    (void)frame;
    return world.page;
}

static void *map_foreign(void *ctx, uint32_t domid, const uint64_t *mfns, size_t nr)
{
    (void)ctx;
    (void)domid;
    (void)mfns;
    must(nr == 1, "the console's ring is a page");
    return world.ring;
}

static void unmap_foreign(void *ctx, void *va, size_t nr)
{
    (void)ctx;
    (void)va;
    (void)nr;
}

static long event_bind(void *ctx, uint32_t domid, uint32_t remote_port, void (*fn)(void *arg),
                       void *arg)
{
    const struct dm_vcpu *v = arg;

    (void)ctx;
    (void)domid;
    (void)remote_port;
    world.fn[v->id] = fn;
    world.arg[v->id] = arg;
    return v->id + 1;
}

static void event_unbind(void *ctx, uint32_t port)
{
    (void)ctx;
    (void)port;
}

static void event_notify(void *ctx, uint32_t port)
{
    (void)ctx;
    must(port >= 1 && port <= VCPUS, "a port of ours is notified");
    world.notified[port - 1] = true;
}

static const struct xeno_transport transport = {.dm_op = dm_op,
                                                .map_resource = map_resource,
                                                .map_foreign = map_foreign,
                                                .unmap_foreign = unmap_foreign,
                                                .event_bind = event_bind,
                                                .event_unbind = event_unbind,
                                                .event_notify = event_notify};

/* ---- disks: the second one may only be read ---- */

static bool is_there(uint64_t first, uint32_t nr)
{
    return nr > 0 && nr <= SECTORS && first <= SECTORS - nr;
}

static int disk_read(void *ctx, uint64_t first, uint32_t nr, void *to)
{
    must(is_there(first, nr), "sectors that are read are there");
    if (world.fails) {
        return -EIO;
    }
    memcpy(to, (uint8_t *)ctx + first * BLOCK_SECTOR, (size_t)nr * BLOCK_SECTOR);
    return 0;
}

static int disk_write(void *ctx, uint64_t first, uint32_t nr, const void *from)
{
    must(is_there(first, nr), "sectors that are written are there");
    must(ctx == world.medium[0], "a disk that may only be read is not written to");
    if (world.fails) {
        return -EIO;
    }
    memcpy((uint8_t *)ctx + first * BLOCK_SECTOR, from, (size_t)nr * BLOCK_SECTOR);
    return 0;
}

static int disk_flush(void *ctx)
{
    (void)ctx;
    return world.fails ? -EIO : 0;
}

static const struct block disks[ATA_DISKS] = {{.ctx = world.medium[0],
                                               .sectors = SECTORS,
                                               .read = disk_read,
                                               .write = disk_write,
                                               .flush = disk_flush},
                                              {.ctx = world.medium[1],
                                               .sectors = SECTORS,
                                               .read_only = true,
                                               .read = disk_read,
                                               .write = disk_write,
                                               .flush = disk_flush}};

static uint64_t wall_seconds(void)
{
    return 1700000000;
}

static void model_start(struct dm *dm)
{
    static struct xeno x = {.t = &transport};
    const struct dm_config cfg = {.domid = 1,
                                  .wall_seconds = wall_seconds,
                                  .disk = {&disks[0], &disks[1]},
                                  .devices = world.devices};
    struct xeno_error err;

    must(dm_start(dm, &x, &cfg, &err) == 0, "it starts");
}

/* ---- the guest ---- */

/* As the hypervisor makes one: 1, 2 or 4 bytes, a sector at most at once, elements behind the slots. */
static void request(struct input *in)
{
    uint32_t how = take(in, 1), which = take(in, 1), v = how & 1;
    struct ioreq *slot = (struct ioreq *)world.page + v, r = {0};

    r.size = 1u << (how >> 1 & 3) % 3;
    r.dir = how >> 3 & 1;
    r.addr = (how & 0x80) != 0 ? take(in, 2)
                               : ports[(which & 15) % ARRAY_SIZE(ports)] + (which >> 4 & 7);
    r.type = (how & 0x70) == 0x70 ? IOREQ_TYPE_COPY : IOREQ_TYPE_PIO;
    r.count = 1;
    if ((how & 0x10) != 0) {
        r.count = 1 + take(in, 2) % (BLOCK_SECTOR / r.size);
        r.data = VCPUS * sizeof(r) + v * BLOCK_SECTOR;
        memset(world.page + r.data, (int)take(in, 1), BLOCK_SECTOR);
    }
    if (r.count == 1) {
        r.data = take(in, r.size);
    }
    ioreq_number_set(&r, ++world.number[v]);
    *slot = r;
    world.notified[v] = false;
    ioreq_state_set(slot, STATE_IOREQ_READY, r.dir);
    world.fn[v](world.arg[v]);
    must(world.notified[v] && ioreq_state(slot) == STATE_IORESP_READY, "a request is answered");
    ioreq_state_set(slot, STATE_IOREQ_NONE, 0);
}

static void ring_is_changed(struct input *in)
{
    uint32_t which = take(in, 1), value = take(in, 4);
    uint32_t *index[] = {&world.ring->in_cons, &world.ring->in_prod, &world.ring->out_cons,
                         &world.ring->out_prod};

    /* A byte more or less, or anything. */
    *index[which & 3] = (which & 4) != 0 ? value : *index[which & 3] + (uint8_t)value;
    world.ring->in[value % sizeof(world.ring->in)] = (char)which;
    world.fn[which >> 3 & 1](world.arg[which >> 3 & 1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, data + size};
    struct dm *dm = calloc(1, sizeof(*dm));

    memset(&world, 0, sizeof(world));
    world.page = calloc(1, PAGE_BYTES);
    world.ring = calloc(1, sizeof(*world.ring));
    world.devices = calloc(1, sizeof(*world.devices));
    _Static_assert(VCPUS * sizeof(struct ioreq) + STRING_BYTES <= PAGE_BYTES, "it fits");
    must(dm && world.page && world.ring && world.devices, "memory");
    model_start(dm);
    for (unsigned int step = 0; step < STEPS_MAX && in.at < in.end; step++) {
        switch (take(&in, 1) % 16) {
        case 0:
            ring_is_changed(&in);
            break;
        case 1:
            dm_power_button(dm);
            break;
        case 2:
            world.fails = !world.fails;
            break;
        case 3: /* killed: it lets go of nothing, and the next one comes */
            model_start(dm);
            break;
        default:
            request(&in);
            break;
        }
    }
    dm_stop(dm);
    free(dm);
    free(world.page);
    free(world.ring);
    free(world.devices);
    return 0;
}
