/* SPDX-License-Identifier: MIT */
/*
 * Compiler vocabulary shared by every room: attributes, array length, container_of, min/max and rounding.
 * Pure: nothing here depends on the hypervisor, the guest or the host.
 */
#ifndef COMMON_COMPILER_H
#define COMMON_COMPILER_H

#include <stddef.h>
#include <stdint.h>

#define __must_check       __attribute__((warn_unused_result))
#define __packed_struct    __attribute__((packed))
#define __aligned_to(n)    __attribute__((aligned(n)))
#define __noreturn_fn      __attribute__((noreturn))
#define __printf_like(f, a) __attribute__((format(printf, f, a)))
#define __section_named(s) __attribute__((section(s)))
#define __cold_fn          __attribute__((cold))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

#define MIN(a, b)                                                                                  \
    ({                                                                                             \
        __typeof__(a) min_a_ = (a);                                                                \
        __typeof__(b) min_b_ = (b);                                                                \
        min_a_ < min_b_ ? min_a_ : min_b_;                                                         \
    })
#define MAX(a, b)                                                                                  \
    ({                                                                                             \
        __typeof__(a) max_a_ = (a);                                                                \
        __typeof__(b) max_b_ = (b);                                                                \
        max_a_ > max_b_ ? max_a_ : max_b_;                                                         \
    })

/* align is a power of two. */
#define ALIGN_UP(x, align)   (((x) + ((__typeof__(x))(align)-1)) & ~((__typeof__(x))(align)-1))
#define ALIGN_DOWN(x, align) ((x) & ~((__typeof__(x))(align)-1))

/* One single load or store that the compiler neither splits, repeats nor drops. */
#define READ_ONCE(x)     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

#endif
