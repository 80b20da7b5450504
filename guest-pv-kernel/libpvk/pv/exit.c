/* SPDX-License-Identifier: MIT */
/*
 * The end of a domain: a status for a test harness, then the shutdown hypercall.
 */
#include "libpvk/core/backend.h"
#include "pvk/console.h"
#include "pvk/pv/hypercall.h"
#include "pvk/traps.h"

_Static_assert(EXIT_POWEROFF == SHUTDOWN_poweroff, "same numbers");
_Static_assert(EXIT_REBOOT == SHUTDOWN_reboot, "same numbers");
_Static_assert(EXIT_CRASH == SHUTDOWN_crash, "same numbers");

/* A port write traps and is carried out by the hypervisor, if the domain has the port and I/O privilege. */
static void write_port(void *arg)
{
    const uint16_t *v = arg;

    __asm__ volatile("outw %0, %1" : : "a"(v[1]), "Nd"(v[0]));
}

void backend_exit(enum exit_reason reason, unsigned port, int status)
{
    struct sched_shutdown op = {.reason = reason};

    if (reason != EXIT_CRASH) {
        console_flush();
    }
    if (port != 0) {
        struct physdev_set_iopl iopl = {.iopl = 1};
        uint16_t v[2] = {(uint16_t)port, (uint16_t)status};
        struct trap_seen seen;

        hc_physdev_op(PHYSDEVOP_set_iopl, &iopl);
        trap_catch(write_port, v, &seen); /* a domain without the port goes on to its shutdown */
    }
    for (;;) {
        hc_sched_op(SCHEDOP_shutdown, &op);
    }
}
