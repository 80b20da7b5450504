/* SPDX-License-Identifier: MIT */
/*
 * A guest test: a PV kernel that looks at what the hypervisor does with it and says what it saw. Write test_main() in
 * tests/guest/NAME/main.c; see tests/guest/README.md. Output lines are the same on every hypervisor that keeps the ABI: print
 * results and traps, never addresses, times or frame numbers.
 */
#ifndef GUEST_TEST_H
#define GUEST_TEST_H

#include <stdbool.h>
#include <stdint.h>

#include "common/compiler.h"
#include "pvk/traps.h"

/* The test itself. Returning means success unless a check has failed. */
void test_main(void);

/* "TEST name: text": an observation. */
void test_note(const char *fmt, ...) __printf_like(1, 2);

/*
 * "TEST name: ok: text" or "TEST name: FAILED: text"; a failure makes the result FAILURE, and the test goes on. The value is
 * the condition's. FAILURE means that the code under test is wrong.
 */
bool test_check(bool condition, const char *fmt, ...) __printf_like(2, 3);

/* The same, but silent if the condition holds: for checks after each of many steps. */
bool test_must(bool condition, const char *fmt, ...) __printf_like(2, 3);

/* Ends the test. SKIP: cannot be tested here. ERROR: the test itself cannot work. */
__noreturn_fn void test_skip(const char *fmt, ...) __printf_like(1, 2);
__noreturn_fn void test_error(const char *fmt, ...) __printf_like(1, 2);
__noreturn_fn void test_fail(const char *fmt, ...) __printf_like(1, 2);

/*
 * What follows must end this domain: the runner takes the hypervisor's crash of the domain as success from here on. A test
 * that gets further calls test_fail().
 */
void test_expect_crash(const char *fmt, ...) __printf_like(1, 2);

/* The name of a hypercall's result: "0", "-EINVAL", "3" ...: the text for an observation. The buffer is static, one of four. */
const char *test_rc(long rc);

/* The same for what trap_catch() saw: "#PF(2)", "#UD", or "no trap". */
const char *test_trap(bool returned, const struct trap_seen *seen);

#endif
