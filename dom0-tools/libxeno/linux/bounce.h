/* SPDX-License-Identifier: MIT */
/*
 * Hypercall arguments in memory that the hypervisor can always reach: each structure that an argument points to, and each
 * buffer that such a structure points to, is copied into an arena, and back afterwards. Ordinary process memory may be moved
 * or paged out by the kernel at any moment, and the hypercall would see -EFAULT half-way. Pure: a table by hypercall number.
 */
#ifndef LIBXENO_LINUX_BOUNCE_H
#define LIBXENO_LINUX_BOUNCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOUNCE_ITEMS   4u
#define BOUNCE_HANDLES 3u

struct bounce {
    uint8_t *arena; /* locked memory, 16-byte aligned */
    size_t size, used;
    unsigned int nr_items, nr_handles;
    struct bounce_item {
        void *user, *copy;
        size_t n;
        bool back; /* the hypervisor writes it */
    } item[BOUNCE_ITEMS];
    struct bounce_handle {
        void *field; /* in the caller's structure */
        uint64_t value;
    } handle[BOUNCE_HANDLES];
};

/* Replace the pointers in arg[] by the arena's. 0; -ENOSYS for a call that is not in the table, -ENOBUFS if it does not fit. */
int bounce_in(struct bounce *b, unsigned int nr, uint64_t arg[4]);
/* After the call: what the hypervisor has written goes to the caller's memory, whose own pointers stay what they were. */
void bounce_out(struct bounce *b);

#endif
