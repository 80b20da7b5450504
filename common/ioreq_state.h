/* SPDX-License-Identifier: MIT */
/*
 * The state of a request slot, which two parties change in turns: it is a half of a byte (<xen/hvm/ioreq.h>), and the byte is
 * what is loaded and stored at once. Invariant: everything else of the slot belongs to the one whose turn it is.
 */
#ifndef COMMON_IOREQ_STATE_H
#define COMMON_IOREQ_STATE_H

#include <stddef.h>
#include <xen/hvm/ioreq.h>

#define IOREQ_STATE_BYTE 30u
#define IOREQ_STATE_BITS 0xfu
#define IOREQ_DIR_SHIFT  5u
_Static_assert(offsetof(struct ioreq, type) == IOREQ_STATE_BYTE + 1 && sizeof(struct ioreq) == 32,
               "the state's byte");

static inline unsigned int ioreq_state(const struct ioreq *r)
{
    return __atomic_load_n((const uint8_t *)r + IOREQ_STATE_BYTE, __ATOMIC_ACQUIRE) &
           IOREQ_STATE_BITS;
}

/* Hands the slot over: what was written to it before is seen by whoever sees the state. */
static inline void ioreq_state_set(struct ioreq *r, unsigned int state, unsigned int dir)
{
    __atomic_store_n((uint8_t *)r + IOREQ_STATE_BYTE, (uint8_t)(state | dir << IOREQ_DIR_SHIFT),
                     __ATOMIC_RELEASE);
}

/*
 * The request's number among its vCPU's, in the field that is padding otherwise; 0: the hypervisor gives none. One that is
 * asked a second time has the number of the first.
 */
static inline uint16_t ioreq_number(const struct ioreq *r)
{
    return r->_pad0;
}

static inline void ioreq_number_set(struct ioreq *r, uint16_t number)
{
    r->_pad0 = number;
}

#endif
