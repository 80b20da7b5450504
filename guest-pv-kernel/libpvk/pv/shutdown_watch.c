/* SPDX-License-Identifier: MIT */
/*
 * Obeys the operator: when a tool writes poweroff, halt or reboot to control/shutdown, acknowledge by clearing it, and end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libpvk/pv/xenbus.h"
#include "pvk/machine.h"
#include "pvk/pv/xenbus.h"
#include "pvk/thread.h"

#define PATH "control/shutdown"

static void changed(const char *path, void *arg)
{
    char *value;
    size_t len;

    (void)path;
    (void)arg;
    if (xenbus_read(XENBUS_NO_TX, PATH, &value, &len) != 0) {
        return;
    }
    if (strcmp(value, "poweroff") == 0 || strcmp(value, "halt") == 0 ||
        strcmp(value, "reboot") == 0) {
        enum exit_reason reason = value[0] == 'r' ? EXIT_REBOOT : EXIT_POWEROFF;

        if (xenbus_write(XENBUS_NO_TX, PATH, "") != 0) {
            puts("xenbus: cannot acknowledge the shutdown request");
        }
        pvk_exit(reason, 0);
    }
    free(value);
}

static void start(void *unused)
{
    static struct xenbus_watch watch = {.fn = changed, .path = PATH};

    (void)unused;
    if (xenbus_watch(&watch) != 0 ||
        xenbus_write(XENBUS_NO_TX, "control/feature-poweroff", "1") != 0 ||
        xenbus_write(XENBUS_NO_TX, "control/feature-reboot", "1") != 0) {
        puts("xenbus: cannot watch " PATH);
    }
}

void shutdown_watch_start(void)
{
    struct thread *t;

    if (!xenbus_present()) {
        return;
    }
    /* In a thread: a store that does not answer must not keep main() from running. */
    t = thread_create("shutdown", start, NULL);
    if (t != NULL) {
        thread_detach(t);
    }
}
