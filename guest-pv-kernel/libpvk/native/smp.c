/* SPDX-License-Identifier: MIT */
/*
 * Starting another CPU of a bare machine: it begins in real mode on a page below 1 MiB, where code that head.S holds has been
 * copied, and finds its way to C by itself. One CPU is started at a time.
 */
#include "pvk/smp.h"

#include <string.h>

#include <xen/errno.h>

#include "libpvk/core/backend.h"
#include "libpvk/core/cpu.h"
#include "libpvk/core/sched.h"
#include "libpvk/native/acpi.h"
#include "libpvk/native/apic.h"
#include "libpvk/native/asm.h"
#include "libpvk/native/boot.h"
#include "libpvk/native/clock.h"
#include "libpvk/native/descriptors.h"
#include "libpvk/native/insn.h"
#include "libpvk/native/pagetable.h"
#include "libpvk/native/smp.h"
#include "pvk/memory.h"
#include "pvk/thread.h"

#define STACK_ORDER 2 /* start-up and idle loop of the CPU */

extern const char ap_start[], ap_start_end[]; /* head.S */

static struct mutex starting = MUTEX_INIT(starting);
static unsigned nr_started = 1;

unsigned cpu_count(void)
{
    unsigned count = acpi_nr_cpus();

    return !apic_present() || count == 0 ? 1 : MIN(count, (unsigned)PVK_MAX_CPUS);
}

unsigned cpu_apic_id(unsigned cpu)
{
    return acpi_apic_id(cpu);
}

unsigned cpus_started(void)
{
    return __atomic_load_n(&nr_started, __ATOMIC_ACQUIRE);
}

unsigned cpu_id(void)
{
    return this_cpu()->id;
}

bool cpu_is_online(unsigned cpu)
{
    return cpu < PVK_MAX_CPUS && __atomic_load_n(&cpus[cpu].online, __ATOMIC_ACQUIRE) != 0;
}

void secondary_main(unsigned id)
{
    cpu_init_self(id);
    descriptors_init_cpu(id);
    apic_init_cpu();
    clock_init_cpu();
    insn_write_cr3(pfn_raw(pfn_of_va(kernel_root)) << PAGE_SHIFT);
    sched_init();                    /* the CPU is online from here on */
    insn_write_cr3(insn_read_cr3()); /* what was unmapped before anyone asked us to forget it */
    sched_idle();
}

static int start(unsigned cpu)
{
    char *page = va_of_pfn(pfn_make(AP_START_PADDR >> PAGE_SHIFT));
    char *stack = page_alloc(STACK_ORDER);

    if (stack == NULL || map_remove(stack, 1) != 0) {
        return -XEN_ENOMEM;
    }
    memcpy(page, ap_start, (size_t)(ap_start_end - ap_start));
    *(uint64_t *)(page + AP_STACK) = (uintptr_t)stack + ((uint64_t)PAGE_SIZE << STACK_ORDER);
    *(uint64_t *)(page + AP_ID) = cpu;
    __atomic_add_fetch(&nr_started, 1, __ATOMIC_ACQ_REL);
    apic_start_cpu(cpu_apic_id(cpu), AP_START_PADDR);
    while (!cpu_is_online(cpu)) {
        thread_yield();
        __builtin_ia32_pause();
    }
    return 0;
}

int cpu_start(unsigned cpu)
{
    int rc = -XEN_EINVAL;

    mutex_lock(&starting);
    if (cpu < cpu_count() && !cpu_is_online(cpu)) {
        rc = start(cpu);
    }
    mutex_unlock(&starting);
    return rc;
}

void backend_kick_cpu(unsigned cpu)
{
    apic_send(cpu_apic_id(cpu), VECTOR_KICK);
}
