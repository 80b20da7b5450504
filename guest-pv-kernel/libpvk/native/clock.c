/* SPDX-License-Identifier: MIT */
/*
 * Time: the time stamp counter, whose rate is measured once with the 8254's second channel; the date, read once from the
 * CMOS clock; and the interrupt, from the APIC's timer or, without an APIC, from the 8254's first channel.
 */
#include "pvk/clock.h"

#include "libpvk/core/sched.h"
#include "libpvk/native/apic.h"
#include "libpvk/native/clock.h"
#include "libpvk/native/insn.h"
#include "libpvk/native/pic.h"
#include "pvk/machine.h"
#include "pvk/traps.h"

#define PIT_HZ        1193182u
#define PIT_CHANNEL_0 0x40
#define PIT_CHANNEL_2 0x42
#define PIT_CONTROL   0x43
#define PIT_ONCE_0    0x30 /* channel 0, two bytes, mode 0: high at the end of the count */
#define PIT_ONCE_2    0xb0
#define PIT_MAX       0xffffu
#define GATE_PORT     0x61 /* bit 0: channel 2 counts, 1: loudspeaker, 5: channel 2 has ended */
#define MEASURE_TICKS (PIT_HZ / 100)

#define CMOS_INDEX    0x70
#define CMOS_DATA     0x71
enum cmos {
    CMOS_SECOND = 0,
    CMOS_MINUTE = 2,
    CMOS_HOUR = 4,
    CMOS_DAY = 7,
    CMOS_MONTH = 8,
    CMOS_YEAR = 9,
    CMOS_A = 10,
    CMOS_B = 11,
};
#define CMOS_A_UPDATING 0x80u
#define CMOS_B_BINARY   0x04u

static uint64_t tsc_start;
static uint64_t tsc_hz;
static uint64_t ns_per_tick; /* times 2^32 */
static uint64_t wall_start_ns;

static uint8_t cmos_read(enum cmos index)
{
    insn_outb(CMOS_INDEX, (uint8_t)index);
    return insn_inb(CMOS_DATA);
}

static uint64_t cmos_number(enum cmos index)
{
    uint8_t v = cmos_read(index);

    return (cmos_read(CMOS_B) & CMOS_B_BINARY) != 0 ? v : (uint64_t)(v >> 4) * 10 + (v & 15);
}

/* Days from 1970-01-01, by counting years from March on: the leap day is then the last one. */
static uint64_t days_of(uint64_t year, uint64_t month, uint64_t day)
{
    uint64_t y = month <= 2 ? year - 1 : year;
    uint64_t m = month <= 2 ? month + 9 : month - 3;

    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

static uint64_t read_wall_ns(void)
{
    uint64_t seconds = 0;
    uint64_t again;

    /* Two equal readings: no digit has moved in between. */
    do {
        again = seconds;
        for (unsigned i = 0; i < 100000 && (cmos_read(CMOS_A) & CMOS_A_UPDATING) != 0; i++) {
            __builtin_ia32_pause();
        }
        seconds =
            days_of(2000 + cmos_number(CMOS_YEAR), cmos_number(CMOS_MONTH), cmos_number(CMOS_DAY)) *
                86400 +
            cmos_number(CMOS_HOUR) * 3600 + cmos_number(CMOS_MINUTE) * 60 +
            cmos_number(CMOS_SECOND);
    } while (seconds != again);
    return seconds * NS_PER_S;
}

static void measure_tsc(void)
{
    uint64_t start;

    insn_outb(GATE_PORT, (insn_inb(GATE_PORT) & 0xfc) | 1);
    insn_outb(PIT_CONTROL, PIT_ONCE_2);
    insn_outb(PIT_CHANNEL_2, MEASURE_TICKS & 0xff);
    insn_outb(PIT_CHANNEL_2, MEASURE_TICKS >> 8);
    start = __builtin_ia32_rdtsc();
    while ((insn_inb(GATE_PORT) & 0x20) == 0) {
        __builtin_ia32_pause();
    }
    tsc_hz = (__builtin_ia32_rdtsc() - start) * PIT_HZ / MEASURE_TICKS;
    if (tsc_hz < NS_PER_S / 1000) {
        crash("the time stamp counter does not run");
    }
    ns_per_tick = (NS_PER_S << 32) / tsc_hz;
}

uint64_t clock_ns(void)
{
    return (uint64_t)(((unsigned __int128)(__builtin_ia32_rdtsc() - tsc_start) * ns_per_tick) >>
                      32);
}

uint64_t clock_wall_ns(void)
{
    return wall_start_ns + clock_ns();
}

static void pit_timer_set(uint64_t ns)
{
    uint64_t ticks = ns > NS_PER_S ? PIT_MAX : ns * PIT_HZ / NS_PER_S;

    /* A count that is too short for the deadline makes the interrupt look at the timers, and set it again. */
    ticks = ticks > PIT_MAX ? PIT_MAX : ticks + (ticks == 0);
    insn_outb(PIT_CONTROL, PIT_ONCE_0);
    insn_outb(PIT_CHANNEL_0, (uint8_t)ticks);
    insn_outb(PIT_CHANNEL_0, (uint8_t)(ticks >> 8));
}

void backend_timer_set(uint64_t deadline_ns)
{
    uint64_t now = clock_ns();
    uint64_t ns = deadline_ns > now ? deadline_ns - now : 1;

    if (apic_present()) {
        apic_timer_set(deadline_ns == 0 ? 0 : ns);
    } else if (deadline_ns != 0) {
        pit_timer_set(ns);
    }
}

void clock_init(void)
{
    measure_tsc();
    tsc_start = __builtin_ia32_rdtsc();
    wall_start_ns = read_wall_ns();
}

void clock_init_cpu(void)
{
    if (!apic_present()) {
        pic_unmask(PIC_LINE_TIMER);
    }
}
