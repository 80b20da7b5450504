/* SPDX-License-Identifier: MIT */
/*
 * The part of the start that every machine has: threads, then the guest's own main() with the command line as arguments.
 */

#include "common/format.h"
#include "libpvk/core/backend.h"
#include "libpvk/core/sched.h"
#include "pvk/machine.h"
#include "pvk/thread.h"
#include "pvk/traps.h"

#define MAX_ARGS 32

int main(int argc, char **argv);

/* The guest's name, from the build. */
extern const char pvk_guest_name[];

/* The command line's words become the arguments of main(), and its value the machine's exit status. */
static void main_thread(void *unused)
{
    static char words[1024];
    static char *argv[MAX_ARGS + 1];
    int argc = 1;
    char *p = words;

    (void)unused;
    backend_start_services();
    format(words, sizeof(words), "%s", cmdline());
    argv[0] = (char *)(uintptr_t)pvk_guest_name;
    while (argc < MAX_ARGS) {
        while (*p == ' ') {
            p++;
        }
        if (*p == '\0') {
            break;
        }
        argv[argc++] = p;
        while (*p != ' ' && *p != '\0') {
            p++;
        }
        if (*p == ' ') {
            *p++ = '\0';
        }
    }
    pvk_exit(EXIT_POWEROFF, main(argc, argv));
}

void core_boot(void)
{
    sched_init();
    if (thread_create("main", main_thread, NULL) == NULL) {
        crash("not enough memory for the first thread");
    }
    sched_idle();
}
