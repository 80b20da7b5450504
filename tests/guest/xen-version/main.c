/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * xen_version: what guests ask first. Numbers and feature bits are compared; texts that name a build are only looked at for form.
 * And what every Linux asks on each CPU, to be refused: the performance counters (xenpmu_op). The kind of refusal is what users see.
 */
#include <string.h>

#include <xen/features.h>
#include <xen/pmu.h>

#include "framework/test.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/start_info.h"

static void check_text(unsigned cmd, const char *name, size_t size)
{
    static char text[1024 + 1];
    long rc;

    memset(text, 0x5a, sizeof(text));
    rc = hc_xen_version(cmd, text);
    test_note("%s: %s", name, test_rc(rc));
    if (rc >= 0) {
        test_check(strnlen(text, size) < size, "%s is terminated", name);
        test_check(text[size] == 0x5a, "%s writes no more than its size", name);
    }
}

void test_main(void)
{
    struct xen_feature_info info = {.submap_idx = 0};
    long version = hc_xen_version(XENVER_version, NULL);
    struct xen_platform_parameters params = {0};
    struct xen_pmu_params pmu = {.version = {XENPMU_VER_MAJ, XENPMU_VER_MIN}};

    test_note("version %ld.%ld", version >> 16, version & 0xffff);
    test_note("get_features(0): %s", test_rc(hc_xen_version(XENVER_get_features, &info)));
    test_note("features %08x", info.submap);
    info.submap_idx = 1;
    info.submap = 0x5a5a5a5a;
    test_note("get_features(1): %s", test_rc(hc_xen_version(XENVER_get_features, &info)));
    test_note("pagesize: %ld", hc_xen_version(XENVER_pagesize, NULL));
    test_note("platform_parameters: %s",
              test_rc(hc_xen_version(XENVER_platform_parameters, &params)));
    test_note("virt_start %lx", (unsigned long)params.virt_start);
    check_text(XENVER_extraversion, "extraversion", sizeof(xen_extraversion_t));
    check_text(XENVER_capabilities, "capabilities", sizeof(xen_capabilities_info_t));
    check_text(XENVER_changeset, "changeset", sizeof(xen_changeset_info_t));
    check_text(XENVER_commandline, "commandline", sizeof(xen_commandline_t));
    test_note("a null pointer: %s", test_rc(hc_xen_version(XENVER_get_features, NULL)));
    test_note("an unknown command: %s", test_rc(hc_xen_version(77, NULL)));
    test_note(
        "xenpmu_op, the mode: %s",
        test_rc(hypercall_raw(__HYPERVISOR_xenpmu_op, XENPMU_mode_get, HC_ARG(&pmu), 0, 0, 0)));
    test_note("xenpmu_op, an unknown command: %s",
              test_rc(hypercall_raw(__HYPERVISOR_xenpmu_op, 77, 0, 0, 0, 0)));
}
