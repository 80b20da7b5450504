/* SPDX-License-Identifier: MIT */
/*
 * The start of a PV kernel, step by step. Order matters: each step may use the ones before it only.
 */
#include "libpvk/core/backend.h"
#include "libpvk/core/cpu.h"
#include "libpvk/pv/boot.h"
#include "libpvk/pv/console.h"
#include "libpvk/pv/events.h"
#include "libpvk/pv/memory.h"
#include "libpvk/pv/traps.h"
#include "libpvk/pv/xenbus.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/start_info.h"

#define CANARY                                                                                     \
    0x5d00ff0a0d5ca1abul /* holds a zero byte and a newline, so that string overruns cannot reproduce it */

struct cpu cpus[PVK_MAX_CPUS];

void cpu_init_self(unsigned id)
{
    struct cpu *cpu = &cpus[id];

    cpu->self = cpu;
    cpu->id = id;
    cpu->stack_canary = CANARY;
    cpu->vcpu_info = &shared_page.info.vcpu_info[id];
    hc_set_segment_base(SEGBASE_GS_KERNEL, (uintptr_t)cpu);
    hc_set_segment_base(SEGBASE_FS, (uintptr_t)cpu);
}

void backend_start_services(void)
{
    xenbus_init();
    shutdown_watch_start();
}

void pvk_boot(struct start_info *info)
{
    start_info = info;
    cpu_init_self(0);   /*  1 per-CPU area: this_cpu() */
    shared_info_init(); /*  2 the page shared with the hypervisor: interrupt flag, fault address */
    cmdline_init((const char *)info->cmd_line); /*  3 */
    console_init_early();                       /*  4 output */
    pv_traps_init_cpu();                        /*  5 exceptions: crash reports */
    p2m_init();                                 /*  6 frame numbers */
    memory_init();                              /*  7 linear map, rights, allocator */
    events_init();                              /*  8 interrupts */
    events_init_cpu(0);                         /*  9 */
    console_init();                             /* 10 input, and the ring */
    clock_init_cpu(0);                          /* 11 timers */
    core_boot();                                /* 12 threads, main() */
}
