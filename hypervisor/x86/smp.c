/* SPDX-License-Identifier: MIT */
/*
 * INIT, SIPI, SIPI (SDM vol. 3, 9.4.4), one CPU at a time. The trampoline page carries a root that maps it at its own
 * address besides the hypervisor's slots; the new CPU leaves it for the hypervisor's root before it says that it is there.
 * Invariant: until a CPU is in cpus_online nobody sends to it or waits for it.
 */
#include "x86/smp.h"

#include <stddef.h>

#include "common/compiler.h"
#include "common/string.h"
#include "debug/console.h"
#include "x86/ap_start.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/fpu.h"
#include "x86/percpu.h"
#include "x86/pgtable.h"
#include "x86/time.h"
#include "x86/tlb.h"
#include "x86/upcalls.h"

#define INIT_WAIT_US  10000
#define SIPI_WAIT_US  200ul
#define START_WAIT_NS 5000000000ull
#define SKEW_OK_NS    1000u

static struct tsc_check check;
static uint32_t alive; /* the CPU that is being started has reached C */

/* A root of the trampoline's own: identity for its page, the hypervisor's slots for what follows. Zero when done. */
static uint64_t ap_root[512] __aligned_to(4096);
static uint64_t ap_l3[512] __aligned_to(4096);
static uint64_t ap_l2[512] __aligned_to(4096);

void ap_main(void);

/* The new CPU's first C code, on its own stack, in the trampoline's address space. */
void ap_main(void)
{
    struct percpu *p = this_cpu();

    cpu_init_ap();
    tlb_load_cr3(hv_root_pa());
    apic_init_ap();
    fpu_init();
    time_init_ap();
    __atomic_store_n(&alive, 1, __ATOMIC_RELEASE);
    tsc_check_run(&check, 1);
    while (!(__atomic_load_n(&cpus_online, __ATOMIC_ACQUIRE) & (1ul << p->cpu))) {
        cpu_relax();
    }
    upcall_ap_ready();
}

static void root_prepare(uint64_t trampoline)
{
    hv_l4_fill(ap_root);
    ap_l2[0] = HV_PTE_P | HV_PTE_RW | HV_PTE_LARGE;
    ap_l3[0] = image_pa(ap_l2) | HV_PTE_P | HV_PTE_RW;
    ap_root[0] = image_pa(ap_l3) | HV_PTE_P | HV_PTE_RW;
    memcpy(direct_map(trampoline), ap_start, (size_t)(ap_start_end - ap_start));
}

static bool wait_alive(uint64_t ns)
{
    uint64_t start = now_ns();

    while (!__atomic_load_n(&alive, __ATOMIC_ACQUIRE)) {
        if (now_ns() - start > ns) {
            return false;
        }
        cpu_relax();
    }
    return true;
}

static bool start_one(uint32_t cpu, uint32_t target, uint64_t trampoline)
{
    struct ap_start_params *params = direct_map(trampoline + AP_PARAMS_OFFSET);

    if (percpu_create(cpu, target)) {
        log_warn("CPU %u: no memory for its area", cpu);
        return false;
    }
    *params = (struct ap_start_params){
        .cr3 = image_pa(ap_root),
        .stack = PERCPU_AREA_BASE + cpu * PERCPU_AREA_SIZE + PCPU_STACK_TOP,
        .entry = (uint64_t)ap_main,
    };
    check = (struct tsc_check){0};
    __atomic_store_n(&alive, 0, __ATOMIC_RELEASE);
    apic_send_init(target);
    delay_us(INIT_WAIT_US);
    apic_send_startup(target, (uint8_t)(trampoline >> 12));
    if (!wait_alive(SIPI_WAIT_US * 1000)) {
        apic_send_startup(target, (uint8_t)(trampoline >> 12));
    }
    if (!wait_alive(START_WAIT_NS)) {
        apic_send_init(target); /* back to waiting, should it come to life after all */
        log_warn("CPU %u (APIC id %u) does not answer", cpu, target);
        return false;
    }
    tsc_check_run(&check, 0);
    if (ns_of_tsc(tsc_boot + check.worst) > SKEW_OK_NS) {
        log_warn("CPU %u: its time-stamp counter is %lu ns behind", cpu,
                 ns_of_tsc(tsc_boot + check.worst));
    }
    percpu_of(cpu)->online = 1;
    __atomic_or_fetch(&cpus_online, 1ul << cpu, __ATOMIC_RELEASE);
    return true;
}

void smp_start(const uint32_t *apic_ids, uint32_t nr, uint32_t max_cpus, uint64_t trampoline)
{
    uint32_t limit = MIN(max_cpus, (uint32_t)MAX_CPUS);

    root_prepare(trampoline);
    for (uint32_t i = 0; i < nr && nr_cpus < limit; i++) {
        if (apic_ids[i] == this_cpu()->apic_id) {
            continue;
        }
        /* The area of one that failed is spent, and its number with it. */
        if (!start_one(nr_cpus, apic_ids[i], trampoline)) {
            break;
        }
        nr_cpus++;
    }
    memset(ap_root, 0, sizeof(ap_root));
    memset(direct_map(trampoline), 0, 4096);
}
