/* SPDX-License-Identifier: MIT */
/*
 * Typed integers: machine frames, pseudo-physical frames, machine addresses and the like are one-member structs, so that
 * passing one for the other does not compile. They cost nothing: gcc and clang pass them in registers.
 * Box with x_make(), unbox with x_raw(). Raw values belong in ABI decode, page-table encode and printing only.
 */
#ifndef COMMON_TYPED_INT_H
#define COMMON_TYPED_INT_H

#include <stdbool.h>
#include <stdint.h>

#define TYPED_INT(name, repr)                                                  \
    typedef struct {                                                           \
        repr raw;                                                              \
    } name##_t;                                                                \
    static inline name##_t name##_make(repr raw)                               \
    {                                                                          \
        return (name##_t){raw};                                                \
    }                                                                          \
    static inline repr name##_raw(name##_t v)                                  \
    {                                                                          \
        return v.raw;                                                          \
    }                                                                          \
    static inline name##_t name##_add(name##_t v, repr n)                      \
    {                                                                          \
        return (name##_t){(repr)(v.raw + n)};                                  \
    }                                                                          \
    static inline bool name##_eq(name##_t a, name##_t b)                       \
    {                                                                          \
        return a.raw == b.raw;                                                 \
    }

TYPED_INT(mfn, uint64_t)   /* machine frame number: a real 4 KiB frame */
TYPED_INT(pfn, uint64_t)   /* pseudo-physical frame number: index into a domain's P2M */
TYPED_INT(maddr, uint64_t) /* machine address in bytes */
TYPED_INT(gva, uint64_t)   /* guest virtual address, never to be dereferenced directly */

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096u
#define PAGE_MASK  (~(uint64_t)(PAGE_SIZE - 1))

/* The ABI's "no such frame" value: all ones, which fails every P2M round trip. */
#define MFN_INVALID_RAW (~(uint64_t)0)
#define MFN_INVALID     (mfn_make(MFN_INVALID_RAW))

static inline maddr_t maddr_of_mfn(mfn_t mfn)
{
    return maddr_make(mfn_raw(mfn) << PAGE_SHIFT);
}

static inline mfn_t mfn_of_maddr(maddr_t maddr)
{
    return mfn_make(maddr_raw(maddr) >> PAGE_SHIFT);
}

#endif
