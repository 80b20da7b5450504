/* SPDX-License-Identifier: MIT */
/*
 * Instructions that touch state which a guest has loaded while the hypervisor runs: GS bases, data selectors, debug
 * registers, CR0.TS. The hypervisor itself uses none of it, so these may be issued wherever a guest's state is loaded.
 */
#ifndef X86_GUEST_STATE_H
#define X86_GUEST_STATE_H

#include <stdint.h>

/* Exchange the GS base with that of MSR_KERNEL_GS_BASE, where the base of the guest's other mode waits. */
static inline void swapgs(void)
{
    __asm__ volatile("swapgs" : : : "memory");
}

#define DEFINE_READ_SELECTOR(reg)                                                                  \
    static inline uint16_t read_selector_##reg(void)                                               \
    {                                                                                              \
        uint32_t sel;                                                                              \
                                                                                                   \
        __asm__ volatile("mov %%" #reg ", %0" : "=r"(sel));                                        \
        return (uint16_t)sel;                                                                      \
    }
DEFINE_READ_SELECTOR(ds)
DEFINE_READ_SELECTOR(es)
DEFINE_READ_SELECTOR(fs)
DEFINE_READ_SELECTOR(gs)
#undef DEFINE_READ_SELECTOR

#define DEFINE_WRITE_DR(n)                                                                         \
    static inline void write_dr##n(uint64_t v)                                                     \
    {                                                                                              \
        __asm__ volatile("mov %0, %%dr" #n : : "r"(v));                                            \
    }
DEFINE_WRITE_DR(0)
DEFINE_WRITE_DR(1)
DEFINE_WRITE_DR(2)
DEFINE_WRITE_DR(3)
DEFINE_WRITE_DR(7)
#undef DEFINE_WRITE_DR

#define DEFINE_READ_DR(n)                                                                          \
    static inline uint64_t read_dr##n(void)                                                        \
    {                                                                                              \
        uint64_t v;                                                                                \
                                                                                                   \
        __asm__ volatile("mov %%dr" #n ", %0" : "=r"(v));                                          \
        return v;                                                                                  \
    }
DEFINE_READ_DR(0)
DEFINE_READ_DR(1)
DEFINE_READ_DR(2)
DEFINE_READ_DR(3)
#undef DEFINE_READ_DR

/* Clear CR0.TS. */
static inline void clts(void)
{
    __asm__ volatile("clts" : : : "memory");
}

#endif
