/* SPDX-License-Identifier: MIT */
/*
 * TLB flushes by a clock: a request advances it, a flush notes what it read of it before flushing. A CPU whose note is at
 * or behind the request is waited for; several requests are answered by one flush.
 * Invariant: a CPU's tlb_seen is written before the flush that makes it true, and published (release) after it.
 */
#include "x86/tlb.h"

#include "common/compiler.h"
#include "x86/cpu.h"
#include "x86/ipi.h"
#include "x86/percpu.h"

uint64_t tlb_flush_clock __aligned_to(64) = 1;

static void seen_set(uint64_t reading)
{
    __atomic_store_n(&this_cpu()->tlb_seen, reading, __ATOMIC_RELEASE);
}

static uint64_t seen_by(uint32_t cpu)
{
    return __atomic_load_n(&percpu_of(cpu)->tlb_seen, __ATOMIC_ACQUIRE);
}

void tlb_load_cr3(uint64_t cr3)
{
    uint64_t reading = tlb_clock_read();

    write_cr3(cr3);
    seen_set(reading);
}

void tlb_flush_local(void)
{
    tlb_load_cr3(read_cr3());
}

void tlb_flush_local_va(uint64_t va)
{
    invlpg(va);
}

/* Ask the CPUs (never ourselves) and wait until each has flushed since now. */
static void flush_others(uint64_t cpus)
{
    uint64_t target = __atomic_add_fetch(&tlb_flush_clock, 1, __ATOMIC_SEQ_CST);

    for (uint64_t left = cpus; left; left &= left - 1) {
        uint32_t cpu = (uint32_t)__builtin_ctzl(left);

        __atomic_store_n(&percpu_of(cpu)->flush_wanted, 1, __ATOMIC_RELEASE);
        ipi_kick(cpu);
    }
    for (uint64_t left = cpus; left; left &= left - 1) {
        while (seen_by((uint32_t)__builtin_ctzl(left)) < target) {
            ipi_poll();
            cpu_relax();
        }
    }
}

void tlb_flush_cpus(uint64_t cpus)
{
    uint64_t me = 1ul << this_cpu()->cpu;
    uint64_t others = cpus & READ_ONCE(cpus_online) & ~me;

    if (others) {
        flush_others(others);
    }
    if (cpus & me) {
        tlb_flush_local();
    }
}

void tlb_flush_cpus_va(uint64_t cpus, uint64_t va)
{
    uint64_t me = 1ul << this_cpu()->cpu;

    /* A CR3 load is cheap and needs no argument, so other CPUs flush all. */
    if (cpus & ~me) {
        tlb_flush_cpus(cpus & ~me);
    }
    if (cpus & me) {
        invlpg(va);
    }
}

/* Those of the CPUs that may hold translations older than that reading. */
static uint64_t stale_cpus(uint64_t cpus, uint32_t reading)
{
    uint64_t now = tlb_clock_read();
    /* The latest moment with that low half: an older one would only mean fewer flushes. */
    uint64_t then = now - (uint32_t)((uint32_t)now - reading);
    uint64_t stale = 0;

    for (uint64_t left = cpus & READ_ONCE(cpus_online); left; left &= left - 1) {
        uint32_t cpu = (uint32_t)__builtin_ctzl(left);

        if (seen_by(cpu) <= then) {
            stale |= 1ul << cpu;
        }
    }
    return stale;
}

__cold_fn bool tlb_flush_disturbs(uint32_t reading)
{
    for (uint64_t left = stale_cpus(~0ull, reading); left; left &= left - 1) {
        if (READ_ONCE(percpu_of((uint32_t)__builtin_ctzl(left))->curr)) {
            return true;
        }
    }
    return false;
}

void tlb_flush_stale(uint64_t cpus, uint32_t reading)
{
    uint64_t stale = stale_cpus(cpus, reading);

    if (stale) {
        /* So that what these CPUs see is later than the reading, and the next frame of a batch needs no flush. */
        (void)__atomic_add_fetch(&tlb_flush_clock, 1, __ATOMIC_SEQ_CST);
        tlb_flush_cpus(stale);
    }
}
