/* SPDX-License-Identifier: MIT */
/*
 * Exercises the macros of the public headers that work on memory: rings, handles, trap flags, walks
 * over records. It is built against our headers and against another set of them; both programs must
 * print the same. Random steps come from a fixed seed, so that a difference can be repeated.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/xen.h>

#include <xen/arch-x86/xen-mca.h>
#include <xen/io/blkif.h>
#include <xen/io/netif.h>
#include <xen/io/xs_wire.h>
#include <xen/memory.h>

#ifndef xen_mb
#define xen_mb()  __sync_synchronize()
#define xen_rmb() __sync_synchronize()
#define xen_wmb() __sync_synchronize()
#endif

#define RING_PAGES_MAX 4
#define PAGE_BYTES     4096

static uint64_t random_state;

static unsigned int random_below(unsigned int limit)
{
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned int)(random_state >> 33) % limit;
}

/* A front and a back end of one ring, and what each has been told. */
struct pair {
    union {
        blkif_sring_t ring;
        unsigned char bytes[RING_PAGES_MAX * PAGE_BYTES];
    } shared;
    blkif_front_ring_t front;
    blkif_back_ring_t back;
    uint64_t next_id;
};

static struct pair pair;

static void print_rings(const char *what)
{
    const blkif_sring_t *s = &pair.shared.ring;

    printf("%s: shared %u %u %u %u, front %u %u of %u, back %u %u of %u\n", what, s->req_prod,
           s->req_event, s->rsp_prod, s->rsp_event, pair.front.req_prod_pvt, pair.front.rsp_cons,
           pair.front.nr_ents, pair.back.rsp_prod_pvt, pair.back.req_cons, pair.back.nr_ents);
}

static void produce_requests(void)
{
    unsigned int count = random_below(RING_SIZE(&pair.front) + 1);
    int notify = -1;

    while (count-- > 0 && !RING_FULL(&pair.front)) {
        blkif_request_t *slot = RING_GET_REQUEST(&pair.front, pair.front.req_prod_pvt);

        slot->id = pair.next_id++;
        slot->operation = (uint8_t)random_below(7);
        pair.front.req_prod_pvt++;
    }
    if (random_below(4) == 0) {
        RING_PUSH_REQUESTS(&pair.front);
    } else {
        RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&pair.front, notify);
    }
    printf("pushed requests, notify %d, free %u, unconsumed %u, some %d\n", notify,
           RING_FREE_REQUESTS(&pair.front), XEN_RING_NR_UNCONSUMED_REQUESTS(&pair.back),
           RING_HAS_UNCONSUMED_REQUESTS(&pair.back) != 0);
}

static void serve_requests(void)
{
    unsigned int count = random_below(RING_SIZE(&pair.back) + 1);
    blkif_request_t request;
    int notify = -1, more = -1;

    while (count-- > 0 && RING_HAS_UNCONSUMED_REQUESTS(&pair.back) &&
           !RING_REQUEST_CONS_OVERFLOW(&pair.back, pair.back.req_cons)) {
        blkif_response_t *slot;

        memset(&request, 0, sizeof(request));
        RING_COPY_REQUEST(&pair.back, pair.back.req_cons, &request);
        pair.back.req_cons++;
        slot = RING_GET_RESPONSE(&pair.back, pair.back.rsp_prod_pvt);
        slot->id = request.id;
        slot->operation = request.operation;
        slot->status = (int16_t)(0 - (int)random_below(3));
        pair.back.rsp_prod_pvt++;
    }
    if (random_below(4) == 0) {
        RING_PUSH_RESPONSES(&pair.back);
    } else {
        RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(&pair.back, notify);
    }
    RING_FINAL_CHECK_FOR_REQUESTS(&pair.back, more);
    printf("pushed responses, notify %d, more %d\n", notify, more != 0);
}

static void take_responses(void)
{
    unsigned int count = random_below(RING_SIZE(&pair.front) + 1);
    int more = -1;

    while (count-- > 0 && RING_HAS_UNCONSUMED_RESPONSES(&pair.front)) {
        blkif_response_t response;

        RING_COPY_RESPONSE(&pair.front, pair.front.rsp_cons, &response);
        pair.front.rsp_cons++;
        printf("response %llu op %u status %d\n", (unsigned long long)response.id,
               response.operation, response.status);
    }
    RING_FINAL_CHECK_FOR_RESPONSES(&pair.front, more);
    printf("took responses, more %d, waiting %u\n", more != 0,
           XEN_RING_NR_UNCONSUMED_RESPONSES(&pair.front));
}

/* What a ring says of indices that a peer has no business to write. */
static void print_overflows(void)
{
    unsigned int near[] = {0, 1, 31, 32, 33, 63, 64, 65, 0x80000000u, 0xffffffffu};
    unsigned int i;

    for (i = 0; i < sizeof(near) / sizeof(near[0]); i++) {
        RING_IDX request = pair.back.rsp_prod_pvt + near[i];
        RING_IDX response = pair.front.rsp_cons + near[i];

        printf("%u: %d %d %d\n", near[i], RING_REQUEST_CONS_OVERFLOW(&pair.back, request),
               RING_REQUEST_PROD_OVERFLOW(&pair.back, request),
               RING_RESPONSE_PROD_OVERFLOW(&pair.front, response));
    }
}

static void run_ring(unsigned int pages, RING_IDX start)
{
    size_t size = pages * PAGE_BYTES;
    unsigned int i;

    memset(&pair, 0xa5, sizeof(pair));
    pair.next_id = 1;
    if (start == 0) {
        XEN_FRONT_RING_INIT(&pair.front, &pair.shared.ring, size);
        BACK_RING_INIT(&pair.back, &pair.shared.ring, size);
        FRONT_RING_INIT(&pair.front, &pair.shared.ring, size);
    } else {
        SHARED_RING_INIT(&pair.shared.ring);
        pair.shared.ring.req_prod = pair.shared.ring.rsp_prod = start;
        pair.shared.ring.req_event = pair.shared.ring.rsp_event = start + 1;
        FRONT_RING_ATTACH(&pair.front, &pair.shared.ring, start, size);
        BACK_RING_ATTACH(&pair.back, &pair.shared.ring, start, size);
    }
    printf("ring of %u pages: %u slots\n", pages,
           (unsigned int)__RING_SIZE(&pair.shared.ring, size));
    print_rings("start");
    for (i = 0; i < sizeof(pair.shared.ring.pvt.pvt_pad); i++) {
        printf("%u ", pair.shared.ring.pvt.pvt_pad[i]);
    }
    for (i = 0; i < sizeof(pair.shared.ring.__pad); i++) {
        printf("%u ", pair.shared.ring.__pad[i]);
    }
    printf("\n");
    for (i = 0; i < 400; i++) {
        switch (random_below(3)) {
        case 0:
            produce_requests();
            break;
        case 1:
            serve_requests();
            break;
        default:
            take_responses();
            break;
        }
        print_rings("now");
    }
    print_overflows();
}

DEFINE_RING_TYPES(tiny, struct netif_tx_response, uint8_t);

/* A type that DEFINE_RING_TYPES makes for others than us, odd sizes included. */
static void run_tiny_ring(void)
{
    static union {
        tiny_sring_t ring;
        unsigned char bytes[PAGE_BYTES];
    } page;
    tiny_front_ring_t front;
    struct netif_tx_response request = {7, -1}, copy;
    uint8_t response = 99, byte;
    unsigned int i;

    for (i = 0; i < sizeof(page.bytes); i++) {
        page.bytes[i] = (unsigned char)(i * 7);
    }
    SHARED_RING_INIT(&page.ring);
    FRONT_RING_INIT(&front, &page.ring, PAGE_BYTES);
    *RING_GET_REQUEST(&front, 5) = request;
    *RING_GET_RESPONSE(&front, 6 + RING_SIZE(&front)) = response;
    RING_COPY_REQUEST(&front, 5, &copy);
    RING_COPY_RESPONSE(&front, 6, &byte);
    RING_COPY_(REQUEST, &front, 5 + RING_SIZE(&front), &request);
    printf("tiny: %zu %zu %u, %d %d, %u, %d\n", sizeof(tiny_sring_t), offsetof(tiny_sring_t, ring),
           front.nr_ents, copy.id, copy.status, byte, request.id);
}

struct thing {
    int a;
};
typedef struct thing thing_t;
DEFINE_XEN_GUEST_HANDLE(thing_t);
__DEFINE_XEN_GUEST_HANDLE(thing_alias, struct thing);
___DEFINE_XEN_GUEST_HANDLE(thing_only, thing_t);

static void run_handles(void)
{
    thing_t thing = {3};
    XEN_GUEST_HANDLE(thing_t) plain;
    XEN_GUEST_HANDLE(const_thing_t) constant;
    __XEN_GUEST_HANDLE(thing_alias) alias;
    XEN_GUEST_HANDLE_64(const_thing_alias) wide;
    XEN_GUEST_HANDLE_PARAM(thing_only) only;

    set_xen_guest_handle(plain, &thing);
    set_xen_guest_handle(constant, &thing);
    set_xen_guest_handle_raw(alias, &thing);
    set_xen_guest_handle(wide, &thing);
    set_xen_guest_handle(only, &thing);
    plain.p->a += 4;
    printf("handles: %d %d %d %d %d\n", plain.p->a, constant.p->a, alias.p->a, wide.p->a,
           only.p->a);
}

static void run_traps(void)
{
    unsigned int flags, dpl;

    for (flags = 0; flags < 8; flags++) {
        for (dpl = 0; dpl < 4; dpl++) {
            struct trap_info t = {3, (uint8_t)flags, 0xe033, 0x1000};

            TI_SET_DPL(&t, dpl);
            printf("%u %d %d ", t.flags, TI_GET_DPL(&t), TI_GET_IF(&t));
            TI_SET_IF(&t, dpl);
            printf("%u; ", t.flags);
        }
    }
    printf("\n");
}

static void run_records(void)
{
    struct mc_info info;
    struct mcinfo_common *record;
    struct mcinfo_bank bank;
    unsigned int i;

    memset(&info, 0, sizeof(info));
    memset(&bank, 0, sizeof(bank));
    bank.common.type = MC_TYPE_BANK;
    bank.common.size = sizeof(bank);
    info.mi_nentries = 3;
    for (i = 0; i < 3; i++) {
        bank.mc_bank = (uint16_t)(i + 10);
        memcpy((char *)info.mi_data + i * sizeof(bank), &bank, sizeof(bank));
    }
    record = x86_mcinfo_first(&info);
    for (i = 0; i < x86_mcinfo_nentries(&info); i++) {
        printf("record %u %u %u\n", record->type, record->size,
               ((struct mcinfo_bank *)(void *)record)->mc_bank);
        record = x86_mcinfo_next(record);
    }
}

static int by_number(const void *a, const void *b)
{
    return ((const struct xsd_errors *)a)->errnum - ((const struct xsd_errors *)b)->errnum;
}

static void run_values(void)
{
    xen_uuid_t uuid = XEN_DEFINE_UUID(0x01234567, 0x89ab, 0xcdef, 0xfedc, 1, 2, 3, 4, 5, 6);
    xen_uuid_t again = XEN_DEFINE_UUID_(0x01234567, 0x89ab, 0xcdef, 0xfedc, 1, 2, 3, 4, 5, 6);
    struct xsd_errors errors[sizeof(xsd_errors) / sizeof(xsd_errors[0])];
    struct xsd_errors made = XSD_ERROR(ENOENT);
    uint64_t field = 1;
    unsigned int i;

    XENMEM_SHARING_OP_FIELD_MAKE_GREF(field, 0x11);
    printf("reference %llx, %s %d\nuuid ", (unsigned long long)field, made.errstring, made.errnum);
    for (i = 0; i < sizeof(uuid.a); i++) {
        printf("%02x%02x ", uuid.a[i], again.a[i]);
    }
    /* The order of the list means nothing, so it need not be the same. */
    memcpy(errors, xsd_errors, sizeof(errors));
    qsort(errors, sizeof(errors) / sizeof(errors[0]), sizeof(errors[0]), by_number);
    for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        printf("\n%d %s", errors[i].errnum, errors[i].errstring);
    }
    printf("\n");
}

int main(void)
{
    random_state = 4711;
    run_ring(1, 0);
    run_ring(4, 0);
    run_ring(1, 0xfffffff0u);
    run_ring(2, 0x7ffffff3u);
    run_tiny_ring();
    run_handles();
    run_traps();
    run_records();
    run_values();
    return 0;
}
