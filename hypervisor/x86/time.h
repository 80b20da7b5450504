/* SPDX-License-Identifier: MIT */
/*
 * Time from the TSC. now_ns() counts nanoseconds since boot, monotone and the same on all CPUs (the TSCs are checked
 * to be synchronous when the CPUs come up). The scale is also what guests get through vcpu_time_info.
 */
#ifndef X86_TIME_H
#define X86_TIME_H

#include <stdint.h>

#include "x86/tsc_scale.h"

extern struct tsc_scale tsc_scale; /* const after time_init() */
extern uint64_t tsc_khz;
extern uint64_t tsc_boot;

uint64_t now_ns(void);
uint64_t ns_of_tsc(uint64_t tsc); /* same origin as now_ns() */

/* Wall clock at boot (now_ns() == 0), from the CMOS clock: seconds since 1970 UTC. May be set by settime. */
uint64_t wallclock_boot_ns(void);
void wallclock_set_boot_ns(uint64_t ns);

/* Program this CPU's one-shot interrupt for the deadline (now_ns() scale); UINT64_MAX stops it. */
void lapic_timer_arm(uint64_t deadline_ns);

/* Boot CPU: find the rates of TSC and timer, from CPUID or against the PIT; read the wall clock. After apic_init(). */
void time_init(void);
void time_init_ap(void);

/* Busy wait, for devices that want it while booting. */
void delay_us(uint64_t us);

/*
 * Both CPUs call it at the same time, one as 0 and one as 1: do their TSCs ever seem to run backwards between them? c->worst is
 * the largest step back in ticks, 0 when synchronous. When 0 returns, nobody uses *c any more.
 */
struct tsc_check {
    uint32_t turn, arrived;
    uint64_t last, worst;
};
void tsc_check_run(struct tsc_check *c, uint32_t me);

#endif
