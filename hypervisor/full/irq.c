/* SPDX-License-Identifier: MIT */
/*
 * Interrupts of fully virtualized domains: the 8259As, the 8254 and the local APICs wired together, to software timers and to
 * the engine that injects. Locks: the domain's (LOCK_FULL) over all device state. Timers fire at most every TICK_MIN_NS,
 * whatever a guest sets them to, and are never cancelled under the lock, for their callbacks take it.
 */
#include "full/full.h"
#include "sched/sched.h"
#include "x86/ipi.h"
#include "x86/percpu.h"
#include "x86/time.h"

#define TICK_MIN_NS        20000u
#define ICR_MODE(low)      ((low) >> 8 & 7)
#define ICR_LOGICAL        (1u << 11)
#define ICR_LEVEL          (1u << 14)
#define ICR_SHORTHAND(low) ((low) >> 18 & 3)
#define IRQ_TIMER          0u

void full_notify(struct vcpu *v)
{
    sched_wake(v, VPF_BLOCKED);
    if (READ_ONCE(v->running) && v != current_vcpu()) {
        ipi_kick(READ_ONCE(v->processor));
    }
}

static uint64_t not_too_soon(uint64_t deadline, uint64_t now)
{
    return MAX(deadline, now + TICK_MIN_NS);
}

/* ---- 8259A and 8254 ---- */

/* The 8259As' output goes to vCPU 0. */
static void pic_changed(struct full_domain *fd)
{
    if (fd->d->vcpu[0] && pic_pending(&fd->pic)) {
        full_notify(fd->d->vcpu[0]);
    }
}

void full_set_line(struct full_domain *fd, unsigned int irq, bool up)
{
    pic_set_line(&fd->pic, irq, up);
    pic_changed(fd);
}

void full_pit_changed(struct full_domain *fd)
{
    uint64_t now = now_ns(), next = pit_next_edge(&fd->pit, now);

    full_set_line(fd, IRQ_TIMER, pit_output(&fd->pit, 0, now));
    if (next != PIT_NEVER) {
        timer_arm(&fd->pit_timer, not_too_soon(next, now));
    }
}

static void pit_expired(void *arg)
{
    struct full_domain *fd = arg;

    spin_lock(&fd->lock);
    if (!fd->map_closed) {
        full_set_line(fd, IRQ_TIMER, false); /* the edge: modes 2 and 3 have been low in between */
        full_set_line(fd, IRQ_TIMER, true);
        full_pit_changed(fd);
    }
    spin_unlock(&fd->lock);
}

/* ---- local APICs ---- */

/* An interval may be over before it could be armed: the guest has its interrupt then. */
static void lapic_timer_changed(struct full_vcpu *fv)
{
    uint64_t now = now_ns(), next = lapic_timer_next(&fv->lapic, now);

    if (lapic_timer_tick(&fv->lapic, now)) {
        full_notify(fv->v);
    }
    if (next != LAPIC_NEVER) {
        timer_arm(&fv->lapic_timer, not_too_soon(next, now));
    }
}

static void lapic_expired(void *arg)
{
    struct full_vcpu *fv = arg;
    struct full_domain *fd = fv->v->domain->full;

    spin_lock(&fd->lock);
    if (!fd->map_closed) {
        lapic_timer_changed(fv);
    }
    spin_unlock(&fd->lock);
}

static void send_to(struct vcpu *to, uint32_t low)
{
    switch (ICR_MODE(low)) {
    case LAPIC_MODE_FIXED:
    case LAPIC_MODE_LOWEST:
        lapic_request(&to->full->lapic, (uint8_t)low);
        full_notify(to);
        break;
    case LAPIC_MODE_INIT:
        if (to->id != 0 && (low & ICR_LEVEL) && to != current_vcpu()) {
            sched_sleep_nosync(to, VPF_DOWN);
        }
        break;
    case LAPIC_MODE_STARTUP:
        /* One that is not quite off its CPU yet misses this; systems send the start-up interrupt twice for such. */
        if (READ_ONCE(to->pause_flags) & VPF_DOWN && !READ_ONCE(to->running)) {
            full_start_ap(to, (uint8_t)low);
        }
        break;
    default: /* SMI, NMI: nobody here answers them */
        break;
    }
}

/* Sent to oneself by shorthand, to all, to the others, or to whom the destination names. */
static bool is_receiver(const struct vcpu *from, const struct vcpu *to)
{
    const struct lapic *l = &from->full->lapic;

    switch (ICR_SHORTHAND(l->icr_low)) {
    case 1:
        return to == from;
    case 2:
        return true;
    case 3:
        return to != from;
    default:
        return lapic_is_meant(&to->full->lapic, (uint8_t)(l->icr_high >> 24),
                              l->icr_low & ICR_LOGICAL);
    }
}

static void send(struct vcpu *from)
{
    uint32_t low = from->full->lapic.icr_low;
    struct vcpu *to;
    unsigned int i;

    for_each_vcpu (from->domain, to, i) {
        if (is_receiver(from, to)) {
            send_to(to, low);
            if (ICR_MODE(low) == LAPIC_MODE_LOWEST) {
                return; /* any one of them will do */
            }
        }
    }
}

void full_lapic_access(struct vcpu *v, uint32_t offset, bool write, uint32_t *value)
{
    struct full_domain *fd = v->domain->full;
    struct full_vcpu *fv = v->full;
    enum lapic_effect effect = LAPIC_EFFECT_NONE;

    spin_lock(&fd->lock);
    if (!write) {
        *value = lapic_read(&fv->lapic, offset, now_ns());
    } else {
        effect = lapic_write(&fv->lapic, offset, *value, now_ns());
    }
    if (effect == LAPIC_EFFECT_SEND) {
        send(v);
    } else if (effect == LAPIC_EFFECT_TIMER) {
        lapic_timer_changed(fv);
    }
    spin_unlock(&fd->lock);
}

void full_set_tpr(struct vcpu *v, uint8_t cr8)
{
    struct full_domain *fd = v->domain->full;

    if (v->full->lapic.tpr >> 4 != cr8) {
        spin_lock(&fd->lock);
        v->full->lapic.tpr = (uint8_t)(cr8 << 4);
        spin_unlock(&fd->lock);
    }
}

/* ---- to the CPU ---- */

/* The vector to take now, -1; with `take` it is taken. Lock held. */
static int next_vector(struct vcpu *v, bool take)
{
    struct full_domain *fd = v->domain->full;
    struct lapic *l = &v->full->lapic;
    int vector;

    if (v->id == 0 && pic_pending(&fd->pic) && lapic_takes_pic(l)) {
        return take ? pic_acknowledge(&fd->pic) : 0;
    }
    vector = lapic_pending(l);
    if (vector >= 0 && take) {
        lapic_accept(l, (uint8_t)vector);
    }
    return vector;
}

void full_irq_deliver(struct vcpu *v)
{
    struct full_domain *fd = v->domain->full;
    int vector;

    spin_lock(&fd->lock);
    vector = next_vector(v, false);
    if (vector >= 0) {
        if (fd->engine->irq_ready(v)) {
            fd->engine->inject(v, (uint8_t)next_vector(v, true));
            COUNT(v, exit, XENOLITH_EXIT_INJECTED);
        }
        if (next_vector(v, false) >= 0) {
            fd->engine->irq_window(v);
        }
    }
    spin_unlock(&fd->lock);
}

bool full_irq_waits(struct vcpu *v)
{
    struct full_domain *fd = v->domain->full;
    bool waits;

    spin_lock(&fd->lock);
    waits = next_vector(v, false) >= 0;
    spin_unlock(&fd->lock);
    return waits;
}

void full_irq_init(struct full_vcpu *fv)
{
    struct full_domain *fd = fv->v->domain->full;

    if (fv->v->id == 0) {
        pic_reset(&fd->pic);
        pit_reset(&fd->pit);
        timer_setup(&fd->pit_timer, pit_expired, fd);
    }
    lapic_reset(&fv->lapic, fv->v->id);
    if (fv->v->id == 0) { /* as firmware leaves it: the 8259As are connected through LINT0 */
        fv->lapic.lvt[LVT_LINT0] = LAPIC_MODE_EXTINT << 8;
    }
    timer_setup(&fv->lapic_timer, lapic_expired, fv);
}

/* No callback runs any more when this returns: map_closed keeps those that do from arming again. */
void full_timers_stop(struct full_domain *fd)
{
    struct vcpu *v;
    unsigned int i;

    if (!fd->d->vcpu[0]) {
        return; /* none has been set up */
    }
    timer_cancel(&fd->pit_timer);
    for_each_vcpu (fd->d, v, i) {
        timer_cancel(&v->full->lapic_timer);
    }
}
