/* SPDX-License-Identifier: MIT */
/*
 * Request/response rings in a shared page. The frontend produces requests, the backend consumes
 * them and produces responses into the same slots. All indices run freely and are masked on use;
 * the shared ones can be changed by the other side at any time, so each macro reads them exactly
 * once. Slots: take a private copy (RING_COPY_*) before looking at what an untrusted peer wrote.
 * The *_event indices say at which index the other side wants to be notified again.
 */
#ifndef XEN_PUBLIC_IO_RING_H
#define XEN_PUBLIC_IO_RING_H

#include "../xen-compat.h"

#include "../grant_table.h"

/* Memory barriers; define your own before this header if these do not suit. */
#ifndef xen_mb
#define xen_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif
#ifndef xen_rmb
#define xen_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#endif
#ifndef xen_wmb
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#endif

typedef unsigned int RING_IDX;

/* Largest power of two not above a 32-bit number, as a constant: fill up with ones, halve. */
#define __RD_FILL1(_x)  ((_x) | ((_x) >> 1))
#define __RD_FILL2(_x)  (__RD_FILL1(_x) | (__RD_FILL1(_x) >> 2))
#define __RD_FILL4(_x)  (__RD_FILL2(_x) | (__RD_FILL2(_x) >> 4))
#define __RD_FILL8(_x)  (__RD_FILL4(_x) | (__RD_FILL4(_x) >> 8))
#define __RD_FILL16(_x) (__RD_FILL8(_x) | (__RD_FILL8(_x) >> 16))
#define __RD32(_x)      (__RD_FILL16((uint32_t)(_x)) ^ (__RD_FILL16((uint32_t)(_x)) >> 1))

/* Slots of a ring of type _s in _sz bytes: by type name (a constant), and by pointer. */
#define __CONST_RING_SIZE(_s, _sz)                                                                 \
    ((size_t)__RD32(((_sz)-offsetof(struct _s##_sring, ring)) /                                    \
                    sizeof(((struct _s##_sring *)0)->ring[0])))
#define __RING_SIZE(_s, _sz)                                                                       \
    ((size_t)__RD32(((_sz) - (size_t)((const char *)(_s)->ring - (const char *)(_s))) /            \
                    sizeof((_s)->ring[0])))

/*
 * Define the ring types name_sring (the shared page), name_front_ring and name_back_ring (each
 * side's private view) for a request and a response type.
 */
#define DEFINE_RING_TYPES(__name, __req_t, __rsp_t)                                                \
    union __name##_sring_entry {                                                                   \
        __req_t req;                                                                               \
        __rsp_t rsp;                                                                               \
    };                                                                                             \
                                                                                                   \
    struct __name##_sring {                                                                        \
        RING_IDX req_prod, req_event; /* frontend writes req_prod, backend req_event */            \
        RING_IDX rsp_prod, rsp_event; /* backend writes rsp_prod, frontend rsp_event */            \
        union {                                                                                    \
            struct {                                                                               \
                uint8_t smartpoll_active;                                                          \
            } netif;                                                                               \
            struct {                                                                               \
                uint8_t msg;                                                                       \
            } tapif_user;                                                                          \
            uint8_t pvt_pad[4];                                                                    \
        } pvt;                                                                                     \
        uint8_t __pad[44];                                                                         \
        union __name##_sring_entry ring[1]; /* the rest of the page */                             \
    };                                                                                             \
                                                                                                   \
    struct __name##_front_ring {                                                                   \
        RING_IDX req_prod_pvt; /* requests written, perhaps not pushed yet */                      \
        RING_IDX rsp_cons;     /* responses taken */                                               \
        unsigned int nr_ents;  /* slots, a power of two */                                         \
        struct __name##_sring *sring;                                                              \
    };                                                                                             \
                                                                                                   \
    struct __name##_back_ring {                                                                    \
        RING_IDX rsp_prod_pvt; /* responses written, perhaps not pushed yet */                     \
        RING_IDX req_cons;     /* requests taken */                                                \
        unsigned int nr_ents;  /* slots, a power of two */                                         \
        struct __name##_sring *sring;                                                              \
    };                                                                                             \
                                                                                                   \
    typedef struct __name##_sring __name##_sring_t;                                                \
    typedef struct __name##_front_ring __name##_front_ring_t;                                      \
    typedef struct __name##_back_ring __name##_back_ring_t

/* An index that the other side may be writing. */
#define XEN_RING_LOAD_(_idx)        (*(const volatile RING_IDX *)&(_idx))
#define XEN_RING_STORE_(_idx, _val) (*(volatile RING_IDX *)&(_idx) = (_val))

static inline RING_IDX xen_ring_min_(RING_IDX a, RING_IDX b)
{
    return a < b ? a : b;
}

/* Prepare a new shared page (frontend). */
#define SHARED_RING_INIT(_s)                                                                       \
    do {                                                                                           \
        unsigned int __i;                                                                          \
        (_s)->req_prod = (_s)->rsp_prod = 0;                                                       \
        (_s)->req_event = (_s)->rsp_event = 1;                                                     \
        for (__i = 0; __i < sizeof((_s)->pvt.pvt_pad); __i++) {                                    \
            (_s)->pvt.pvt_pad[__i] = 0;                                                            \
        }                                                                                          \
        for (__i = 0; __i < sizeof((_s)->__pad); __i++) {                                          \
            (_s)->__pad[__i] = 0;                                                                  \
        }                                                                                          \
    } while (0)

/* Set up a private view of _s, a shared ring in __size bytes, as if _i slots had been used. */
#define FRONT_RING_ATTACH(_r, _s, _i, __size)                                                      \
    do {                                                                                           \
        (_r)->req_prod_pvt = (_i);                                                                 \
        (_r)->rsp_cons = (_i);                                                                     \
        (_r)->nr_ents = (unsigned int)__RING_SIZE(_s, __size);                                     \
        (_r)->sring = (_s);                                                                        \
    } while (0)
#define BACK_RING_ATTACH(_r, _s, _i, __size)                                                       \
    do {                                                                                           \
        (_r)->rsp_prod_pvt = (_i);                                                                 \
        (_r)->req_cons = (_i);                                                                     \
        (_r)->nr_ents = (unsigned int)__RING_SIZE(_s, __size);                                     \
        (_r)->sring = (_s);                                                                        \
    } while (0)
#define FRONT_RING_INIT(_r, _s, __size) FRONT_RING_ATTACH(_r, _s, 0, __size)
#define BACK_RING_INIT(_r, _s, __size)  BACK_RING_ATTACH(_r, _s, 0, __size)

/* Both at once, for a frontend. */
#define XEN_FRONT_RING_INIT(_r, _s, _size)                                                         \
    do {                                                                                           \
        SHARED_RING_INIT(_s);                                                                      \
        FRONT_RING_INIT(_r, _s, _size);                                                            \
    } while (0)

/* Slots of the ring; of a front ring: slots free for requests, and whether there are none. */
#define RING_SIZE(_r)          ((_r)->nr_ents)
#define RING_FREE_REQUESTS(_r) (RING_SIZE(_r) - ((_r)->req_prod_pvt - (_r)->rsp_cons))
#define RING_FULL(_r)          (RING_FREE_REQUESTS(_r) == 0)

/*
 * How many slots wait for this side. Requests are never counted beyond the slots whose responses
 * the backend still owes: a frontend that runs ahead gains nothing by it.
 */
#define XEN_RING_NR_UNCONSUMED_RESPONSES(_r)                                                       \
    (XEN_RING_LOAD_((_r)->sring->rsp_prod) - (_r)->rsp_cons)
#define XEN_RING_NR_UNCONSUMED_REQUESTS(_r)                                                        \
    xen_ring_min_(XEN_RING_LOAD_((_r)->sring->req_prod) - (_r)->req_cons,                          \
                  RING_SIZE(_r) - ((_r)->req_cons - (_r)->rsp_prod_pvt))

#ifdef XEN_RING_HAS_UNCONSUMED_IS_BOOL
#define RING_HAS_UNCONSUMED_RESPONSES(_r) (!!XEN_RING_NR_UNCONSUMED_RESPONSES(_r))
#define RING_HAS_UNCONSUMED_REQUESTS(_r)  (!!XEN_RING_NR_UNCONSUMED_REQUESTS(_r))
#else
#define RING_HAS_UNCONSUMED_RESPONSES(_r) XEN_RING_NR_UNCONSUMED_RESPONSES(_r)
#define RING_HAS_UNCONSUMED_REQUESTS(_r)  XEN_RING_NR_UNCONSUMED_REQUESTS(_r)
#endif

/* The slot of an index, in place. */
#define RING_GET_REQUEST(_r, _idx)  (&((_r)->sring->ring[((_idx) & (RING_SIZE(_r) - 1))].req))
#define RING_GET_RESPONSE(_r, _idx) (&((_r)->sring->ring[((_idx) & (RING_SIZE(_r) - 1))].rsp))

/*
 * Copy a slot to private memory, reading each byte of it exactly once: what is checked afterwards
 * is what is used afterwards. Plain assignment would let a compiler come back to the slot.
 */
typedef uint32_t __attribute__((may_alias)) xen_ring_word_t_;

static inline void xen_ring_copy_(void *dest, const volatile void *slot, size_t size)
{
    size_t i;

    if ((((uintptr_t)dest | (uintptr_t)slot | size) & 3) == 0) {
        for (i = 0; i < size / 4; i++) {
            ((xen_ring_word_t_ *)dest)[i] = ((const volatile xen_ring_word_t_ *)slot)[i];
        }
    } else {
        for (i = 0; i < size; i++) {
            ((unsigned char *)dest)[i] = ((const volatile unsigned char *)slot)[i];
        }
    }
}

/* Copy the slot of an index to *_dest. */
#define RING_COPY_(_type, _r, _idx, _dest)                                                         \
    xen_ring_copy_((_dest), RING_GET_##_type(_r, _idx), sizeof(*(_dest)))
#define RING_COPY_REQUEST(_r, _idx, _req)  RING_COPY_(REQUEST, _r, _idx, _req)
#define RING_COPY_RESPONSE(_r, _idx, _rsp) RING_COPY_(RESPONSE, _r, _idx, _rsp)

/* Has the peer (or the caller) an index that cannot be? */
#define RING_REQUEST_CONS_OVERFLOW(_r, _cons)  (((_cons) - (_r)->rsp_prod_pvt) >= RING_SIZE(_r))
#define RING_REQUEST_PROD_OVERFLOW(_r, _prod)  (((_prod) - (_r)->rsp_prod_pvt) > RING_SIZE(_r))
#define RING_RESPONSE_PROD_OVERFLOW(_r, _prod) (((_prod) - (_r)->rsp_cons) > RING_SIZE(_r))

/* Publish what has been written. The barrier orders it before the index. */
#define RING_PUSH_REQUESTS(_r)                                                                     \
    do {                                                                                           \
        xen_wmb();                                                                                 \
        XEN_RING_STORE_((_r)->sring->req_prod, (_r)->req_prod_pvt);                                \
    } while (0)
#define RING_PUSH_RESPONSES(_r)                                                                    \
    do {                                                                                           \
        xen_wmb();                                                                                 \
        XEN_RING_STORE_((_r)->sring->rsp_prod, (_r)->rsp_prod_pvt);                                \
    } while (0)

/*
 * Publish, and say whether the peer asked to be notified of any of it: its event index lies in the
 * range just published. The barrier orders our index before the look at its.
 */
#define XEN_RING_PUSH_(_prod, _pvt, _event, _notify)                                               \
    do {                                                                                           \
        RING_IDX __old = (_prod);                                                                  \
        RING_IDX __new = (_pvt);                                                                   \
        xen_wmb();                                                                                 \
        XEN_RING_STORE_(_prod, __new);                                                             \
        xen_mb();                                                                                  \
        (_notify) = ((RING_IDX)(__new - XEN_RING_LOAD_(_event)) < (RING_IDX)(__new - __old));      \
    } while (0)
#define RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(_r, _notify)                                           \
    XEN_RING_PUSH_((_r)->sring->req_prod, (_r)->req_prod_pvt, (_r)->sring->req_event, _notify)
#define RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(_r, _notify)                                          \
    XEN_RING_PUSH_((_r)->sring->rsp_prod, (_r)->rsp_prod_pvt, (_r)->sring->rsp_event, _notify)

/*
 * Before going to sleep: is there work? If not, ask for a notification and look once more, since
 * the peer may have published between the two.
 */
#define XEN_RING_FINAL_CHECK_(_count, _event, _cons, _work_to_do)                                  \
    do {                                                                                           \
        (_work_to_do) = (_count);                                                                  \
        if (!(_work_to_do)) {                                                                      \
            XEN_RING_STORE_(_event, (_cons) + 1);                                                  \
            xen_mb();                                                                              \
            (_work_to_do) = (_count);                                                              \
        }                                                                                          \
    } while (0)
#define RING_FINAL_CHECK_FOR_REQUESTS(_r, _work_to_do)                                             \
    XEN_RING_FINAL_CHECK_(RING_HAS_UNCONSUMED_REQUESTS(_r), (_r)->sring->req_event,                \
                          (_r)->req_cons, _work_to_do)
#define RING_FINAL_CHECK_FOR_RESPONSES(_r, _work_to_do)                                            \
    XEN_RING_FINAL_CHECK_(RING_HAS_UNCONSUMED_RESPONSES(_r), (_r)->sring->rsp_event,               \
                          (_r)->rsp_cons, _work_to_do)

#endif /* XEN_PUBLIC_IO_RING_H */
