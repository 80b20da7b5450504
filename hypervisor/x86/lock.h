/* SPDX-License-Identifier: MIT */
/*
 * Spin locks with levels. The hypervisor runs with interrupts off, so a lock needs no irq variants. One order holds
 * everywhere: a CPU takes locks in rising level only; debug builds check it and panic with both lock names.
 * While a CPU spins it serves cross-CPU requests (ipi_poll), so waiting for an acknowledgement under a lock cannot
 * deadlock. The order is explained in docs/locking.md.
 */
#ifndef X86_LOCK_H
#define X86_LOCK_H

#include <stdint.h>

enum lock_level {
    LOCK_DOMAIN_TABLE = 1, /* list of domains */
    LOCK_DOMCTL,           /* one control operation on a domain */
    LOCK_FULL,             /* full_domain.lock: guest-physical map, emulated devices */
    LOCK_GRANT,            /* grant_table.lock */
    LOCK_MM,               /* mm_owner.lock: page-table types of one domain */
    LOCK_EVENT,      /* event channels of one domain; two domains: lower domid first, see event/ */
    LOCK_EVENT_PEER, /* the second of a pair */
    LOCK_PIRQ,       /* physical interrupts */
    LOCK_PAGES,      /* mm_owner page list and limits */
    LOCK_HEAP,       /* frame allocator and hv_alloc */
    LOCK_SCHED,      /* the run queue */
    LOCK_TIMER,
    LOCK_CONSOLE,
    LOCK_LEVELS
};

struct spinlock {
    uint32_t owner_ticket;
    uint32_t next_ticket;
    const char *name;
    uint8_t level;      /* const after init */
    uint8_t held_level; /* the level it was taken at; written by the holder */
};

#define SPINLOCK_INIT(lock_name, lock_level)                                                       \
    {                                                                                              \
        0, 0, lock_name, lock_level, 0                                                             \
    }

void spin_init(struct spinlock *lock, const char *name, enum lock_level level);
void spin_lock(struct spinlock *lock);
/* The second lock of a pair of one kind, taken in the pair's documented order, at the peer level. */
void spin_lock_at(struct spinlock *lock, enum lock_level level);
void spin_unlock(struct spinlock *lock);

#endif
