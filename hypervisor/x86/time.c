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
#define PIT_MS           20u
#define PIT_TICKS        (PIT_HZ * PIT_MS / 1000)
#define PIT_POLLS        4000000u /* a poll takes half a microsecond or more */
#define MEASURE_MS       10ul
#define MEASURE_RUNS     25
#define DOUBT_OK         2000u /* one part in that many */

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

/*
 * A stretch of time between two accesses to a device, in TSC ticks: each access happened at some moment between two
 * readings, so the length is known up to `doubt`. An emulated machine may stand still for milliseconds between any two.
 */
struct stretch {
    uint64_t ticks, doubt;
};

static struct stretch stretch_of(uint64_t before1, uint64_t after1, uint64_t before2,
                                 uint64_t after2)
{
    return (struct stretch){(before2 + after2) / 2 - (before1 + after1) / 2,
                            (after1 - before1) + (after2 - before2)};
}

static bool good_enough(const struct stretch *s)
{
    return s->doubt < s->ticks / DOUBT_OK;
}

/* Let PIT channel 2 count down once; its output rises when it is through. No ticks if it never does. */
static struct stretch pit_run(void)
{
    uint8_t gate = inb(PIT_GATE);
    uint64_t start;
    uint64_t started;
    uint64_t low;
    uint64_t high;
    uint32_t polls = 0;

    outb(PIT_GATE, (uint8_t)((gate & ~2u) | 1u));
    outb(PIT_MODE, 0xb0); /* channel 2, low and high byte, mode 0 */
    outb(PIT_CH2, (uint8_t)PIT_TICKS);
    start = rdtsc();
    outb(PIT_CH2, (uint8_t)(PIT_TICKS >> 8)); /* starts it */
    started = rdtsc();
    high = started;
    do {
        low = high;
        polls++;
        gate = inb(PIT_GATE);
        high = rdtsc();
    } while (!(gate & 0x20) && polls < PIT_POLLS);
    outb(PIT_GATE, (uint8_t)(gate & ~3u));
    return polls < PIT_POLLS ? stretch_of(start, started, low, high) : (struct stretch){0, 0};
}

static uint64_t khz_from_pit(void)
{
    struct stretch best = pit_run();

    for (int i = 1; i < MEASURE_RUNS && best.ticks && !good_enough(&best); i++) {
        struct stretch s = pit_run();

        best = s.doubt < best.doubt ? s : best;
    }
    return best.ticks * PIT_HZ / PIT_TICKS / 1000;
}

static void timer_measure(void)
{
    uint64_t least = UINT64_MAX;

    for (int i = 0; i < MEASURE_RUNS; i++) {
        uint64_t start = rdtsc();
        uint64_t started;
        uint64_t before;
        uint64_t ticks;
        struct stretch s;

        apic_timer_start(UINT32_MAX);
        started = rdtsc();
        delay_us(MEASURE_MS * 1000);
        before = rdtsc();
        ticks = UINT32_MAX - apic_timer_count();
        s = stretch_of(start, started, before, rdtsc());
        if (s.doubt < least) {
            least = s.doubt;
            timer_khz = ticks * tsc_khz / s.ticks;
        }
        if (good_enough(&s)) {
            break;
        }
    }
    apic_timer_start(0);
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
    uint8_t second[6];
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
            second[i] = rtc_read(regs[i]);
        }
        for (unsigned int i = 0; same && i < 6; i++) {
            same = first[i] == second[i];
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

void time_init(void)
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
