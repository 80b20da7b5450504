/* SPDX-License-Identifier: MIT */
/*
 * Cross-CPU requests without locks. Invariant: whoever waits for another CPU polls its own requests meanwhile, so two CPUs
 * can wait for each other.
 */
#include "x86/ipi.h"

#include "common/compiler.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/percpu.h"
#include "x86/time.h"
#include "x86/tlb.h"

#define STOP_WAIT_NS 100000000ull

uint64_t cpus_online = 1;
uint32_t nr_cpus = 1;

static uint32_t stopping;
static uint64_t stopped;

void ipi_poll(void)
{
    struct percpu *p = this_cpu();

    /* The request is taken back before the flush: one that comes later is answered by another. */
    if (unlikely(READ_ONCE(p->flush_wanted))) {
        __atomic_store_n(&p->flush_wanted, 0, __ATOMIC_SEQ_CST);
        tlb_flush_local();
    }
}

void ipi_kick(uint32_t cpu)
{
    apic_send_ipi(percpu_of(cpu)->apic_id, VEC_IPI);
}

void percpu_raise(uint32_t cpu, uint32_t work)
{
    __atomic_or_fetch(&percpu_of(cpu)->work, work, __ATOMIC_RELEASE);
    if (cpu != this_cpu()->cpu) {
        ipi_kick(cpu);
    }
}

bool ipi_is_stopping(void)
{
    return __atomic_load_n(&stopping, __ATOMIC_ACQUIRE) != 0;
}

void ipi_stopped(void)
{
    __atomic_or_fetch(&stopped, 1ul << this_cpu()->cpu, __ATOMIC_RELEASE);
    for (;;) {
        cpu_halt();
    }
}

void ipi_stop_others(void)
{
    uint64_t others = READ_ONCE(cpus_online) & ~(1ul << this_cpu()->cpu);
    uint64_t start = rdtsc();

    if (!others || __atomic_exchange_n(&stopping, 1, __ATOMIC_ACQ_REL)) {
        return;
    }
    for (uint64_t left = others; left; left &= left - 1) {
        apic_send_nmi(percpu_of((uint32_t)__builtin_ctzl(left))->apic_id);
    }
    while ((__atomic_load_n(&stopped, __ATOMIC_ACQUIRE) & others) != others &&
           ns_of_tsc(rdtsc()) - ns_of_tsc(start) < STOP_WAIT_NS) {
        cpu_relax();
    }
}
