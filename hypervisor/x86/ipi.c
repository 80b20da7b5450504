/* SPDX-License-Identifier: MIT */
/*
 * Cross-CPU requests without locks that have a level: a word of request bits per CPU, one slot for function calls, and the
 * TLB clock. Invariant: whoever waits here polls its own requests meanwhile, so two CPUs can wait for each other.
 */
#include "x86/ipi.h"

#include "common/compiler.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/ipi_request.h"
#include "x86/percpu.h"
#include "x86/time.h"

#define STOP_WAIT_NS 100000000ull

uint64_t cpus_online = 1;
uint32_t nr_cpus = 1;

/* The one function call under way. */
static struct {
    uint32_t taken;
    void (*fn)(void *arg);
    void *arg;
    uint64_t pending; /* CPUs that have not run it yet */
} call;

static uint32_t stopping;
static uint64_t stopped;

static void call_serve(void)
{
    uint64_t me = 1ul << this_cpu()->cpu;

    call.fn(call.arg);
    __atomic_and_fetch(&call.pending, ~me, __ATOMIC_RELEASE);
}

void ipi_poll(void)
{
    struct percpu *p = this_cpu();
    uint32_t request;

    if (likely(READ_ONCE(p->ipi_request) == 0)) {
        return;
    }
    request = __atomic_exchange_n(&p->ipi_request, 0, __ATOMIC_ACQ_REL);
    if (request & (IPI_REQUEST_FLUSH | IPI_REQUEST_FLUSH_HV)) {
        tlb_serve(request);
    }
    if (request & IPI_REQUEST_CALL) {
        call_serve();
    }
}

void ipi_request(uint32_t cpu, uint32_t bits)
{
    __atomic_or_fetch(&percpu_of(cpu)->ipi_request, bits, __ATOMIC_RELEASE);
    ipi_kick(cpu);
}

void ipi_call(uint64_t cpus, void (*fn)(void *arg), void *arg)
{
    uint64_t me = 1ul << this_cpu()->cpu;
    uint64_t others = cpus & READ_ONCE(cpus_online) & ~me;

    if (others) {
        while (__atomic_exchange_n(&call.taken, 1, __ATOMIC_ACQUIRE)) {
            ipi_poll();
            cpu_relax();
        }
        call.fn = fn;
        call.arg = arg;
        __atomic_store_n(&call.pending, others, __ATOMIC_RELEASE);
        for (uint64_t left = others; left; left &= left - 1) {
            ipi_request((uint32_t)__builtin_ctzl(left), IPI_REQUEST_CALL);
        }
    }
    if (cpus & me) {
        fn(arg);
    }
    if (others) {
        while (__atomic_load_n(&call.pending, __ATOMIC_ACQUIRE)) {
            ipi_poll();
            cpu_relax();
        }
        __atomic_store_n(&call.taken, 0, __ATOMIC_RELEASE);
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
