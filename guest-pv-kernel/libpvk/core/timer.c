/* SPDX-License-Identifier: MIT */
/*
 * Timers: a list a CPU, sorted by deadline; the back end is told the first one.
 * Invariant: lists are touched by their own CPU only, with interrupts off, so there is no lock.
 */
#include "libpvk/core/cpu.h"
#include "libpvk/core/sched.h"
#include "pvk/clock.h"
#include "pvk/machine.h"

static struct list timers[PVK_MAX_CPUS];

void timers_init_cpu(unsigned cpu)
{
    list_init(&timers[cpu]);
}

static void arm(void)
{
    struct timer *first = list_first(&timers[this_cpu()->id], struct timer, link);

    backend_timer_set(first == NULL ? 0 : first->deadline_ns);
}

void timer_set(struct timer *timer, uint64_t deadline_ns)
{
    irq_state was = irq_save();
    struct list *head = &timers[this_cpu()->id];
    struct timer *other;

    if (timer->active) {
        list_del_init(&timer->link);
    }
    timer->active = true;
    timer->deadline_ns = deadline_ns;
    list_for_each (other, head, link) {
        if (other->deadline_ns > deadline_ns) {
            break;
        }
    }
    list_add_tail(
        &other->link,
        &timer->link); /* in front of `other`, which is the head itself at the end of the list */
    if (head->next == &timer->link) {
        arm();
    }
    irq_restore(was);
}

void timer_cancel(struct timer *timer)
{
    irq_state was = irq_save();

    if (timer->active) {
        timer->active = false;
        list_del_init(&timer->link);
    }
    irq_restore(was);
}

void timers_run(void)
{
    struct list *head = &timers[this_cpu()->id];
    uint64_t now = clock_ns();

    while (!list_empty(head)) {
        struct timer *first = list_first(head, struct timer, link);

        if (first->deadline_ns > now) {
            break;
        }
        first->active = false;
        list_del_init(&first->link);
        first->fn(first);
    }
    arm();
}
