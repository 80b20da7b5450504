/* SPDX-License-Identifier: MIT */
/*
 * Checked copies from and to the current guest's address space. Each call checks its whole span: canonical, in one half, and
 * outside the hypervisor's slots; then the faulting primitive of x86/ does the rest.
 */
#include "mm/guest_copy.h"

#include "common/errno.h"
#include "x86/layout.h"
#include "x86/uaccess.h"

/* End of the lower canonical half (48-bit addresses, SDM vol. 1, 3.3.7.1). */
#define LOWER_HALF_END 0x0000800000000000ull

bool va_canonical(uint64_t va)
{
    return (uint64_t)((int64_t)(va << 16) >> 16) == va;
}

bool guest_range_ok(gva_t gva, uint64_t bytes)
{
    uint64_t start = gva_raw(gva);
    uint64_t end;

    if (__builtin_add_overflow(start, bytes, &end)) {
        /* the very last byte of the address space is a guest's too */
        return end == 0 && start >= HV_VIRT_END;
    }
    return start < LOWER_HALF_END ? end <= LOWER_HALF_END : start >= HV_VIRT_END;
}

int guest_read(void *dst, gva_t src, size_t bytes)
{
    if (unlikely(!guest_range_ok(src, bytes))) {
        return -EFAULT;
    }
    return unlikely(uaccess_read(dst, (const void *)gva_raw(src), bytes) != 0) ? -EFAULT : 0;
}

int guest_write(gva_t dst, const void *src, size_t bytes)
{
    if (unlikely(!guest_range_ok(dst, bytes))) {
        return -EFAULT;
    }
    return unlikely(uaccess_write((void *)gva_raw(dst), src, bytes) != 0) ? -EFAULT : 0;
}

/* base + idx * bytes, false when it does not fit. */
static bool elem_address(gva_t base, uint64_t idx, size_t bytes, gva_t *at)
{
    uint64_t off, va;

    if (__builtin_mul_overflow(idx, (uint64_t)bytes, &off) ||
        __builtin_add_overflow(gva_raw(base), off, &va)) {
        return false;
    }
    *at = gva_make(va);
    return true;
}

int guest_read_elem(void *dst, gva_t base, uint64_t idx, size_t bytes)
{
    gva_t at;

    return elem_address(base, idx, bytes, &at) ? guest_read(dst, at, bytes) : -EFAULT;
}

int guest_write_elem(gva_t base, uint64_t idx, const void *src, size_t bytes)
{
    gva_t at;

    return elem_address(base, idx, bytes, &at) ? guest_write(at, src, bytes) : -EFAULT;
}
