/* SPDX-License-Identifier: MIT */
/*
 * The terminal as verbs see it. One thread waits for console input and puts it into a ring; whoever waits is woken by input
 * and by changes alike, and looks again.
 */
#include <string.h>

#include "bootdom.h"
#include "pvk/console.h"
#include "pvk/machine.h"
#include "pvk/thread.h"

#define INPUT_BYTES 1024u /* a power of two */

static struct wait_queue woken = WAIT_QUEUE_INIT(woken);
static char input[INPUT_BYTES];
static unsigned int in_head, in_tail; /* bytes put, bytes taken; free-running */
static bool changed;

static void reader(void *unused)
{
    char buf[64];

    (void)unused;
    for (;;) {
        size_t n;

        console_wait_input();
        n = console_read(buf, sizeof(buf));
        for (size_t i = 0; i < n && in_head - in_tail < INPUT_BYTES; i++) {
            input[in_head % INPUT_BYTES] = buf[i];
            __atomic_store_n(&in_head, in_head + 1, __ATOMIC_RELEASE);
        }
        wait_queue_wake(&woken);
    }
}

void terminal_start(void)
{
    thread_detach(thread_create("terminal", reader, NULL));
}

void terminal_changed(void)
{
    __atomic_store_n(&changed, true, __ATOMIC_RELEASE);
    wait_queue_wake(&woken);
}

static bool something_there(void)
{
    return __atomic_load_n(&in_head, __ATOMIC_ACQUIRE) != in_tail ||
           __atomic_load_n(&changed, __ATOMIC_ACQUIRE);
}

static long wait_input(void *ctx, char *buf, size_t n)
{
    size_t got = 0;

    (void)ctx;
    wait_until(&woken, something_there(), 0);
    __atomic_store_n(&changed, false, __ATOMIC_RELEASE);
    while (got < n && in_tail != __atomic_load_n(&in_head, __ATOMIC_ACQUIRE)) {
        buf[got++] = input[in_tail++ % INPUT_BYTES];
    }
    return (long)got;
}

static void out(void *ctx, const char *text, size_t n)
{
    (void)ctx;
    console_write(text, n);
}

const struct xeno_io bootdom_io = {.out = out, .err = out, .wait_input = wait_input};
