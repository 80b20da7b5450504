/* SPDX-License-Identifier: MIT */
/*
 * Thin decoders of calls that belong to no other room: xen_version, console_io, xenpmu_op. Each copies its argument once and zeroes what it gives back.
 */
#include <xen/features.h>
#include <xen/version.h>
#include <xen/xen.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "common/string.h"
#include "debug/build_id.h"
#include "debug/console.h"
#include "domain/domain.h"
#include "hypercall/hypercall.h"
#include "mm/guest_copy.h"
#include "x86/entry.h"
#include "x86/layout.h"
#include "x86/percpu.h"

/* The ABI version that we speak; what is ours says so in extraversion and compile_info. */
#define ABI_MAJOR 4
#define ABI_MINOR 17

/* Console bytes per copy, and copies between two preemption points. */
#define CONSOLE_CHUNK 128

static void copy_string(char *dst, size_t size, const char *src)
{
    size_t n = strnlen(src, size - 1);

    memset(dst, 0, size);
    memcpy(dst, src, n);
}

static int64_t version_string(gva_t arg, const char *text, size_t size)
{
    char buf[1024];

    copy_string(buf, size, text);
    return guest_write(arg, buf, size);
}

/* Submap 0 as the census gives it: Linux panics without bits 5 and 7. */
static uint32_t feature_bits(const struct domain *d)
{
    uint32_t bits = 1u << XENFEAT_mmu_pt_update_preserve_ad | 1u << XENFEAT_highmem_assist |
                    1u << XENFEAT_gnttab_map_avail_bits | 1u << XENFEAT_memory_op_vnode_supported |
                    1u << XENFEAT_direct_mapped;

    if (d->control || d->hardware) {
        bits |= 1u << XENFEAT_dom0;
    }
    if (d->vm_assist & (1u << VMASST_TYPE_pae_extended_cr3)) {
        bits |= 1u << XENFEAT_pae_pgdir_above_4gb;
    }
    return bits;
}

static int64_t version_features(const struct domain *d, gva_t arg)
{
    struct xen_feature_info info;
    int rc = guest_read(&info, arg, sizeof(info));

    if (rc) {
        return rc;
    }
    if (info.submap_idx >= XENFEAT_NR_SUBMAPS) {
        return -EINVAL;
    }
    info.submap = info.submap_idx == 0 ? feature_bits(d) : 0;
    return guest_write(arg, &info, sizeof(info));
}

static int64_t version_compile_info(gva_t arg)
{
    struct xen_compile_info info;

    memset(&info, 0, sizeof(info));
    copy_string(info.compiler, sizeof(info.compiler), __VERSION__);
    copy_string(info.compile_by, sizeof(info.compile_by), "xenolith");
    copy_string(info.compile_domain, sizeof(info.compile_domain), "");
    copy_string(info.compile_date, sizeof(info.compile_date), "reproducible");
    return guest_write(arg, &info, sizeof(info));
}

static int64_t version_build_id(gva_t arg)
{
    uint32_t len;
    const uint8_t *id = build_id(&len);
    struct xen_build_id head;
    int rc;

    if (!id) {
        return -ENODATA;
    }
    if (!gva_raw(arg)) {
        return len;
    }
    rc = guest_read(&head, arg, sizeof(head.len));
    if (rc) {
        return rc;
    }
    if (head.len == 0) {
        return -EINVAL;
    }
    if (len > head.len) {
        return -ENOBUFS;
    }
    rc = guest_write(gva_add(arg, offsetof(struct xen_build_id, buf)), id, len);
    return rc ? rc : (int64_t)len;
}

int64_t hc_xen_version(uint64_t cmd, uint64_t arg_addr)
{
    struct domain *d = current_vcpu()->domain;
    gva_t arg = gva_make(arg_addr);
    struct xen_platform_parameters params = {.virt_start = HV_VIRT_START};

    switch ((uint32_t)cmd) {
    case XENVER_version:
        return ABI_MAJOR << 16 | ABI_MINOR;
    case XENVER_extraversion:
        return version_string(arg, "-xenolith", sizeof(xen_extraversion_t));
    case XENVER_compile_info:
        return version_compile_info(arg);
    case XENVER_capabilities:
        return version_string(arg, "xen-3.0-x86_64 ", sizeof(xen_capabilities_info_t));
    case XENVER_changeset:
        return version_string(arg, "unavailable", sizeof(xen_changeset_info_t));
    case XENVER_platform_parameters:
        return guest_write(arg, &params, sizeof(params));
    case XENVER_get_features:
        return version_features(d, arg);
    case XENVER_pagesize:
        return gva_raw(arg) ? -EINVAL : (int64_t)PAGE_SIZE;
    case XENVER_guest_handle:
        return guest_write(arg, d->handle, sizeof(d->handle));
    case XENVER_commandline:
        return version_string(arg, d->control ? hv_cmdline() : "<denied>",
                              sizeof(xen_commandline_t));
    case XENVER_build_id:
        return version_build_id(arg);
    default:
        return -ENOSYS;
    }
}

static int64_t console_write(struct domain *d, gva_t buf, uint32_t count)
{
    char chunk[CONSOLE_CHUNK];
    uint32_t done = 0;

    while (done < count) {
        uint32_t n = MIN(count - done, (uint32_t)sizeof(chunk));
        int rc = guest_read(chunk, gva_add(buf, done), n);

        if (rc) {
            return rc;
        }
        if (d->control) {
            console_write_control(chunk, n);
        } else {
            console_write_guest(d->id, chunk, n);
        }
        done += n;
        if (done < count && preempt_pending()) {
            return hc_continue_console_io(CONSOLEIO_write, count - done, gva_raw(buf) + done);
        }
    }
    return 0;
}

static int64_t console_read(struct domain *d, gva_t buf, uint32_t count)
{
    char chunk[CONSOLE_CHUNK];
    size_t n;
    int rc;

    if (!d->control) {
        return -EPERM;
    }
    n = console_read_control(chunk, MIN((size_t)count, sizeof(chunk)));
    rc = n ? guest_write(buf, chunk, n) : 0;
    return rc ? rc : (int64_t)n;
}

/* Any domain may write: it is the cheapest way to see a kernel's first line, and it goes into the rate-limited log. */
int64_t hc_console_io(uint64_t cmd, uint64_t count, uint64_t buf)
{
    struct domain *d = current_vcpu()->domain;

    switch ((uint32_t)cmd) {
    case CONSOLEIO_write:
        return console_write(d, gva_make(buf), (uint32_t)count);
    case CONSOLEIO_read:
        return console_read(d, gva_make(buf), (uint32_t)count);
    default:
        return -ENOSYS;
    }
}

/* Counters of the CPU are nobody's: what Xen answers where they are not given to guests (vpmu=off, its default). */
int64_t hc_xenpmu_op(uint64_t cmd, uint64_t arg)
{
    (void)cmd;
    (void)arg;
    return -EOPNOTSUPP;
}
