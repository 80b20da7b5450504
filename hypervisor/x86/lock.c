/* SPDX-License-Identifier: MIT */
/*
 * Ticket locks: fair, and a waiting CPU serves cross-CPU requests, so that a holder may wait for its acknowledgement.
 * Invariant (checked in debug builds): a CPU takes locks in rising level and gives them back in any order.
 */
#include "x86/lock.h"

#include "common/compiler.h"
#include "debug/panic.h"
#include "x86/cpu.h"
#include "x86/ipi.h"
#include "x86/percpu.h"

#ifdef XENO_DEBUG
#define CHECK_LEVELS true
#else
#define CHECK_LEVELS false
#endif

void spin_init(struct spinlock *lock, const char *name, enum lock_level level)
{
    *lock = (struct spinlock)SPINLOCK_INIT(name, (uint8_t)level);
}

/* Before waiting: a lock that is out of order may already be the deadlock. */
static void level_check(const struct spinlock *lock, uint8_t level)
{
    uint64_t held = CHECK_LEVELS ? this_cpu()->lock_levels : 0;

    if (unlikely(held >> level)) {
        panic("lock order: '%s' (level %u) wanted while levels %lx are held", lock->name, level,
              held);
    }
}

static void level_enter(struct spinlock *lock, uint8_t level)
{
    if (CHECK_LEVELS) {
        lock->held_level = level;
        this_cpu()->lock_levels |= 1ul << level;
    }
}

static void level_leave(const struct spinlock *lock)
{
    if (CHECK_LEVELS) {
        this_cpu()->lock_levels &= ~(1ul << lock->held_level);
    }
}

static bool is_turn_of(const struct spinlock *lock, uint32_t ticket)
{
    return __atomic_load_n(&lock->owner_ticket, __ATOMIC_ACQUIRE) == ticket;
}

/* Out of line, so that a free lock costs no saved registers. */
static __cold_fn __attribute__((noinline)) void wait_for_turn(const struct spinlock *lock, uint32_t ticket)
{
    while (!is_turn_of(lock, ticket)) {
        ipi_poll();
        cpu_relax();
    }
}

void spin_lock_at(struct spinlock *lock, enum lock_level level)
{
    uint32_t mine;

    level_check(lock, (uint8_t)level);
    mine = __atomic_fetch_add(&lock->next_ticket, 1, __ATOMIC_RELAXED);
    if (unlikely(!is_turn_of(lock, mine))) {
        wait_for_turn(lock, mine);
    }
    level_enter(lock, (uint8_t)level);
}

void spin_lock(struct spinlock *lock)
{
    spin_lock_at(lock, lock->level);
}

void spin_unlock(struct spinlock *lock)
{
    level_leave(lock);
    __atomic_store_n(&lock->owner_ticket, lock->owner_ticket + 1, __ATOMIC_RELEASE);
}
