/* SPDX-License-Identifier: MIT */
/*
 * The frame around test_main(): the output protocol and the exit status.
 * Invariant: exactly one RESULT line is printed, and it is the last line.
 */
#include "framework/test.h"

#include <stdarg.h>
#include <stdio.h>

#include <xen/errno.h>

#include "pvk/machine.h"

enum result {
    RESULT_SUCCESS,
    RESULT_FAILURE,
    RESULT_SKIP,
    RESULT_ERROR
};

extern const char test_name[]; /* from the build */

static unsigned nr_failed;

static void line(const char *mark, const char *fmt, va_list args) __printf_like(2, 0);
static void line(const char *mark, const char *fmt, va_list args)
{
    char text[200];

    vsnprintf(text, sizeof(text), fmt, args);
    printf("TEST %s: %s%s\n", test_name, mark, text);
}

static __noreturn_fn void finish(enum result result)
{
    static const char *const names[] = {"SUCCESS", "FAILURE", "SKIP", "ERROR"};

    printf("RESULT: %s %s\n", names[result], test_name);
    pvk_exit(EXIT_POWEROFF, (int)result);
}

void test_note(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    line("", fmt, args);
    va_end(args);
}

bool test_check(bool condition, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    line(condition ? "ok: " : "FAILED: ", fmt, args);
    va_end(args);
    nr_failed += !condition;
    return condition;
}

bool test_must(bool condition, const char *fmt, ...)
{
    va_list args;

    if (condition) {
        return true;
    }
    va_start(args, fmt);
    line("FAILED: ", fmt, args);
    va_end(args);
    nr_failed++;
    return false;
}

void test_skip(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    line("skipped: ", fmt, args);
    va_end(args);
    finish(RESULT_SKIP);
}

void test_error(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    line("error: ", fmt, args);
    va_end(args);
    finish(RESULT_ERROR);
}

void test_fail(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    line("FAILED: ", fmt, args);
    va_end(args);
    finish(RESULT_FAILURE);
}

void test_expect_crash(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    line("now the domain must crash: ", fmt, args);
    va_end(args);
    printf("EXPECT: CRASH %s\n", test_name);
}

const char *test_rc(long rc)
{
    static char texts[4][24];
    static unsigned next;
    static const struct {
        int value;
        const char *name;
    } errors[] = {
#define XEN_ERRNO(name, value) {value, #name},
#include <xen/errno.h>
    };
    char *text = texts[next++ % ARRAY_SIZE(texts)];

    snprintf(text, sizeof(texts[0]), "%ld", rc);
    for (unsigned i = 0; rc < 0 && i < ARRAY_SIZE(errors); i++) {
        if (errors[i].value == -rc) {
            snprintf(text, sizeof(texts[0]), "-%s", errors[i].name);
            break;
        }
    }
    return text;
}

const char *test_trap(bool returned, const struct trap_seen *seen)
{
    static char texts[4][24];
    static unsigned next;
    char *text = texts[next++ % ARRAY_SIZE(texts)];

    if (returned) {
        return "no trap";
    }
    if (seen->error_code != 0) {
        snprintf(text, sizeof(texts[0]), "%s(%x)", trap_name(seen->vector), seen->error_code);
    } else {
        snprintf(text, sizeof(texts[0]), "%s", trap_name(seen->vector));
    }
    return text;
}

int main(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    test_main();
    finish(nr_failed == 0 ? RESULT_SUCCESS : RESULT_FAILURE);
}
