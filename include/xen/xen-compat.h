/* SPDX-License-Identifier: MIT */
/*
 * The vocabulary that every other ABI header builds on: fixed-width integers, typed constants that
 * also work in assembly, and the interface version. There is exactly one face: the newest names
 * (interface 0x00040e00, that is release 4.17). Older spellings are not offered.
 */
#ifndef XEN_PUBLIC_XEN_COMPAT_H
#define XEN_PUBLIC_XEN_COMPAT_H

/* Compilers announce assembly by __ASSEMBLER__, the ABI's guests by __ASSEMBLY__: accept both. */
#if defined(__ASSEMBLER__) && !defined(__ASSEMBLY__)
#define __ASSEMBLY__ 1
#endif

#define __XEN_LATEST_INTERFACE_VERSION__ 0x00040e00

#ifndef __XEN_INTERFACE_VERSION__
#define __XEN_INTERFACE_VERSION__ __XEN_LATEST_INTERFACE_VERSION__
#endif

#if __XEN_INTERFACE_VERSION__ > __XEN_LATEST_INTERFACE_VERSION__
#error "this guest asks for a newer interface than these headers describe (4.17)"
#endif

#ifndef __ASSEMBLY__

#include <stddef.h>
#include <stdint.h>

/* Give a plain number the type unsigned int, unsigned long or unsigned long long. */
#define __xen_mk_uint(x)  x##U
#define __xen_mk_ulong(x) x##UL
#ifndef __xen_mk_ullong
#define __xen_mk_ullong(x) x##ULL
#endif
#define xen_mk_uint(x)   __xen_mk_uint(x)
#define xen_mk_ulong(x)  __xen_mk_ulong(x)
#define xen_mk_ullong(x) __xen_mk_ullong(x)

/* Dimension of a trailing array of unknown length. */
#define XEN_FLEX_ARRAY_DIM
#define COMPAT_FLEX_ARRAY_DIM XEN_FLEX_ARRAY_DIM

/*
 * A trailing array as a structure's last member. C99 has it; C++ compilers have it as an extension,
 * which clang reports under -pedantic unless told otherwise on the spot.
 */
#if defined(__cplusplus) && defined(__clang__)
#define XEN_FLEX_ARRAY(type, name)                                                                 \
    _Pragma("clang diagnostic push") _Pragma("clang diagnostic ignored \"-Wc99-extensions\"")      \
        type name[XEN_FLEX_ARRAY_DIM];                                                             \
    _Pragma("clang diagnostic pop")
#else
#define XEN_FLEX_ARRAY(type, name) __extension__ type name[XEN_FLEX_ARRAY_DIM];
#endif

/* 64-bit integers that keep eight-byte alignment on every guest width; plain ones on x86-64. */
#ifndef int64_aligned_t
#define int64_aligned_t int64_t
#endif
#ifndef uint64_aligned_t
#define uint64_aligned_t uint64_t
#endif

#else /* __ASSEMBLY__ */

/* An assembler has no typed constants. */
#define xen_mk_uint(x)   x
#define xen_mk_ulong(x)  x
#define xen_mk_ullong(x) x

#endif /* __ASSEMBLY__ */

#endif /* XEN_PUBLIC_XEN_COMPAT_H */
