/* SPDX-License-Identifier: MIT */
/*
 * Registration of a guest's entry points: what is stored can be entered (canonical, not the hypervisor's, RPL 3), memory is
 * taken only for groups of vectors that are used, and all of it is given back.
 */
/* SOURCES: hypervisor/pv/callbacks.c hypervisor/pv/frame.c hypervisor/pv/segments.c */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/errno.h"
#include "mm/hv_alloc.h"
#include "pv/callbacks.h"

#define GOOD   0xffffffff81000000ul
#define NO_VA  0x0000800000000000ul
#define HV_VA  0xffff830000000000ul

static int nr_allocated;
static bool fail_alloc;

void *hv_alloc(size_t bytes)
{
    if (fail_alloc) {
        return NULL;
    }
    nr_allocated++;
    return calloc(1, bytes);
}

void hv_free(void *p)
{
    nr_allocated -= p != NULL;
    free(p);
}

static struct vcpu vcpu;

static void setup(void)
{
    memset(&vcpu, 0, sizeof(vcpu));
    nr_allocated = 0;
    fail_alloc = false;
}

static int set(uint8_t vector, uint8_t flags, uint16_t cs, uint64_t address)
{
    const struct trap_info info = {.vector = vector, .flags = flags, .cs = cs, .address = address};

    return trap_set(&vcpu, &info);
}

START_TEST(every_vector)
{
    unsigned int i;

    for (i = 0; i < 256; i++) {
        ck_assert_int_eq(set((uint8_t)i, (uint8_t)(i & 7), 0x10, GOOD + i), 0);
    }
    ck_assert_int_eq(nr_allocated, 8);
    for (i = 0; i < 256; i++) {
        const struct guest_trap *trap = trap_entry(&vcpu, i);

        ck_assert_uint_eq(trap->addr, GOOD + i);
        ck_assert_uint_eq(trap->cs, 0x13);
        ck_assert_uint_eq(trap->dpl, i & 3);
        ck_assert_uint_eq(trap->mask_events, (i & 4) != 0);
    }
    trap_clear_all(&vcpu);
    ck_assert_int_eq(nr_allocated, 0);
    ck_assert_ptr_null(trap_entry(&vcpu, 14));
}
END_TEST

START_TEST(refused_and_free)
{
    ck_assert_int_eq(set(14, 0, 0xe033, NO_VA), -EINVAL);
    ck_assert_int_eq(set(14, 0, 0xe033, HV_VA), -EINVAL);
    ck_assert_int_eq(set(14, 0, 0xe008, GOOD), -EINVAL);
    ck_assert_int_eq(set(200, 0, 0, 0), 0); /* nothing to remember */
    ck_assert_int_eq(nr_allocated, 0);
    fail_alloc = true;
    ck_assert_int_eq(set(14, 0, 0xe033, GOOD), -ENOMEM);
    fail_alloc = false;
    ck_assert_int_eq(set(14, 0, 0xe033, GOOD), 0);
    ck_assert_int_eq(set(14, 0, 0xe033, NO_VA), -EINVAL);
    ck_assert_uint_eq(trap_entry(&vcpu, 14)->addr, GOOD);
    ck_assert_int_eq(set(14, 0, 0, 0), 0);
    ck_assert_uint_eq(trap_entry(&vcpu, 14)->addr, 0);
    trap_clear_all(&vcpu);
}
END_TEST

START_TEST(software_interrupts)
{
    unsigned int dpl;

    for (dpl = 0; dpl < 4; dpl++) {
        ck_assert_int_eq(set(0x80, (uint8_t)dpl, 0xe033, GOOD), 0);
        vcpu.guest_kernel = 0;
        ck_assert_uint_eq(trap_allows_int(&vcpu, 0x80), dpl == 3);
        vcpu.guest_kernel = 1;
        ck_assert_uint_eq(trap_allows_int(&vcpu, 0x80), dpl >= 1);
    }
    ck_assert(!trap_allows_int(&vcpu, 0x20)); /* never set */
    ck_assert(!trap_allows_int(&vcpu, 0x81)); /* beside one that is */
    trap_clear_all(&vcpu);
}
END_TEST

START_TEST(callbacks)
{
    ck_assert_int_eq(callback_register(&vcpu, CALLBACKTYPE_event, 0, GOOD), 0);
    ck_assert_int_eq(callback_register(&vcpu, CALLBACKTYPE_syscall, CALLBACKF_mask_events, GOOD + 1), 0);
    ck_assert_int_eq(callback_register(&vcpu, CALLBACKTYPE_event, 0, NO_VA), -EINVAL);
    ck_assert_int_eq(callback_register(&vcpu, CALLBACKTYPE_event, 0, HV_VA), -EINVAL);
    ck_assert_int_eq(callback_register(&vcpu, 6, 0, GOOD), -ENOSYS);
    ck_assert_uint_eq(vcpu.pv.event.addr, GOOD);
    ck_assert(!vcpu.pv.event.mask_events);
    ck_assert(vcpu.pv.syscall.mask_events);
    ck_assert_int_eq(callback_unregister(&vcpu, CALLBACKTYPE_event), -EINVAL);
    ck_assert_int_eq(callback_unregister(&vcpu, 6), -ENOSYS);
    ck_assert_int_eq(callback_register(&vcpu, CALLBACKTYPE_nmi, 0, GOOD), 0);
    ck_assert_uint_eq(trap_entry(&vcpu, 2)->addr, GOOD);
    ck_assert(trap_entry(&vcpu, 2)->mask_events);
    ck_assert_int_eq(callback_unregister(&vcpu, CALLBACKTYPE_nmi), 0);
    ck_assert_uint_eq(trap_entry(&vcpu, 2)->addr, 0);
    vcpu.id = 1;
    ck_assert_int_eq(callback_register(&vcpu, CALLBACKTYPE_nmi, 0, GOOD), -EINVAL);
    trap_clear_all(&vcpu);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("callbacks");
    TCase *tcase = tcase_create("callbacks");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, every_vector);
    tcase_add_test(tcase, refused_and_free);
    tcase_add_test(tcase, software_interrupts);
    tcase_add_test(tcase, callbacks);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
