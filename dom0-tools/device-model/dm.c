/* SPDX-License-Identifier: MIT */
/*
 * Requests and the console, see dm.h. A slot's fields are copied before they are used; the hypervisor fills them, a guest's port,
 * size and data are in them; the console's ring is in the guest's memory. Invariants: a slot is ours from READY to the answer; what
 * others see of a turn (ring, lines, answer) follows its end and is made of the state alone, so that it can be done once more.
 */
#include "device-model/dm.h"

#include <xen/hvm/dm_op.h>
#include <xen/memory.h>
#include <xen/sched.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "common/ioreq_state.h"
#include "common/string.h"

#define PORT_CMOS        0x70u
#define PORT_DEBUG       0xe9u /* a byte to the console, without a serial port */
#define PORT_ATA         0x1f0u
#define PORT_COM1        0x3f8u
#define PORT_ATA_CONTROL 0x3f6u
#define PORT_PM1         0xb000u /* status, enable, control: 16 bits each */
#define PORT_PM1_CONTROL 0xb004u
#define PM1_BUTTON       0x0100u
#define PM1_SLP_EN       0x2000u
#define PORT_RESET       0xcf9u
#define IRQ_COM1         4u
#define IRQ_ACPI         9u
#define IRQ_ATA          14u
#define DM_LINES         (1u << IRQ_COM1 | 1u << IRQ_ACPI | 1u << IRQ_ATA)
#define DEVICES_MAGIC                                                                              \
    (0x324d4458u + (uint32_t)sizeof(struct dm_devices)) /* another build's are none */

static const struct {
    uint16_t first, last;
    bool of_disk; /* only where there is one */
} ranges[] = {{PORT_CMOS, PORT_CMOS + 1, false}, {PORT_DEBUG, PORT_DEBUG, false},
              {PORT_ATA, PORT_ATA + 7, true},    {PORT_ATA_CONTROL, PORT_ATA_CONTROL, true},
              {PORT_COM1, PORT_COM1 + 7, false}, {PORT_PM1, PORT_PM1_CONTROL + 1, false},
              {PORT_RESET, PORT_RESET, false}};

static long dm_op(struct dm *dm, struct xen_dm_op *op)
{
    return dm->x->t->dm_op(dm->x->t->ctx, dm->cfg.domid, op, sizeof(*op));
}

/* ---- turns ---- */

/* What was answered in the turn before is noted where the next answer does not overwrite it. */
static void answer_note(struct dm_devices *dev)
{
    const struct dm_answer *last = &dev->state[dev->current].last;

    dev->answered[last->vcpu] = *last;
}

static void turn_begin(struct dm *dm)
{
    struct dm_devices *dev = dm->dev;

    dm->s = &dev->state[dev->current ^ 1u];
    *dm->s = dev->state[dev->current];
}

static void turn_end(struct dm *dm)
{
    /* The signal fences keep the compiler from moving what must be before it, or behind: a process that is killed is like a signal. */
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(&dm->dev->current, dm->dev->current ^ 1u, __ATOMIC_RELEASE);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    answer_note(dm->dev);
}

/* ---- the console ring, whose front end we are for the guest ---- */

static void tell_console(struct dm *dm)
{
    struct xen_dm_op op = {.op = XENOLITH_DMOP_send, .u.nr_vcpus.vcpus = dm->cfg.console_port};

    (void)dm_op(dm, &op);
}

/* Bytes that wait for room in the ring. A guest that writes to the ring's page loses output, and nothing else comes of it. */
static uint32_t backlog(struct dm *dm, uint32_t prod)
{
    uint32_t waiting = dm->s->out_end - (prod + dm->s->out_skew);

    if (waiting >= DM_BACKLOG) {
        dm->s->out_skew = dm->s->out_end - prod;
        return 0;
    }
    return waiting;
}

/*
 * Its reader is told when it sleeps, which is when it has taken all; and when it has taken something and there is more, for it may have
 * looked for the last time before that was there.
 */
static void output_flush(struct dm *dm)
{
    uint32_t prod = __atomic_load_n(&dm->ring->out_prod, __ATOMIC_RELAXED);
    uint32_t cons = __atomic_load_n(&dm->ring->out_cons, __ATOMIC_ACQUIRE);
    bool tell = prod == cons || cons != dm->out_seen;

    dm->out_seen = cons;
    for (uint32_t left = backlog(dm, prod); left && prod - cons < sizeof(dm->ring->out); left--) {
        dm->ring->out[prod % sizeof(dm->ring->out)] =
            dm->dev->backlog[(prod + dm->s->out_skew) % DM_BACKLOG];
        prod++;
    }
    __atomic_store_n(&dm->ring->out_prod, prod, __ATOMIC_SEQ_CST);
    if (tell && prod != cons) {
        tell_console(dm);
    }
}

/* In a turn, which puts out a sector at most: so much of the backlog is free before it, and no byte that waits is written over. */
static void output(struct dm *dm, char c)
{
    if (backlog(dm, __atomic_load_n(&dm->ring->out_prod, __ATOMIC_RELAXED)) >=
        DM_BACKLOG - BLOCK_SECTOR) {
        dm->s->out_skew++; /* nobody reads: the oldest goes */
    }
    dm->dev->backlog[dm->s->out_end++ % DM_BACKLOG] = c;
}

static void input_take(struct dm *dm)
{
    uint32_t prod = __atomic_load_n(&dm->ring->in_prod, __ATOMIC_ACQUIRE);
    uint32_t nr = prod - dm->s->in_taken;

    if (nr == 0 || nr > sizeof(dm->ring->in) || !uart_has_room(&dm->s->uart)) {
        return;
    }
    turn_begin(dm);
    while (
        dm->s->in_taken != prod &&
        uart_input(&dm->s->uart, (uint8_t)dm->ring->in[dm->s->in_taken % sizeof(dm->ring->in)])) {
        dm->s->in_taken++;
    }
    turn_end(dm);
    __atomic_store_n(&dm->ring->in_cons, dm->s->in_taken, __ATOMIC_RELEASE);
    tell_console(dm);
}

static uint16_t lines(const struct dm *dm)
{
    return (uint16_t)(uart_line(&dm->s->uart) << IRQ_COM1 |
                      ata_line(&dm->s->ata, &dm->medium) << IRQ_ATA |
                      ((dm->s->pm1_status & dm->s->pm1_enable) != 0) << IRQ_ACPI);
}

static void lines_update(struct dm *dm)
{
    uint16_t now = lines(dm);

    for (uint8_t irq = 0; now != dm->lines; irq++) {
        struct xen_dm_op op = {.op = XEN_DMOP_set_isa_irq_level,
                               .u.set_isa_irq_level = {irq, now >> irq & 1}};

        if ((now ^ dm->lines) >> irq & 1) {
            dm->lines ^= (uint16_t)(1u << irq);
            (void)dm_op(dm, &op);
        }
    }
}

/* All that follows from the state, when it may have changed, or when nobody knows what its last device model came to tell. */
static void tell(struct dm *dm)
{
    output_flush(dm);
    lines_update(dm);
}

/* ---- requests ---- */

static void end(struct dm *dm, uint32_t reason)
{
    struct xen_dm_op op = {.op = XEN_DMOP_remote_shutdown, .u.remote_shutdown.reason = reason};

    (void)dm_op(dm, &op);
}

/* The register of the disk that a port is; false: none. */
static bool ata_port(uint16_t port, enum ata_register *reg)
{
    *reg = port == PORT_ATA_CONTROL ? ATA_CONTROL : (enum ata_register)(port & 7);
    return port == PORT_ATA_CONTROL || (port & 0xfff8) == PORT_ATA;
}

static void port_write(struct dm *dm, uint16_t port, unsigned int bytes, uint32_t value)
{
    enum ata_register reg;
    int c;

    if (ata_port(port, &reg)) {
        ata_write(&dm->s->ata, &dm->medium, reg, bytes, value);
    } else if (port >= PORT_COM1 && port < PORT_COM1 + 8) {
        c = uart_write(&dm->s->uart, port - PORT_COM1, (uint8_t)value);
        if (c >= 0) {
            output(dm, (char)c);
        }
    } else if ((port & 0xfffe) == PORT_CMOS) {
        cmos_write(&dm->s->cmos, port & 1, (uint8_t)value);
    } else if (port == PORT_DEBUG) {
        output(dm, (char)value);
    } else if (port == PORT_PM1) {
        dm->s->pm1_status &= (uint16_t)~value; /* ones clear */
    } else if (port == PORT_PM1 + 2) {
        dm->s->pm1_enable = (uint16_t)(value & PM1_BUTTON);
    } else if (port == PORT_PM1_CONTROL && value & PM1_SLP_EN) {
        end(dm, SHUTDOWN_poweroff);
    } else if (port == PORT_RESET && (value & 6) == 6) {
        end(dm, SHUTDOWN_reboot);
    }
}

static uint64_t port_read(struct dm *dm, uint16_t port, unsigned int bytes)
{
    enum ata_register reg;

    if (ata_port(port, &reg)) {
        return ata_read(&dm->s->ata, &dm->medium, reg, bytes);
    }
    if (port >= PORT_COM1 && port < PORT_COM1 + 8) {
        return uart_read(&dm->s->uart, port - PORT_COM1);
    }
    if ((port & 0xfffe) == PORT_CMOS) {
        return cmos_read(&dm->s->cmos, port & 1, dm->cfg.wall_seconds());
    }
    switch (port) {
    case PORT_DEBUG:
        return PORT_DEBUG;
    case PORT_PM1:
        return dm->s->pm1_status;
    case PORT_PM1 + 2:
        return dm->s->pm1_enable;
    case PORT_PM1_CONTROL:
        return 1; /* SCI_EN: ACPI is on */
    default:
        return UINT64_MAX;
    }
}

/*
 * What INS or OUTS moves at once: elements one after another, at an offset in the page. They are a sector at most, so that one buffer of
 * the disk is changed in a turn.
 */
static void carry_out_string(struct dm *dm, const struct ioreq *r)
{
    uint32_t bytes = MIN(r->size, 4u), value = 0;
    uint8_t *element = (uint8_t *)dm->page + r->data;

    for (uint32_t i = 0; i < r->count; i++, element += bytes) {
        if (r->dir == IOREQ_READ) {
            value = (uint32_t)port_read(dm, (uint16_t)r->addr, bytes);
            memcpy(element, &value, bytes);
        } else {
            memcpy(&value, element, bytes);
            port_write(dm, (uint16_t)r->addr, bytes, value);
        }
    }
}

static uint64_t carry_out(struct dm *dm, const struct ioreq *r)
{
    uint32_t bytes = MIN(r->size, 4u);

    if (r->type != IOREQ_TYPE_PIO) {
        return UINT64_MAX; /* no device of ours is in memory */
    }
    if (r->count > 1) {
        carry_out_string(dm, r);
    } else if (r->dir == IOREQ_READ) {
        return port_read(dm, (uint16_t)r->addr, bytes);
    } else {
        port_write(dm, (uint16_t)r->addr, bytes, (uint32_t)r->data);
    }
    return r->data;
}

/* A request that has been carried out already, by whoever was here before us, is only answered once more. */
static void answer(struct dm_vcpu *v, struct ioreq *slot)
{
    struct dm *dm = v->dm;
    const struct ioreq r = *slot;
    struct dm_answer a = dm->dev->answered[v->id];

    ioreq_state_set(slot, STATE_IOREQ_INPROCESS, r.dir);
    if (!ioreq_number(&r) || ioreq_number(&r) != a.number) {
        turn_begin(dm);
        a = (struct dm_answer){carry_out(dm, &r), v->id, ioreq_number(&r)};
        dm->s->last = a;
        turn_end(dm);
    }
    tell(dm); /* before the vCPU goes on */
    slot->data = a.data;
    ioreq_state_set(slot, STATE_IORESP_READY, r.dir);
    dm->x->t->event_notify(dm->x->t->ctx, v->port);
}

static void event(void *arg)
{
    struct dm_vcpu *v = arg;
    struct dm *dm = v->dm;
    struct ioreq *slot = dm->page->vcpu_ioreq + v->id;

    if (ioreq_state(slot) == STATE_IOREQ_READY) {
        answer(v, slot);
    }
    input_take(dm);
    tell(dm);
}

/* ---- start and end ---- */

static int fail(const struct dm *dm, struct xeno_error *err, const char *what, long rc)
{
    return xeno_fail(err, "device model of domain %u: cannot %s: %s", dm->cfg.domid, what,
                     xeno_errno_text(rc));
}

static long server_create(struct dm *dm)
{
    struct xen_dm_op create = {.op = XEN_DMOP_create_ioreq_server},
                     destroy = {.op = XEN_DMOP_destroy_ioreq_server};
    long rc = dm_op(dm, &create);

    if (rc == -ENOSPC) { /* somebody's before us */
        rc = dm_op(dm, &destroy);
        create = (struct xen_dm_op){.op = XEN_DMOP_create_ioreq_server};
        rc = rc ? rc : dm_op(dm, &create);
    }
    return rc;
}

static void devices_take(struct dm *dm)
{
    struct dm_devices *dev = dm->dev = dm->cfg.devices;
    struct dm_state *s = &dev->state[0];

    if (dev->magic != DEVICES_MAGIC) {
        memset(dev, 0, sizeof(*dev));
        uart_reset(&s->uart);
        cmos_reset(&s->cmos);
        ata_reset(&s->ata);
        s->in_taken = dm->ring->in_cons;
        s->out_skew = 0u - dm->ring->out_prod;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        __atomic_store_n(&dev->magic, DEVICES_MAGIC, __ATOMIC_RELEASE);
    }
    dm->medium = (struct ata_medium){{dm->cfg.disk[0], dm->cfg.disk[1]}, dev->sector};
    dm->s = &dev->state[dev->current];
    answer_note(dev);
}

/* Its pages, and from them what the devices know. */
static int server_map(struct dm *dm, struct xeno_error *err)
{
    const struct xeno_transport *t = dm->x->t;
    struct xen_dm_op op = {.op = XEN_DMOP_nr_vcpus};
    long rc = server_create(dm);

    rc = rc ? rc : dm_op(dm, &op);
    if (rc) {
        return fail(dm, err, "become its server of I/O requests", rc);
    }
    dm->nr_vcpus = MIN(op.u.nr_vcpus.vcpus, DM_MAX_VCPUS);
    dm->page = t->map_resource(t->ctx, dm->cfg.domid, XENMEM_resource_ioreq_server, 0,
                               XENMEM_resource_ioreq_server_frame_ioreq(0));
    dm->ring = dm->page ? t->map_foreign(t->ctx, dm->cfg.domid, &dm->cfg.console_gfn, 1) : NULL;
    if (!dm->ring) {
        return fail(dm, err, "map its requests and its console", -ENOMEM);
    }
    devices_take(dm);
    return 0;
}

static int server_bind(struct dm *dm, struct xeno_error *err)
{
    const struct xeno_transport *t = dm->x->t;
    long rc;

    for (uint32_t i = 0; i < dm->nr_vcpus; i++) {
        dm->vcpu[i] = (struct dm_vcpu){.dm = dm, .id = i};
        rc = t->event_bind(t->ctx, dm->cfg.domid, dm->page->vcpu_ioreq[i].vp_eport, event,
                           &dm->vcpu[i]);
        if (rc < 0) {
            return fail(dm, err, "connect to its vCPUs", rc);
        }
        dm->vcpu[i].port = (uint32_t)rc;
    }
    return 0;
}

static int server_enable(struct dm *dm, struct xeno_error *err)
{
    struct xen_dm_op enable = {.op = XEN_DMOP_set_ioreq_server_state,
                               .u.set_ioreq_server_state.enabled = 1};
    long rc = 0;

    for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(ranges); i++) {
        struct xen_dm_op map = {.op = XEN_DMOP_map_io_range_to_ioreq_server,
                                .u.map_io_range_to_ioreq_server = {
                                    .type = XENOLITH_DMOP_RANGE_STRINGS | XEN_DMOP_IO_RANGE_PORT,
                                    .start = ranges[i].first,
                                    .end = ranges[i].last}};

        rc = ranges[i].of_disk && !dm->cfg.disk[0] && !dm->cfg.disk[1] ? 0 : dm_op(dm, &map);
    }
    rc = rc ? rc : dm_op(dm, &enable);
    return rc ? fail(dm, err, "take its ports", rc) : 0;
}

/* Where the device model before us may have stopped short of telling. */
static void devices_tell(struct dm *dm)
{
    __atomic_store_n(&dm->ring->in_cons, dm->s->in_taken, __ATOMIC_RELEASE);
    tell_console(dm);
    dm->lines = lines(dm) ^ DM_LINES; /* so that all are told */
    tell(dm);
    input_take(dm);
    tell(dm);
}

int dm_start(struct dm *dm, struct xeno *x, const struct dm_config *cfg, struct xeno_error *err)
{
    int rc;

    memset(dm, 0, sizeof(*dm));
    dm->x = x;
    dm->cfg = *cfg;
    rc = server_map(dm, err);
    rc = rc ? rc : server_bind(dm, err);
    if (rc == 0) {
        devices_tell(dm);
        rc = server_enable(dm, err); /* requests come from here on */
    }
    if (rc) {
        dm_stop(dm);
    }
    return rc;
}

void dm_power_button(struct dm *dm)
{
    turn_begin(dm);
    dm->s->pm1_status |= PM1_BUTTON;
    turn_end(dm);
    tell(dm);
}

void dm_stop(struct dm *dm)
{
    const struct xeno_transport *t = dm->x->t;

    for (uint32_t i = 0; i < dm->nr_vcpus; i++) {
        if (dm->vcpu[i].port) {
            t->event_unbind(t->ctx, dm->vcpu[i].port);
        }
    }
    if (dm->ring) {
        t->unmap_foreign(t->ctx, dm->ring, 1);
    }
    if (dm->page) {
        t->unmap_foreign(t->ctx, dm->page, 1);
    }
    dm->nr_vcpus = 0;
    dm->ring = NULL;
    dm->page = NULL;
}
