/* SPDX-License-Identifier: MIT */
/* SOURCES: hypervisor/event/evtchn_2l.c */
/*
 * The two-level event bits against a model that keeps pending, mask and selector as arrays of bool: random operations, and
 * after each the upcall decision and every bit must agree.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "event/evtchn_2l.h"

#define PORTS EVTCHN_2L_PORTS

struct model {
    bool pending[PORTS], mask[PORTS], sel[PORTS / 64];
};

static struct shared_info shared;
static struct vcpu_info vi;
static struct model m;

static void setup(void)
{
    memset(&shared, 0, sizeof(shared));
    memset(&vi, 0, sizeof(vi));
    memset(&m, 0, sizeof(m));
}

static bool model_set_pending(uint32_t port)
{
    bool raise;

    if (m.pending[port]) {
        return false;
    }
    m.pending[port] = true;
    raise = !m.mask[port] && !m.sel[port / 64];
    m.sel[port / 64] |= !m.mask[port];
    return raise;
}

static bool model_unmask(uint32_t port)
{
    bool was = m.mask[port], raise;

    m.mask[port] = false;
    raise = was && m.pending[port] && !m.sel[port / 64];
    m.sel[port / 64] |= was && m.pending[port];
    return raise;
}

static void compare(void)
{
    unsigned int wrong = 0;

    for (uint32_t p = 0; p < PORTS; p++) {
        wrong += evtchn_2l_is_pending(&shared, p) != m.pending[p];
        wrong += evtchn_2l_is_masked(&shared, p) != m.mask[p];
    }
    for (uint32_t w = 0; w < PORTS / 64; w++) {
        wrong += (vi.evtchn_pending_sel >> w & 1) != m.sel[w];
    }
    ck_assert_uint_eq(wrong, 0);
}

START_TEST(random_operations_agree_with_the_model)
{
    srand(4242);
    for (int i = 0; i < 20000; i++) {
        /* Few ports, so that words and selectors are shared often; some at the edges. */
        static const uint32_t edge[] = {1, 63, 64, 127, 4032, 4095};
        uint32_t port = edge[(unsigned)rand() % 6];

        switch (rand() % 5) {
        case 0:
        case 1:
            ck_assert_int_eq(evtchn_2l_set_pending(&shared, &vi, port), model_set_pending(port));
            break;
        case 2:
            ck_assert_int_eq(evtchn_2l_unmask(&shared, &vi, port), model_unmask(port));
            break;
        case 3: /* the guest masks */
            shared.evtchn_mask[port / 64] |= 1ul << port % 64;
            m.mask[port] = true;
            break;
        default: /* the guest handles: selector, then the pending bit */
            vi.evtchn_pending_sel &= ~(1ul << port / 64);
            m.sel[port / 64] = false;
            evtchn_2l_clear_pending(&shared, port);
            m.pending[port] = false;
            break;
        }
        if (i % 100 == 0) {
            compare();
        }
    }
    compare();
}
END_TEST

START_TEST(masked_port_is_pending_but_silent_until_unmasked)
{
    shared.evtchn_mask[1] = 1ul << 6;
    ck_assert(!evtchn_2l_set_pending(&shared, &vi, 70));
    ck_assert(evtchn_2l_is_pending(&shared, 70));
    ck_assert_uint_eq(vi.evtchn_pending_sel, 0);
    ck_assert(evtchn_2l_unmask(&shared, &vi, 70));
    ck_assert_uint_eq(vi.evtchn_pending_sel, 2);
    ck_assert(!evtchn_2l_unmask(&shared, &vi, 70));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("evtchn_2l");
    TCase *t = tcase_create("bits");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, random_operations_agree_with_the_model);
    tcase_add_test(t, masked_port_is_pending_but_silent_until_unmasked);
    suite_add_tcase(s, t);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
