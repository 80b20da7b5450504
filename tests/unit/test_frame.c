/* SPDX-License-Identifier: MIT */
/*
 * Guest frames: each kind word by word, then properties over random contexts: a frame that a guest hands back unchanged
 * restores what was interrupted, and nothing that a guest writes into an iret frame or a context reaches the hardware
 * with more than ring 3 may have.
 */
/* SOURCES: hypervisor/pv/frame.c hypervisor/pv/segments.c */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "pv/frame.h"
#include "pv/segments.h"

static uint64_t seed = 0x853c49e6748fea9b;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static const struct frame_source kernel_source = {
    .rip = 0xffffffff81000010,
    .rflags = 0x3297, /* IOPL 3 would be the hypervisor's mistake; it must not be shown */
    .rsp = 0xffffffff82003ff8,
    .rcx = 0xc0,
    .r11 = 0x11,
    .cs = 0xe033,
    .ss = 0xe02b,
    .kernel = true,
    .upcall_mask = false,
    .kernel_sp = 0xffffc90000008000,
};

START_TEST(exception_from_kernel)
{
    struct frame f;

    frame_build(&kernel_source, true, 0xbeef, &f);
    ck_assert_uint_eq(f.nr, 8);
    ck_assert_uint_eq(f.word[0], 0xc0);
    ck_assert_uint_eq(f.word[1], 0x11);
    ck_assert_uint_eq(f.word[2], 0xbeef);
    ck_assert_uint_eq(f.word[3], 0xffffffff81000010);
    ck_assert_uint_eq(f.word[4], 0xe030); /* RPL 0: this was the kernel */
    ck_assert_uint_eq(f.word[5], 0x297);  /* IF: events were not masked */
    ck_assert_uint_eq(f.word[6], 0xffffffff82003ff8);
    ck_assert_uint_eq(f.word[7], 0xe02b);
    ck_assert_uint_eq(f.rsp, 0xffffffff82003ff0 - 64);
}
END_TEST

START_TEST(event_from_user)
{
    struct frame_source src = kernel_source;
    struct frame f;

    src.kernel = false;
    src.upcall_mask = true;
    src.iopl = 1;
    src.cs = 0x33;
    src.ss = 0x2b;
    frame_build(&src, false, 0, &f);
    ck_assert_uint_eq(f.nr, 7);
    ck_assert_uint_eq(f.word[2], src.rip);
    ck_assert_uint_eq(f.word[3], 0x100000033);
    ck_assert_uint_eq(f.word[4], 0x1097); /* IF clear: masked; virtual IOPL */
    ck_assert_uint_eq(f.word[6], 0x2b);
    ck_assert_uint_eq(f.rsp, src.kernel_sp - 56);
}
END_TEST

START_TEST(failsafe)
{
    struct frame f;

    frame_build_failsafe(&kernel_source, 1, 2, 3, 4, &f);
    ck_assert_uint_eq(f.nr, 11);
    ck_assert_uint_eq(f.word[1], 0x11);
    ck_assert_uint_eq(f.word[2], 1);
    ck_assert_uint_eq(f.word[3], 2);
    ck_assert_uint_eq(f.word[4], 3);
    ck_assert_uint_eq(f.word[5], 4);
    ck_assert_uint_eq(f.word[6], kernel_source.rip);
    ck_assert_uint_eq(f.rsp, 0xffffffff82003ff0 - 88);
}
END_TEST

START_TEST(flags)
{
    unsigned int i;

    for (i = 0; i < 5000; i++) {
        uint64_t any = next_random();
        uint64_t hw = frame_hw_rflags(any);

        ck_assert(hw & FLAG_IF);
        ck_assert(hw & FLAG_FIXED);
        /* IOPL, VM, VIF, VIP and everything reserved. */
        ck_assert_uint_eq(hw & ~UINT64_C(0x254fd7), 0);
        ck_assert_uint_eq(hw & 0x254dd5, any & 0x254dd5);
        ck_assert_uint_eq(frame_entry_rflags(any) & 0x54100, 0);
        ck_assert_uint_eq(frame_entry_rflags(any) & 0x200ed5, hw & 0x200ed5);
    }
}
END_TEST

/* A guest kernel that answers an exception with iret, registers untouched, must continue where it was. */
START_TEST(round_trip)
{
    unsigned int i;

    for (i = 0; i < 5000; i++) {
        struct frame_source src = {
            .rip = (uint64_t)((int64_t)next_random() >> 17),
            .rflags = frame_hw_rflags(next_random()),
            .rsp = next_random(),
            .rcx = next_random(),
            .r11 = next_random(),
            .cs = 0xe033,
            .ss = 0xe02b,
            .kernel = next_random() & 1,
            .upcall_mask = next_random() & 1,
            .kernel_sp = next_random(),
        };
        struct iret_context ctx;
        struct iret_target target;
        struct frame f;

        if (!src.kernel) {
            src.cs = 0x33;
            src.ss = 0x2b;
        }
        frame_build(&src, true, (uint32_t)next_random(), &f);
        memset(&ctx, 0, sizeof(ctx));
        ctx.rcx = f.word[0];
        ctx.r11 = f.word[1];
        memcpy(&ctx.rip, &f.word[3], 5 * sizeof(uint64_t));
        ck_assert_int_eq(frame_check_iret(&ctx, &target), FRAME_OK);
        ck_assert_uint_eq(target.rip, src.rip);
        ck_assert_uint_eq(target.rsp, src.rsp);
        ck_assert_uint_eq(target.rflags, src.rflags);
        ck_assert_uint_eq(target.rcx, src.rcx);
        ck_assert_uint_eq(target.r11, src.r11);
        ck_assert_uint_eq(target.cs, src.cs);
        ck_assert_uint_eq(target.ss, src.ss);
        ck_assert_uint_eq(target.to_user, !src.kernel);
        ck_assert_uint_eq(target.upcall_mask, src.upcall_mask);
        ck_assert(target.restore_rcx_r11);
        ck_assert_uint_eq(f.rsp % 8, 0);
        ck_assert_uint_eq((f.rsp + 8 * f.nr) % 16, 0);
    }
}
END_TEST

START_TEST(iret_refuses)
{
    const struct iret_context good = {.rip = 0x400000, .cs = 0x33, .rflags = 0x202, .rsp = 0x7fff0000, .ss = 0x2b};
    struct iret_target target;
    struct iret_context ctx = good;

    ck_assert_int_eq(frame_check_iret(&ctx, &target), FRAME_OK);
    ctx.rip = 0x0000800000000000;
    ck_assert_int_eq(frame_check_iret(&ctx, &target), FRAME_BAD_RIP);
    ctx.rip = 0xffff7fffffffffff;
    ck_assert_int_eq(frame_check_iret(&ctx, &target), FRAME_BAD_RIP);
    ctx.rip = 0x00007fffffffffff;
    ck_assert_int_eq(frame_check_iret(&ctx, &target), FRAME_OK);
    ctx = good;
    ctx.cs = 3;
    ck_assert_int_eq(frame_check_iret(&ctx, &target), FRAME_BAD_CS);
    ctx.cs = 0xe008; /* the hypervisor's code */
    ck_assert_int_eq(frame_check_iret(&ctx, &target), FRAME_BAD_CS);
    ck_assert_uint_eq(target.cs, 0xe00b);
    ctx.cs = 0xe040; /* its task state */
    ck_assert_int_eq(frame_check_iret(&ctx, &target), FRAME_BAD_CS);
    ctx = good;
    ctx.ss = 0;
    ck_assert_int_eq(frame_check_iret(&ctx, &target), FRAME_BAD_SS);
    ctx.ss = 0xe010;
    ck_assert_int_eq(frame_check_iret(&ctx, &target), FRAME_BAD_SS);
    /* The upper bits of the cs word are the saved mask and none of iret's business. */
    ctx = good;
    ctx.cs = 0xffff000100000010;
    ck_assert_int_eq(frame_check_iret(&ctx, &target), FRAME_OK);
    ck_assert_uint_eq(target.cs, 0x13);
    ck_assert(!target.to_user);
    ctx.flags = VGCF_in_syscall;
    ck_assert_int_eq(frame_check_iret(&ctx, &target), FRAME_OK);
    ck_assert(!target.restore_rcx_r11);
}
END_TEST

START_TEST(iret_never_gives_privilege)
{
    unsigned int i;

    for (i = 0; i < 5000; i++) {
        struct iret_target target;
        struct iret_context ctx;
        uint64_t words[sizeof(struct iret_context) / 8];
        unsigned int w;

        for (w = 0; w < (sizeof(struct iret_context) / 8); w++) {
            words[w] = next_random();
        }
        memcpy(&ctx, words, sizeof(ctx));
        (void)frame_check_iret(&ctx, &target);
        ck_assert_uint_eq(target.cs & 3, 3);
        ck_assert_uint_eq(target.ss & 3, 3);
        ck_assert_uint_eq(target.rflags & (FLAG_IOPL | 0x20000 /* VM */ | FLAG_IF), FLAG_IF);
    }
}
END_TEST

START_TEST(entry_points)
{
    ck_assert(frame_entry_point_ok(0));
    ck_assert(frame_entry_point_ok(0x7fffffffffff));
    ck_assert(!frame_entry_point_ok(0x800000000000));
    ck_assert(!frame_entry_point_ok(0xffff7fffffffffff));
    ck_assert(!frame_entry_point_ok(0xffff800000000000));
    ck_assert(!frame_entry_point_ok(0xffff87ffffffffff));
    ck_assert(frame_entry_point_ok(0xffff880000000000));
    ck_assert(frame_entry_point_ok(0xffffffffffffffff));
}
END_TEST

/* Each bad value alone must be found, and the context without it must pass. */
START_TEST(contexts)
{
    static struct vcpu_guest_context ctx;
    const uint64_t bad = 0x8000000000000000;

    memset(&ctx, 0, sizeof(ctx));
    ctx.user_regs.rip = 0xffffffff81000000;
    ctx.user_regs.cs = 0xe033;
    ctx.user_regs.ss = 0xe02b;
    ctx.kernel_ss = 0xe02b;
    ck_assert_ptr_null(frame_context_fault(&ctx));

#define MUST_FAIL(field, value)                                                                    \
    do {                                                                                           \
        __typeof__(ctx.field) keep = ctx.field;                                                    \
                                                                                                   \
        ctx.field = (__typeof__(ctx.field))(value);                                                \
        ck_assert_msg(frame_context_fault(&ctx) != NULL, #field);                                  \
        ctx.field = keep;                                                                          \
        ck_assert_ptr_null(frame_context_fault(&ctx));                                             \
    } while (0)

    MUST_FAIL(user_regs.rip, bad);
    MUST_FAIL(user_regs.rsp, bad);
    MUST_FAIL(user_regs.cs, 0xe008);
    MUST_FAIL(user_regs.ss, 0xe010);
    MUST_FAIL(kernel_sp, bad);
    MUST_FAIL(kernel_ss, 0xe018);
    MUST_FAIL(fs_base, bad);
    MUST_FAIL(gs_base_kernel, bad);
    MUST_FAIL(gs_base_user, bad);
    MUST_FAIL(gdt_ents, FIRST_RESERVED_GDT_ENTRY + 1);
    MUST_FAIL(ldt_ents, 8193);
    MUST_FAIL(event_callback_eip, HYPERVISOR_VIRT_START);
    MUST_FAIL(failsafe_callback_eip, bad);
    MUST_FAIL(syscall_callback_eip, HYPERVISOR_VIRT_END - 1);
    MUST_FAIL(trap_ctxt[255].address, bad);
    MUST_FAIL(trap_ctxt[14].cs, 0xe008);
    ctx.ldt_ents = 1;
    MUST_FAIL(ldt_base, HYPERVISOR_VIRT_START);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("frame");
    TCase *tcase = tcase_create("frame");
    SRunner *runner;
    int failed;

    tcase_add_test(tcase, exception_from_kernel);
    tcase_add_test(tcase, event_from_user);
    tcase_add_test(tcase, failsafe);
    tcase_add_test(tcase, flags);
    tcase_add_test(tcase, round_trip);
    tcase_add_test(tcase, iret_refuses);
    tcase_add_test(tcase, iret_never_gives_privilege);
    tcase_add_test(tcase, entry_points);
    tcase_add_test(tcase, contexts);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
