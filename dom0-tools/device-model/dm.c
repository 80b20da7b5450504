/* SPDX-License-Identifier: MIT */
/*
 * Requests and the console, see dm.h. A slot's fields are copied before they are used; the hypervisor fills them, a guest's port,
 * size and data are in them. Invariant: a slot is ours from READY to the answer.
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
#define DEVICES_MAGIC    0x314d4458u

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

/* ---- the console ring, whose front end we are for the guest ---- */

static void tell_console(struct dm *dm)
{
    struct xen_dm_op op = {.op = XENOLITH_DMOP_send, .u.nr_vcpus.vcpus = dm->cfg.console_port};

    (void)dm_op(dm, &op);
}

/*
 * Its reader is told when it sleeps, which is when it has taken all; and when it has taken something and there is more, for it may have
 * looked for the last time before that was there.
 */
static void output_flush(struct dm *dm)
{
    struct dm_devices *dev = dm->dev;
    uint32_t prod = __atomic_load_n(&dm->ring->out_prod, __ATOMIC_RELAXED);
    uint32_t cons = __atomic_load_n(&dm->ring->out_cons, __ATOMIC_ACQUIRE);
    bool tell = prod == cons || cons != dm->out_seen;

    dm->out_seen = cons;
    while (dev->backlog_out != dev->backlog_in && prod - cons < sizeof(dm->ring->out)) {
        dm->ring->out[prod++ % sizeof(dm->ring->out)] =
            dev->backlog[dev->backlog_out++ % DM_BACKLOG];
    }
    __atomic_store_n(&dm->ring->out_prod, prod, __ATOMIC_SEQ_CST);
    if (tell && prod != cons) {
        tell_console(dm);
    }
}

static void output(struct dm *dm, char c)
{
    if (dm->dev->backlog_in - dm->dev->backlog_out == DM_BACKLOG) {
        dm->dev->backlog_out++; /* nobody reads: the oldest goes */
    }
    dm->dev->backlog[dm->dev->backlog_in++ % DM_BACKLOG] = c;
    output_flush(dm);
}

static void input_take(struct dm *dm)
{
    uint32_t cons = __atomic_load_n(&dm->ring->in_cons, __ATOMIC_RELAXED);
    uint32_t prod = __atomic_load_n(&dm->ring->in_prod, __ATOMIC_ACQUIRE);
    bool took = false;

    while (cons != prod && prod - cons <= sizeof(dm->ring->in) &&
           uart_input(&dm->dev->uart, (uint8_t)dm->ring->in[cons % sizeof(dm->ring->in)])) {
        cons++;
        took = true;
    }
    if (took) {
        __atomic_store_n(&dm->ring->in_cons, cons, __ATOMIC_RELEASE);
        tell_console(dm);
    }
}

static void line_set(struct dm *dm, uint8_t irq, bool level)
{
    struct xen_dm_op op = {.op = XEN_DMOP_set_isa_irq_level, .u.set_isa_irq_level = {irq, level}};

    if (level != (dm->lines >> irq & 1)) {
        dm->lines ^= (uint16_t)(1u << irq);
        (void)dm_op(dm, &op);
    }
}

static void lines_update(struct dm *dm)
{
    line_set(dm, IRQ_COM1, uart_line(&dm->dev->uart));
    line_set(dm, IRQ_ATA, ata_line(&dm->dev->ata));
    line_set(dm, IRQ_ACPI, dm->dev->pm1_status & dm->dev->pm1_enable);
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
        ata_write(&dm->dev->ata, reg, bytes, value);
    } else if (port >= PORT_COM1 && port < PORT_COM1 + 8) {
        c = uart_write(&dm->dev->uart, port - PORT_COM1, (uint8_t)value);
        if (c >= 0) {
            output(dm, (char)c);
        }
    } else if ((port & 0xfffe) == PORT_CMOS) {
        cmos_write(&dm->dev->cmos, port & 1, (uint8_t)value);
    } else if (port == PORT_DEBUG) {
        output(dm, (char)value);
    } else if (port == PORT_PM1) {
        dm->dev->pm1_status &= (uint16_t)~value; /* ones clear */
    } else if (port == PORT_PM1 + 2) {
        dm->dev->pm1_enable = (uint16_t)(value & PM1_BUTTON);
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
        return ata_read(&dm->dev->ata, reg, bytes);
    }
    if (port >= PORT_COM1 && port < PORT_COM1 + 8) {
        return uart_read(&dm->dev->uart, port - PORT_COM1);
    }
    if ((port & 0xfffe) == PORT_CMOS) {
        return cmos_read(&dm->dev->cmos, port & 1, dm->cfg.wall_seconds());
    }
    switch (port) {
    case PORT_DEBUG:
        return PORT_DEBUG;
    case PORT_PM1:
        return dm->dev->pm1_status;
    case PORT_PM1 + 2:
        return dm->dev->pm1_enable;
    case PORT_PM1_CONTROL:
        return 1; /* SCI_EN: ACPI is on */
    default:
        return UINT64_MAX;
    }
}

/* What INS or OUTS moves at once: elements one after another, at an offset in the page. */
static void answer_string(struct dm *dm, const struct ioreq *slot)
{
    uint32_t bytes = slot->size, at = (uint32_t)slot->data, value = 0;

    for (uint32_t i = 0; i < slot->count; i++, at += bytes) {
        uint8_t *element = (uint8_t *)dm->page + at;

        if (slot->dir == IOREQ_READ) {
            value = (uint32_t)port_read(dm, (uint16_t)slot->addr, bytes);
            memcpy(element, &value, bytes);
        } else {
            memcpy(&value, element, bytes);
            port_write(dm, (uint16_t)slot->addr, bytes, value);
        }
    }
}

static void answer(struct dm_vcpu *v, struct ioreq *slot)
{
    struct dm *dm = v->dm;
    uint64_t addr = slot->addr, data = slot->data;
    uint32_t bytes = MIN(slot->size, 4u);
    uint8_t type = slot->type;
    bool read = slot->dir == IOREQ_READ;

    ioreq_state_set(slot, STATE_IOREQ_INPROCESS, read);
    if (slot->count > 1) {
        answer_string(dm, slot);
    } else if (type == IOREQ_TYPE_PIO && read) {
        slot->data = port_read(dm, (uint16_t)addr, bytes);
    } else if (type == IOREQ_TYPE_PIO) {
        port_write(dm, (uint16_t)addr, bytes, (uint32_t)data);
    } else {
        slot->data = UINT64_MAX; /* no device of ours is in memory */
    }
    ioreq_state_set(slot, STATE_IORESP_READY, read);
}

static void event(void *arg)
{
    struct dm_vcpu *v = arg;
    struct dm *dm = v->dm;
    struct ioreq *slot = dm->page->vcpu_ioreq + v->id;
    bool asked = ioreq_state(slot) == STATE_IOREQ_READY;

    if (asked) {
        answer(v, slot);
    }
    input_take(dm);
    output_flush(dm);
    lines_update(dm); /* before the vCPU goes on */
    if (asked) {
        dm->x->t->event_notify(dm->x->t->ctx, v->port);
    }
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

static int server_prepare(struct dm *dm, struct xeno_error *err)
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

        rc = ranges[i].of_disk && !dm->cfg.disk ? 0 : dm_op(dm, &map);
    }
    rc = rc ? rc : dm_op(dm, &enable);
    return rc ? fail(dm, err, "take its ports", rc) : 0;
}

static void devices_take(struct dm *dm)
{
    struct dm_devices *dev = dm->dev = dm->cfg.devices;

    if (dev->magic != DEVICES_MAGIC) {
        memset(dev, 0, sizeof(*dev));
        uart_reset(&dev->uart);
        cmos_reset(&dev->cmos);
        ata_reset(&dev->ata, dm->cfg.disk);
        dev->magic = DEVICES_MAGIC;
    }
    dev->ata.disk = dm->cfg.disk;
    dm->lines =
        1u << IRQ_COM1 | 1u << IRQ_ACPI | 1u << IRQ_ATA; /* whatever they were: all are told anew */
}

int dm_start(struct dm *dm, struct xeno *x, const struct dm_config *cfg, struct xeno_error *err)
{
    long rc;

    memset(dm, 0, sizeof(*dm));
    dm->x = x;
    dm->cfg = *cfg;
    devices_take(dm);
    /* Nothing may be asked while there is nobody to answer: the domain stands still. */
    rc = xeno_domain_pause(x, cfg->domid);
    if (rc) {
        return fail(dm, err, "pause it", rc);
    }
    rc = server_prepare(dm, err);
    if (rc == 0) {
        lines_update(dm);
        rc = server_enable(dm, err);
    }
    if (rc) {
        dm_stop(dm);
    }
    xeno_domain_unpause(x, cfg->domid);
    return (int)rc;
}

void dm_power_button(struct dm *dm)
{
    dm->dev->pm1_status |= PM1_BUTTON;
    lines_update(dm);
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
