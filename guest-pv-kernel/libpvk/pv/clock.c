/* SPDX-License-Identifier: MIT */
/*
 * The PV clock. The hypervisor publishes, a CPU, a pair (time stamp counter, system time) and the counter's rate; system time is
 * extrapolated from it without a hypercall. The interrupt is VIRQ_TIMER, raised by the CPU's single-shot timer.
 * Invariant: `version` is odd while the hypervisor writes; a reader that saw it change reads again.
 */
#include "pvk/clock.h"

#include "libpvk/core/backend.h"
#include "libpvk/core/cpu.h"
#include "libpvk/core/sched.h"
#include "libpvk/pv/events.h"
#include "pvk/pv/events.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/start_info.h"
#include "pvk/traps.h"

/* ns = (ticks scaled by 2^shift) * mul / 2^32, by the definition of struct vcpu_time_info. */
static uint64_t ticks_to_ns(uint64_t ticks, uint32_t mul, int8_t shift)
{
    if (shift >= 0) {
        ticks <<= shift;
    } else {
        ticks >>= -shift;
    }
    return (uint64_t)(((unsigned __int128)ticks * mul) >> 32);
}

uint64_t clock_ns(void)
{
    irq_state was = irq_save(); /* stay on the CPU whose values are read */
    const struct vcpu_time_info *t = &((struct vcpu_info *)this_cpu()->vcpu_info)->time;
    uint32_t version;
    uint64_t ns;

    do {
        version = __atomic_load_n(&t->version, __ATOMIC_ACQUIRE);
        ns = READ_ONCE(t->system_time) +
             ticks_to_ns(__builtin_ia32_rdtsc() - READ_ONCE(t->tsc_timestamp),
                         READ_ONCE(t->tsc_to_system_mul), READ_ONCE(t->tsc_shift));
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while ((version & 1) != 0 || version != READ_ONCE(t->version));
    irq_restore(was);
    return ns;
}

uint64_t clock_wall_ns(void)
{
    const struct shared_info *s = &shared_page.info;
    uint32_t version;
    uint64_t base;

    do {
        version = __atomic_load_n(&s->wc_version, __ATOMIC_ACQUIRE);
        base = (((uint64_t)READ_ONCE(s->wc_sec_hi) << 32) + READ_ONCE(s->wc_sec)) * NS_PER_S +
               READ_ONCE(s->wc_nsec);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while ((version & 1) != 0 || version != READ_ONCE(s->wc_version));
    return base + clock_ns();
}

void backend_timer_set(uint64_t deadline_ns)
{
    struct vcpu_set_singleshot_timer op = {.timeout_abs_ns = deadline_ns};
    unsigned cpu = this_cpu()->id;
    long rc = deadline_ns == 0 ? hc_vcpu_op(VCPUOP_stop_singleshot_timer, cpu, NULL)
                               : hc_vcpu_op(VCPUOP_set_singleshot_timer, cpu, &op);

    ASSERT(rc == 0);
}

static void timer_interrupt(uint32_t port, void *arg)
{
    (void)port;
    (void)arg;
    timers_run();
}

void clock_init_cpu(unsigned cpu)
{
    long port;

    /* A CPU starts with a periodic tick, which nothing here needs. */
    hc_vcpu_op(VCPUOP_stop_periodic_timer, cpu, NULL);
    port = event_bind_virq(VIRQ_TIMER, cpu, timer_interrupt, NULL);
    ASSERT(port > 0);
}
