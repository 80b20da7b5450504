/* SPDX-License-Identifier: MIT */
/*
 * The smallest guest: counts once a second and ends after as many lines as the first word of its command line says (5).
 * With the word "when" its first line tells the time, on the clock that all domains share. It ends by a power-off; with "reboot" it
 * asks to be started again, with "crash" it runs into an instruction that no CPU has.
 */
#include <stdio.h>
#include <stdlib.h>

#include "pvk/clock.h"
#include "pvk/machine.h"
#include "pvk/thread.h"

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 5;

    if (cmdline_has("when")) {
        printf("hello from %s at %lu ns\n", argv[0], clock_ns());
    } else {
        printf("hello from %s\n", argv[0]);
    }
    for (int i = 1; i <= count; i++) {
        thread_sleep_ns(NS_PER_S);
        printf("hello %d\n", i);
    }
    if (cmdline_has("reboot")) {
        pvk_exit(EXIT_REBOOT, 0);
    }
    if (cmdline_has("crash")) {
        __builtin_trap();
    }
    return 0;
}
