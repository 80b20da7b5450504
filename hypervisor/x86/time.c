/* SPDX-License-Identifier: MIT */
/*
 * The clock: TSC ticks since boot, scaled. The rate comes from CPUID 0x15, from a hypervisor's leaf 0x40000010, or from PIT
 * channel 2; the timer's from the same interval against the TSC.
 * Invariant: tsc_boot, tsc_khz and the scales are const before a second CPU or a guest runs.
 */
#include "x86/time.h"

#include "common/compiler.h"
#include "debug/console.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/percpu.h"
#include "x86/port.h"

#define PIT_HZ           1193182u
#define PIT_CH2          0x42
#define PIT_MODE         0x43
#define PIT_GATE         0x61 /* bit 0 gate of channel 2, bit 1 speaker, bit 5 its output */
#define PIT_START        0xffffu
#define PIT_POLLS        1000000u /* a poll takes two microseconds or more */
#define PIT_EARLY        0xc000u  /* a stretch begins before the counter is here */
#define MEASURE_MS       10ul
#define MEASURE_RUNS     25
#define RATE_DOUBT       8000u /* one part in that many is good enough: 125 us a second at the worst */
#define TIMER_DOUBT      2000u

#define DEADLINE_MAX_NS  (1ull << 40) /* 18 minutes; no product overflows */

#define RTC_INDEX        0x70
#define RTC_DATA         0x71
#define RTC_POLLS        1000000

#define TSC_CHECK_ROUNDS 500u

struct tsc_scale tsc_scale;
uint64_t tsc_khz;
uint64_t tsc_boot;

static uint64_t wallclock_ns;
static uint64_t timer_khz;
static uint64_t timer_per_ns; /* timer ticks a nanosecond, 32.32 */
static bool use_deadline;

uint64_t ns_of_tsc(uint64_t tsc)
{
    return tsc_scale_apply(&tsc_scale, tsc - tsc_boot);
}

uint64_t now_ns(void)
{
    return ns_of_tsc(rdtsc());
}

void delay_us(uint64_t us)
{
    uint64_t end = rdtsc() + us * tsc_khz / 1000;

    while (rdtsc() < end) {
        cpu_relax();
    }
}

uint64_t wallclock_boot_ns(void)
{
    return __atomic_load_n(&wallclock_ns, __ATOMIC_RELAXED);
}

void wallclock_set_boot_ns(uint64_t ns)
{
    __atomic_store_n(&wallclock_ns, ns, __ATOMIC_RELAXED);
}

void lapic_timer_arm(uint64_t deadline_ns)
{
    uint64_t now = now_ns();
    uint64_t ns = deadline_ns > now ? deadline_ns - now : 0;

    if (use_deadline) {
        uint64_t ticks = MIN(ns, DEADLINE_MAX_NS) * tsc_khz / 1000000;

        wrmsr(MSR_TSC_DEADLINE, deadline_ns == UINT64_MAX ? 0 : rdtsc() + ticks);
        return;
    }
    if (deadline_ns == UINT64_MAX) {
        apic_timer_start(0);
        return;
    }
    /* An interval beyond the counter's range ends early; whoever armed it sees that and arms it again. */
    ns = (uint64_t)(((unsigned __int128)ns * timer_per_ns) >> 32);
    apic_timer_start((uint32_t)MIN(ns + 1, (uint64_t)UINT32_MAX));
}

static uint64_t khz_from_cpuid(void)
{
    struct cpuid_regs r;

    if (cpu_features.hypervisor) {
        r = cpuid(0x40000000, 0);
        /* VMware's and KVM's convention: eax is the TSC rate in kHz. */
        if (r.eax >= 0x40000010 && r.eax < 0x40001000) {
            r = cpuid(0x40000010, 0);
            if (r.eax != 0) {
                return r.eax;
            }
        }
    }
    if (cpu_features.max_leaf >= 0x15) {
        r = cpuid(0x15, 0); /* SDM vol. 2, CPUID: crystal Hz in ecx, ratio ebx/eax */
        if (r.eax != 0 && r.ebx != 0 && r.ecx != 0) {
            return (uint64_t)r.ecx * r.ebx / r.eax / 1000;
        }
    }
    return 0;
}

/* A counter as it was read at some moment between two readings of the TSC. */
struct reading {
    uint64_t before, after;
    uint32_t count;
};

/*
 * From one reading of a counter that counts down to another, in TSC ticks, known up to `doubt`: an emulated machine may stand
 * still for milliseconds between any two instructions, so how long each reading took decides what it is worth.
 */
struct stretch {
    uint64_t ticks, doubt;
    uint32_t counts;
};

static struct stretch stretch_of(const struct reading *a, const struct reading *b)
{
    struct stretch s = {.ticks = (b->before + b->after) / 2 - (a->before + a->after) / 2,
                        .counts = a->count - b->count};

    s.doubt = (a->after - a->before) + (b->after - b->before) + 2 * s.ticks / MAX(s.counts, 1u);
    return s;
}

static bool good_enough(const struct stretch *s, uint64_t doubt)
{
    return s->doubt < s->ticks / doubt;
}

static bool surer(const struct stretch *a, const struct stretch *b)
{
    return a->doubt * b->ticks < b->doubt * a->ticks;
}

/* Channel 2 as its latch command finds it; false once it has run out and counts on from the top. */
static bool pit_read(struct reading *r)
{
    r->before = rdtsc();
    outb(PIT_MODE, 0x80);
    r->after = rdtsc();
    r->count = inb(PIT_CH2);
    r->count |= (uint32_t)inb(PIT_CH2) << 8;
    return !(inb(PIT_GATE) & 0x20);
}

/* Channel 2 counts down once, 55 ms at most: the surest stretch from a reading early in it to a later one, or the one we have. */
static void pit_run(struct stretch *best)
{
    struct reading first = {.after = UINT64_MAX};
    struct reading r;
    uint8_t gate = inb(PIT_GATE);
    uint32_t polls = PIT_POLLS;

    outb(PIT_GATE, (uint8_t)((gate & ~2u) | 1u));
    outb(PIT_MODE, 0xb0); /* channel 2, low and high byte, mode 0 */
    outb(PIT_CH2, PIT_START & 0xff);
    outb(PIT_CH2, PIT_START >> 8); /* starts it */
    while (polls-- && pit_read(&r) && !good_enough(best, RATE_DOUBT)) {
        if (r.count >= PIT_EARLY) {
            first = r.after - r.before < first.after - first.before ? r : first;
        } else if (first.count) {
            struct stretch s = stretch_of(&first, &r);

            *best = surer(&s, best) ? s : *best;
        } else {
            break; /* the machine stood still: the next run */
        }
    }
    outb(PIT_GATE, (uint8_t)(gate & ~3u));
}

static uint64_t khz_from_pit(void)
{
    struct stretch best = {.ticks = 1, .doubt = UINT32_MAX};

    for (int i = 0; i < MEASURE_RUNS && !good_enough(&best, RATE_DOUBT); i++) {
        pit_run(&best);
    }
    return best.counts ? best.ticks * PIT_HZ / best.counts / 1000 : 0;
}

static void timer_measure(void)
{
    struct stretch best = {.ticks = 1, .doubt = UINT32_MAX};

    for (int i = 0; i < MEASURE_RUNS && !good_enough(&best, TIMER_DOUBT); i++) {
        struct reading first = {.before = rdtsc(), .count = UINT32_MAX};
        struct reading last;
        struct stretch s;

        apic_timer_start(UINT32_MAX);
        first.after = rdtsc();
        delay_us(MEASURE_MS * 1000);
        last.before = rdtsc();
        last.count = apic_timer_count();
        last.after = rdtsc();
        s = stretch_of(&first, &last);
        best = surer(&s, &best) ? s : best;
    }
    apic_timer_start(0);
    timer_khz = best.counts * tsc_khz / best.ticks;
    timer_per_ns = (timer_khz << 32) / 1000000;
}

static uint8_t rtc_read(uint8_t reg)
{
    outb(RTC_INDEX, reg);
    return inb(RTC_DATA);
}

static uint32_t rtc_number(uint8_t raw, bool binary)
{
    return binary ? raw : (raw & 15u) + (raw >> 4) * 10u;
}

/* Seconds since 1970 by the CMOS clock (MC146818 data sheet), which is taken to be UTC. */
static uint64_t rtc_seconds(void)
{
    uint8_t first[6];
    static const uint8_t regs[6] = {0, 2, 4, 7, 8, 9};
    bool binary = rtc_read(0x0b) & 4;
    bool hours24 = rtc_read(0x0b) & 2;
    uint32_t hour;
    bool same = false;

    for (int tries = 0; tries < RTC_POLLS && !same; tries++) {
        same = !(rtc_read(0x0a) & 0x80);
        for (unsigned int i = 0; same && i < 6; i++) {
            first[i] = rtc_read(regs[i]);
        }
        for (unsigned int i = 0; same && i < 6; i++) {
            same = rtc_read(regs[i]) == first[i];
        }
    }
    if (!same) {
        return 0;
    }
    hour = rtc_number(first[2] & 0x7f, binary);
    if (!hours24) {
        hour = hour % 12 + ((first[2] & 0x80) ? 12 : 0);
    }
    return seconds_of_date(2000 + rtc_number(first[5], binary), rtc_number(first[4], binary),
                           rtc_number(first[3], binary), hour, rtc_number(first[1], binary),
                           rtc_number(first[0], binary));
}

__cold_fn void time_init(void)
{
    tsc_boot = rdtsc();
    tsc_khz = khz_from_cpuid();
    if (tsc_khz == 0) {
        tsc_khz = khz_from_pit();
    }
    if (tsc_khz == 0) {
        tsc_khz = 1000000;
        log_warn("no source tells the rate of the time-stamp counter: taken to be 1 GHz");
    }
    tsc_scale = tsc_scale_of_khz(tsc_khz);
    timer_measure();
    use_deadline = cpu_features.tsc_deadline;
    wallclock_ns = rtc_seconds() * 1000000000ull - now_ns();
    time_init_ap();
    log_info("clock: TSC %lu.%03lu MHz, timer %lu.%03lu MHz%s", tsc_khz / 1000, tsc_khz % 1000,
             timer_khz / 1000, timer_khz % 1000, use_deadline ? " (TSC deadline in use)" : "");
}

void time_init_ap(void)
{
    if (use_deadline) {
        apic_timer_use_deadline();
    }
}

void tsc_check_run(struct tsc_check *c, uint32_t me)
{
    __atomic_add_fetch(&c->arrived, 1, __ATOMIC_ACQ_REL);
    while (__atomic_load_n(&c->arrived, __ATOMIC_ACQUIRE) < 2) {
        cpu_relax();
    }
    for (uint32_t i = 0; i < TSC_CHECK_ROUNDS; i++) {
        uint64_t now;

        while (__atomic_load_n(&c->turn, __ATOMIC_ACQUIRE) != 2 * i + me) {
            cpu_relax();
        }
        now = rdtsc();
        if (now < c->last && c->last - now > c->worst) {
            c->worst = c->last - now;
        }
        c->last = now;
        __atomic_store_n(&c->turn, 2 * i + me + 1, __ATOMIC_RELEASE);
    }
    /* *c may go to the next pair once the other has had the last turn; it does not look again. */
    while (me == 0 && __atomic_load_n(&c->turn, __ATOMIC_ACQUIRE) != 2 * TSC_CHECK_ROUNDS) {
        cpu_relax();
    }
}
