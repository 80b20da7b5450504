/* SPDX-License-Identifier: MIT */
/*
 * Spin locks between CPUs and between a thread and an interrupt handler of its own CPU: taking one switches interrupts off.
 * Invariant: no lock is held across a wait or a return to user mode.
 */
#ifndef PVK_SPINLOCK_H
#define PVK_SPINLOCK_H

#include <stdbool.h>

#include "pvk/machine.h"

struct spinlock {
    bool taken;
};

static inline irq_state spin_lock(struct spinlock *lock)
{
    irq_state was = irq_save();

    while (__atomic_exchange_n(&lock->taken, true, __ATOMIC_ACQUIRE)) {
        __builtin_ia32_pause();
    }
    return was;
}

static inline void spin_unlock(struct spinlock *lock, irq_state was)
{
    __atomic_store_n(&lock->taken, false, __ATOMIC_RELEASE);
    irq_restore(was);
}

#endif
