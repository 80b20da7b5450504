/* SPDX-License-Identifier: MIT */
/* The texts of pv_error.h: what is wrong, then what to do about it. */
#include "common/pv_error.h"

#include <stddef.h>

#include "common/compiler.h"

static const char *const texts[] = {
    [PV_OK] = "ok",
    [PV_NOT_ELF] = "not an ELF file: give the kernel's uncompressed ELF image",
    [PV_TRUNCATED] = "the file ends before its headers or segments do: copy it again",
    [PV_NOT_64BIT] = "a 32-bit ELF: only 64-bit PV kernels run here",
    [PV_WRONG_ARCH] = "an ELF for another machine: only x86-64 kernels run here",
    [PV_NOT_EXECUTABLE] = "an ELF object or library, not a linked kernel: link it first",
    [PV_NO_SEGMENTS] = "no loadable segments: link it with program headers",
    [PV_BAD_SEGMENT] = "a segment's file or memory range is impossible: link it again",
    [PV_NO_NOTES] = "no Xen notes and no __xen_guest section: the kernel has no PV support",
    [PV_NOT_PV] = "its notes name only a PVH entry: the kernel has no PV support",
    [PV_BAD_NOTE] = "a Xen note has the wrong size or runs past its section",
    [PV_BAD_XEN_VERSION] = "its XEN_VERSION note is not \"xen-3.0\"",
    [PV_UNKNOWN_FEATURE] = "it requires a feature that this hypervisor does not have",
    [PV_BAD_ADDRESS] = "its entry or load addresses lie outside the image or in the hypervisor's range",
    [PV_P2M_OVERLAP] = "its INIT_P2M address overlaps the kernel's mapping",
    [PV_TOO_BIG] = "kernel, ramdisk and tables do not fit: give the domain more memory",
    [PV_NO_DOM0_SUPPORT] = "its notes do not claim dom0 support",
};

const char *pv_error_text(enum pv_error e)
{
    return (unsigned int)e < ARRAY_SIZE(texts) && texts[e] ? texts[e] : "unknown error";
}
