/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * CPUS: 2
 * Linux asks for the CPUs before it waits for machine checks: without an answer it complains and does not wait. What it asks: how
 * many, then room for them all. Less room than CPUs must be respected, for it is the caller's memory that follows.
 */
#include <string.h>
#include <xen/arch-x86/xen-mca.h>

#include "framework/test.h"
#include "pvk/pv/hypercall.h"

static long ask(uint32_t version, uint32_t cmd, struct mcinfo_logical_cpu *cpus, uint32_t *nr)
{
    struct xen_mc op = {.cmd = cmd, .interface_version = version};
    long rc;

    op.u.mc_physcpuinfo.info.p = cpus;
    op.u.mc_physcpuinfo.ncpus = *nr;
    rc = hypercall(__HYPERVISOR_mca, (uint64_t)&op, 0, 0, 0, 0);
    *nr = op.u.mc_physcpuinfo.ncpus;
    return rc;
}

/* Debian's Xen 4.17.7 has a page fault of its own if there is less room than CPUs. */
static bool is_xenolith(void)
{
    char extra[16 + 1] = "";

    return hc_xen_version(XENVER_extraversion, extra) == 0 && strcmp(extra, "-xenolith") == 0;
}

void test_main(void)
{
    static struct mcinfo_logical_cpu cpus[3];
    uint32_t nr = 0;

    memset(cpus, 0x5a, sizeof(cpus));
    test_note("how many: %s",
              test_rc(ask(XEN_MCA_INTERFACE_VERSION, XEN_MC_physcpuinfo, NULL, &nr)));
    test_note("%u CPUs", nr);
    nr = 3;
    test_note("who: %s", test_rc(ask(XEN_MCA_INTERFACE_VERSION, XEN_MC_physcpuinfo, cpus, &nr)));
    test_note("%u CPUs, number %u and number %u", nr, cpus[0].mc_cpunr, cpus[1].mc_cpunr);
    test_check(cpus[0].mc_apicid != cpus[1].mc_apicid, "they have APIC ids of their own");
    test_check(cpus[2].mc_cpunr == 0x5a5a5a5a, "what follows is as it was");
    if (is_xenolith()) {
        memset(cpus, 0x5a, sizeof(cpus));
        nr = 1;
        if (ask(XEN_MCA_INTERFACE_VERSION, XEN_MC_physcpuinfo, cpus, &nr) ||
            cpus[0].mc_cpunr != 0 || cpus[1].mc_cpunr != 0x5a5a5a5a) {
            test_check(false, "room for one is filled, and no more");
        }
    }
    test_note("another version: %s", test_rc(ask(1, XEN_MC_physcpuinfo, NULL, &nr)));
    test_note("no argument: %s", test_rc(hypercall(__HYPERVISOR_mca, 0, 0, 0, 0, 0)));
}
