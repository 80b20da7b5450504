/* SPDX-License-Identifier: MIT */
/*
 * physdev_op: I/O privilege for every domain, physical interrupts for the one that has the hardware. Decodes each
 * sub-operation's structure from one private copy; event/pirq.c does the work. Sub-operations are a table.
 */
#include <xen/physdev.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "domain/privilege.h"
#include "event/pirq.h"
#include "hypercall/hypercall.h"
#include "mm/guest_copy.h"
#include "x86/percpu.h"

union physdev_arg {
    struct physdev_set_iopl set_iopl;
    struct physdev_set_iobitmap set_iobitmap;
    struct physdev_eoi eoi;
    struct physdev_irq_status_query irq_status_query;
    struct physdev_irq alloc_irq_vector;
    struct physdev_map_pirq map_pirq;
    struct physdev_unmap_pirq unmap_pirq;
    struct physdev_setup_gsi setup_gsi;
    struct physdev_pci_device_add pci_device_add;
    struct physdev_pci_device pci_device_remove;
};

struct physdev_row {
    int (*run)(union physdev_arg *a);
    uint8_t size;
    bool reply;
    bool anyone; /* also domains without hardware */
};

static int op_set_iopl(union physdev_arg *a)
{
    if (a->set_iopl.iopl > 3) {
        return -EINVAL;
    }
    current_vcpu()->pv.iopl = (uint8_t)a->set_iopl.iopl;
    return 0;
}

/* The bitmap is read again at each access, where it may be anything, or not be there. */
static int op_set_iobitmap(union physdev_arg *a)
{
    struct pv_vcpu *pv = &current_vcpu()->pv;

    if (a->set_iobitmap.nr_ports > 65536) {
        return -EINVAL;
    }
    pv->iobitmap = gva_make((uint64_t)a->set_iobitmap.bitmap.p);
    pv->iobitmap_ports = a->set_iobitmap.nr_ports;
    return 0;
}

static int op_eoi(union physdev_arg *a)
{
    return pirq_eoi(a->eoi.irq);
}

static int op_irq_status_query(union physdev_arg *a)
{
    bool needs;
    int rc = pirq_needs_eoi(a->irq_status_query.irq, &needs);

    a->irq_status_query.flags = needs ? XENIRQSTAT_needs_eoi : 0;
    return rc;
}

/* Vectors are fixed: there is one for each interrupt that is mapped. */
static int op_alloc_irq_vector(union physdev_arg *a)
{
    bool needs;

    a->alloc_irq_vector.vector = PIRQ_VECTOR_FIRST + a->alloc_irq_vector.irq;
    return pirq_needs_eoi(a->alloc_irq_vector.irq, &needs);
}

static int op_map_pirq(union physdev_arg *a)
{
    struct physdev_map_pirq *m = &a->map_pirq;
    uint32_t pirq;
    int rc;

    if (m->domid != DOMID_SELF && m->domid != current_domain()->id) {
        return -EPERM;
    }
    switch (m->type) {
    case MAP_PIRQ_TYPE_GSI:
        rc = m->index < 0 ? -EINVAL : pirq_map_gsi((uint32_t)m->index, &pirq);
        break;
    case MAP_PIRQ_TYPE_MSI:
    case MAP_PIRQ_TYPE_MSI_SEG:
        if (m->bus < 0 || m->bus > 0xff || m->devfn < 0 || m->devfn > 0xff || m->entry_nr < 0) {
            return -EINVAL; /* segment 0 only */
        }
        rc = pirq_map_msi((uint16_t)(m->bus << 8 | m->devfn), m->table_base != 0, (unsigned int)m->entry_nr, &pirq);
        break;
    default:
        return -EINVAL;
    }
    if (rc == 0) {
        m->pirq = (int)pirq;
    }
    return rc;
}

static int op_unmap_pirq(union physdev_arg *a)
{
    if (a->unmap_pirq.domid != DOMID_SELF && a->unmap_pirq.domid != current_domain()->id) {
        return -EPERM;
    }
    return a->unmap_pirq.pirq < 0 ? -EINVAL : pirq_unmap((uint32_t)a->unmap_pirq.pirq);
}

static int op_setup_gsi(union physdev_arg *a)
{
    return a->setup_gsi.gsi < 0
               ? -EINVAL
               : pirq_setup_gsi((uint32_t)a->setup_gsi.gsi, a->setup_gsi.triggering, a->setup_gsi.polarity);
}

static int op_pci_device_add(union physdev_arg *a)
{
    if (a->pci_device_add.seg != 0) {
        return -ENODEV;
    }
    pirq_device_known((uint16_t)(a->pci_device_add.bus << 8 | a->pci_device_add.devfn), true);
    return 0;
}

static int op_pci_device_remove(union physdev_arg *a)
{
    if (a->pci_device_remove.seg != 0) {
        return -ENODEV;
    }
    pirq_device_known((uint16_t)(a->pci_device_remove.bus << 8 | a->pci_device_remove.devfn), false);
    return 0;
}

#define ROW(op, type, ...) [PHYSDEVOP_##op] = {op_##op, sizeof(struct type), __VA_ARGS__}

static const struct physdev_row rows[] = {
    ROW(set_iopl, physdev_set_iopl, .anyone = true),
    ROW(set_iobitmap, physdev_set_iobitmap, .anyone = true),
    ROW(eoi, physdev_eoi, .reply = false),
    ROW(irq_status_query, physdev_irq_status_query, .reply = true),
    ROW(alloc_irq_vector, physdev_irq, .reply = true),
    ROW(map_pirq, physdev_map_pirq, .reply = true),
    ROW(unmap_pirq, physdev_unmap_pirq, .reply = false),
    ROW(setup_gsi, physdev_setup_gsi, .reply = false),
    ROW(pci_device_add, physdev_pci_device_add, .reply = false),
    ROW(pci_device_remove, physdev_pci_device, .reply = false),
};

int64_t hc_physdev_op(uint64_t cmd, uint64_t arg)
{
    uint32_t op = (uint32_t)cmd;
    union physdev_arg a;
    int rc;

    if (op >= ARRAY_SIZE(rows) || !rows[op].run) {
        return -ENOSYS;
    }
    if (!rows[op].anyone && !may_hardware(current_domain())) {
        return -EPERM;
    }
    rc = guest_read(&a, gva_make(arg), rows[op].size);
    if (rc) {
        return rc;
    }
    rc = rows[op].run(&a);
    if (rc == 0 && rows[op].reply) {
        rc = guest_write(gva_make(arg), &a, rows[op].size);
    }
    return rc;
}
