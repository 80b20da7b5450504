/* SPDX-License-Identifier: MIT */
/*
 * platform_op: the wall clock, which CPUs the machine has, and its power switch; arch_0: who the CPUs of machine checks are. For
 * the hardware domain alone (the table says so); what is not here is -ENOSYS, which Linux takes for "none such".
 */
#include "hypercall/hc_platform.h"

#include <xen/arch-x86/xen-mca.h>
#include <xen/platform.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "debug/console.h"
#include "domain/domain.h"
#include "hypercall/hypercall.h"
#include "mm/guest_copy.h"
#include "x86/cpu.h"
#include "x86/layout.h"
#include "x86/percpu.h"
#include "x86/port.h"
#include "x86/time.h"

#define SLEEP_STATE_OFF 5

static struct {
    uint32_t apic_id, acpi_id;
} cpus[MAX_CPUS]; /* const after boot */
static uint32_t nr_told;
static uint16_t pm1_control[2]; /* const after boot */

void platform_cpu_tell(uint32_t apic_id, uint32_t acpi_id)
{
    if (nr_told < ARRAY_SIZE(cpus)) {
        cpus[nr_told].apic_id = apic_id;
        cpus[nr_told++].acpi_id = acpi_id;
    }
}

void platform_acpi_tell(uint16_t pm1a_control, uint16_t pm1b_control)
{
    pm1_control[0] = pm1a_control;
    pm1_control[1] = pm1b_control;
}

static int set_time(const struct xenpf_settime64 *t)
{
    if (t->mbz || t->nsecs >= 1000000000u) {
        return -EINVAL;
    }
    wallclock_set_boot_ns(t->secs * 1000000000ul + t->nsecs - t->system_time);
    return 0;
}

static int get_cpuinfo(struct xenpf_pcpuinfo *info)
{
    info->max_present = nr_cpus - 1;
    info->flags = XEN_PCPU_FLAGS_INVALID;
    info->apic_id = info->acpi_id = UINT32_MAX;
    if (info->xen_cpuid >= nr_cpus) {
        return 0; /* not an error: it is told by the flag */
    }
    info->flags = percpu_of(info->xen_cpuid)->online ? XEN_PCPU_FLAGS_ONLINE : 0;
    info->apic_id = percpu_of(info->xen_cpuid)->apic_id;
    for (uint32_t i = 0; i < nr_told; i++) {
        if (cpus[i].apic_id == info->apic_id) {
            info->acpi_id = cpus[i].acpi_id;
        }
    }
    return 0;
}

/* The caller has done what its firmware's methods ask for; the last two writes are ours, for they end all domains. */
static int enter_sleep(const struct xenpf_enter_acpi_sleep *sleep)
{
    if (sleep->sleep_state != SLEEP_STATE_OFF || (sleep->flags & XENPF_ACPI_SLEEP_EXTENDED)) {
        return -EOPNOTSUPP;
    }
    log_info("domain %u switches the machine off", current_domain()->id);
    if (pm1_control[0]) {
        outw(pm1_control[0], sleep->val_a);
    }
    if (pm1_control[1]) {
        outw(pm1_control[1], sleep->val_b);
    }
    machine_exit(EXIT_STATUS_OK); /* what can be done where the registers did nothing */
}

int64_t hc_platform_op(uint64_t arg)
{
    struct xen_platform_op op;
    int rc = guest_read(&op, gva_make(arg), sizeof(op));

    if (rc) {
        return rc;
    }
    if (op.interface_version != XENPF_INTERFACE_VERSION) {
        return -EACCES;
    }
    switch (op.cmd) {
    case XENPF_settime64:
        return set_time(&op.u.settime64);
    case XENPF_enter_acpi_sleep:
        return enter_sleep(&op.u.enter_acpi_sleep);
    case XENPF_get_cpuinfo:
        rc = get_cpuinfo(&op.u.pcpu_info);
        return rc ? rc : guest_write(gva_make(arg), &op, sizeof(op));
    default:
        return -ENOSYS;
    }
}

/* A machine check ends the machine, so there is never a record to fetch, but Linux wants to know the CPUs before it waits for one. */
int64_t hc_arch_0(uint64_t arg)
{
    struct xen_mc op;
    struct xen_mc_physcpuinfo *info = &op.u.mc_physcpuinfo;
    int rc = guest_read(&op, gva_make(arg), sizeof(op));

    if (rc) {
        return rc;
    }
    if (op.interface_version != XEN_MCA_INTERFACE_VERSION) {
        return -EACCES;
    }
    if (op.cmd != XEN_MC_physcpuinfo) {
        return -ENOSYS;
    }
    for (uint32_t i = 0; info->info.p && i < MIN(info->ncpus, nr_cpus); i++) {
        struct mcinfo_logical_cpu cpu = {.mc_cpunr = i,
                                         .mc_coreid = (uint16_t)i,
                                         .mc_apicid = percpu_of(i)->apic_id,
                                         .mc_ncores = nr_cpus,
                                         .mc_ncores_active = nr_cpus,
                                         .mc_nthreads = 1,
                                         .mc_cpuid_level = (int32_t)cpu_features.max_leaf,
                                         .mc_nmsrvals = -1};

        rc = guest_write_elem(gva_make((uint64_t)info->info.p), i, &cpu, sizeof(cpu));
        if (rc) {
            return rc;
        }
    }
    info->ncpus = nr_cpus;
    return guest_write(gva_make(arg), &op, sizeof(op));
}
