/* SPDX-License-Identifier: MIT */
/*
 * Physical interrupts as events. An edge or a message is passed on as it comes; a level is masked at the I/O APIC until the
 * domain says that it has dealt with its device (PHYSDEVOP_eoi), so that no device can hold a CPU.
 * Invariant: an attached pirq names a domain whose port names it back; both change under the domain's event lock.
 */
#include "event/pirq.h"

#include <stddef.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "event/event.h"
#include "event/port.h"
#include "mm/page.h"
#include "x86/apic.h"
#include "x86/ipi.h"
#include "x86/msi.h"
#include "x86/percpu.h"
#include "x86/pgtable.h"

enum pirq_kind { PIRQ_NONE, PIRQ_GSI, PIRQ_MSI };

struct pirq {
    uint8_t kind;    /* enum pirq_kind: what it is mapped to */
    bool set_up;     /* GSI: the domain has said what it is like */
    bool level, active_low;
    bool waits_eoi;  /* masked until PHYSDEVOP_eoi */
    struct msi msi;
    struct domain *domain; /* NULL: not attached. Holds no reference: a domain detaches all before it goes */
    uint32_t port;
};
_Static_assert(PIRQ_VECTOR_FIRST + NR_PIRQS <= VEC_UART, "vectors of the hypervisor's own are above");

static struct spinlock lock = SPINLOCK_INIT("pirq", LOCK_PIRQ);
static struct pirq pirqs[NR_PIRQS];    /* lock: lock */
static uint64_t known_functions[1024]; /* lock: lock; a bit a function of segment 0 */

/* Pages with MSI-X tables; mapped once, for good. lock: lock */
static struct {
    uint64_t address;
    volatile uint8_t *va;
} table_pages[32];

static uint32_t target_apic_id(void)
{
    return percpu_of(0)->apic_id;
}

static void mask(const struct pirq *p, bool masked)
{
    if (p->kind == PIRQ_GSI) {
        ioapic_mask_gsi((uint32_t)(p - pirqs), masked);
    } else if (p->kind == PIRQ_MSI) {
        msi_mask(&p->msi, masked);
    }
}

static void route_gsi(uint32_t gsi)
{
    ioapic_set_gsi(gsi, (uint8_t)(PIRQ_VECTOR_FIRST + gsi), target_apic_id(), pirqs[gsi].level, pirqs[gsi].active_low);
}

static struct pirq *lookup(uint32_t pirq)
{
    return pirq < NR_PIRQS && pirqs[pirq].kind != PIRQ_NONE ? &pirqs[pirq] : NULL;
}

int pirq_setup_gsi(uint32_t gsi, bool level, bool active_low)
{
    struct pirq *p;
    int rc = 0;

    if (gsi >= NR_PIRQS || !ioapic_has_gsi(gsi)) {
        return -EINVAL;
    }
    p = &pirqs[gsi];
    spin_lock(&lock);
    if (p->domain) {
        rc = p->level == level && p->active_low == active_low ? -EEXIST : -EBUSY;
    } else {
        p->level = level;
        p->active_low = active_low;
        p->set_up = true;
        if (p->kind == PIRQ_GSI) {
            route_gsi(gsi);
        }
    }
    spin_unlock(&lock);
    return rc;
}

int pirq_map_gsi(uint32_t gsi, uint32_t *pirq)
{
    struct pirq *p;
    int rc = 0;

    if (gsi >= NR_PIRQS || !ioapic_has_gsi(gsi)) {
        return -EINVAL;
    }
    p = &pirqs[gsi];
    spin_lock(&lock);
    if (p->kind == PIRQ_MSI) {
        rc = -EBUSY;
    } else if (p->kind == PIRQ_NONE) {
        p->kind = PIRQ_GSI;
        if (!p->set_up) {
            ioapic_isa_mode(gsi, &p->level, &p->active_low);
        }
        route_gsi(gsi);
    }
    spin_unlock(&lock);
    *pirq = gsi;
    return rc;
}

/* The page that an MSI-X table entry is in, mapped. It must be a device's: never memory that someone has. */
static volatile uint8_t *table_page(uint64_t address)
{
    unsigned int i;

    if (page_of_mfn(mfn_of_maddr(maddr_make(address)))) {
        return NULL;
    }
    for (i = 0; i < ARRAY_SIZE(table_pages); i++) {
        if (!table_pages[i].va) {
            table_pages[i].address = address;
            table_pages[i].va = hv_map_device(address, PAGE_SIZE);
        }
        if (table_pages[i].address == address) {
            return table_pages[i].va;
        }
    }
    return NULL;
}

static int map_msi(uint16_t bdf, bool msix, unsigned int entry, uint32_t *pirq)
{
    uint32_t nr = NR_PIRQS;
    struct msi msi;
    uint64_t table;
    int rc;

    if (!(known_functions[bdf / 64] >> (bdf % 64) & 1)) {
        return -ENODEV;
    }
    while (nr-- > 0 && (pirqs[nr].kind != PIRQ_NONE || ioapic_has_gsi(nr))) {
    }
    if (nr >= NR_PIRQS) {
        return -ENOSPC;
    }
    rc = msi_find(&msi, bdf, msix, entry, &table);
    if (rc) {
        return rc;
    }
    if (table) {
        volatile uint8_t *page = table_page(ALIGN_DOWN(table, PAGE_SIZE));

        if (!page) {
            return -ENOMEM;
        }
        msi.entry = (volatile uint32_t *)(volatile void *)(page + table % PAGE_SIZE);
    }
    pirqs[nr] = (struct pirq){.kind = PIRQ_MSI, .msi = msi};
    msi_mask(&msi, true);
    msi_set_target(&msi, (uint8_t)(PIRQ_VECTOR_FIRST + nr), target_apic_id());
    *pirq = nr;
    return 0;
}

int pirq_map_msi(uint16_t bdf, bool msix, unsigned int entry, uint32_t *pirq)
{
    int rc;

    spin_lock(&lock);
    rc = map_msi(bdf, msix, entry, pirq);
    spin_unlock(&lock);
    return rc;
}

int pirq_unmap(uint32_t pirq)
{
    struct pirq *p;
    int rc;

    spin_lock(&lock);
    p = lookup(pirq);
    rc = !p ? -EINVAL : p->domain ? -EBUSY : 0;
    if (rc == 0) {
        mask(p, true);
        *p = (struct pirq){.kind = PIRQ_NONE};
    }
    spin_unlock(&lock);
    return rc;
}

int pirq_eoi(uint32_t pirq)
{
    struct pirq *p;

    spin_lock(&lock);
    p = lookup(pirq);
    if (p && p->waits_eoi && p->domain) {
        p->waits_eoi = false;
        mask(p, false);
    }
    spin_unlock(&lock);
    return p ? 0 : -EINVAL;
}

int pirq_needs_eoi(uint32_t pirq, bool *needs)
{
    struct pirq *p;

    spin_lock(&lock);
    p = lookup(pirq);
    *needs = p && p->level;
    spin_unlock(&lock);
    return p ? 0 : -EINVAL;
}

void pirq_device_known(uint16_t bdf, bool known)
{
    uint64_t bit = UINT64_C(1) << (bdf % 64);

    spin_lock(&lock);
    known_functions[bdf / 64] = (known_functions[bdf / 64] & ~bit) | (known ? bit : 0);
    spin_unlock(&lock);
}

int pirq_attach(uint32_t pirq, struct domain *d, uint32_t port)
{
    struct pirq *p;
    int rc;

    spin_lock(&lock);
    p = lookup(pirq);
    rc = !p ? -EINVAL : p->domain ? -EEXIST : p->kind == PIRQ_GSI && ioapic_gsi_is_own(pirq) ? -EBUSY : 0;
    if (rc == 0) {
        p->domain = d;
        p->port = port;
        p->waits_eoi = false;
        mask(p, false);
    }
    spin_unlock(&lock);
    return rc;
}

void pirq_detach(uint32_t pirq)
{
    struct pirq *p;

    spin_lock(&lock);
    p = lookup(pirq);
    if (p && p->domain) {
        mask(p, true);
        p->domain = NULL;
    }
    spin_unlock(&lock);
}

void pirq_interrupt(uint32_t vector)
{
    struct pirq *p = &pirqs[vector - PIRQ_VECTOR_FIRST];
    struct domain *d;
    uint32_t port;

    spin_lock(&lock);
    d = p->domain ? domain_get(p->domain) : NULL;
    port = p->port;
    if (!d || p->level) {
        mask(p, true);
        p->waits_eoi = d != NULL;
    }
    spin_unlock(&lock);
    if (d) {
        const struct evtchn_port *entry;

        spin_lock(&d->event_lock);
        entry = port_lookup(d->evtchn, port);
        if (entry && entry->state == PORT_PIRQ && entry->pirq == vector - PIRQ_VECTOR_FIRST) {
            port_notify(d, port, entry);
        }
        spin_unlock(&d->event_lock);
        domain_put(d);
    }
}
