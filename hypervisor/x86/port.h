/* SPDX-License-Identifier: MIT */
/* Port input and output. */
#ifndef X86_PORT_H
#define X86_PORT_H

#include <stdint.h>

static inline void outb(uint16_t port, uint8_t v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}
static inline void outw(uint16_t port, uint16_t v)
{
    __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}
static inline void outl(uint16_t port, uint32_t v)
{
    __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}
static inline uint8_t inb(uint16_t port)
{
    uint8_t v;

    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline uint16_t inw(uint16_t port)
{
    uint16_t v;

    __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}
static inline uint32_t inl(uint16_t port)
{
    uint32_t v;

    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

/* One, two or four bytes. */
static inline uint32_t port_in(uint16_t port, unsigned int nr_bytes)
{
    return nr_bytes == 1 ? inb(port) : nr_bytes == 2 ? inw(port) : inl(port);
}
static inline void port_out(uint16_t port, unsigned int nr_bytes, uint32_t value)
{
    if (nr_bytes == 1) {
        outb(port, (uint8_t)value);
    } else if (nr_bytes == 2) {
        outw(port, (uint16_t)value);
    } else {
        outl(port, value);
    }
}

#endif
