/* SPDX-License-Identifier: MIT */
/*
 * What a control domain asks of its hypervisor: a hypercall that does nothing, an event to itself. Left out where there is no
 * hypervisor. Numbers and layouts are Linux's and Xen's ABI: include/uapi/xen/privcmd.h, evtchn.h; public/xen.h, version.h.
 * Invariant: an event is taken and unmasked before the next one is sent.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench.h"

#define HYPERVISOR_XEN_VERSION 17
#define XENVER_VERSION         0
#define DOMID_SELF             0x7ff0

struct hypercall {
    uint64_t op, arg[5];
};

struct bind_interdomain {
    uint32_t domid, port;
};

struct bind_unbound {
    uint32_t domid;
};

struct notify {
    uint32_t port;
};

#define PRIVCMD_HYPERCALL       _IOC(_IOC_NONE, 'P', 0, sizeof(struct hypercall))
#define EVTCHN_BIND_INTERDOMAIN _IOC(_IOC_NONE, 'E', 1, sizeof(struct bind_interdomain))
#define EVTCHN_BIND_UNBOUND     _IOC(_IOC_NONE, 'E', 2, sizeof(struct bind_unbound))
#define EVTCHN_NOTIFY           _IOC(_IOC_NONE, 'E', 4, sizeof(struct notify))

static int privcmd = -1, evtchn = -1;
static struct notify sender;
static uint32_t receiver;

static int begin_hypercall(void)
{
    privcmd = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
    return privcmd < 0;
}

static void run_hypercall(unsigned int count)
{
    while (count--) {
        struct hypercall call = {.op = HYPERVISOR_XEN_VERSION, .arg = {XENVER_VERSION}};

        if (ioctl(privcmd, (int)PRIVCMD_HYPERCALL, &call) <= 0) {
            bench_fail("a hypercall");
        }
    }
}

static int begin_events(void)
{
    struct bind_unbound unbound = {.domid = DOMID_SELF};
    struct bind_interdomain pair = {.domid = DOMID_SELF};
    int port;

    evtchn = open("/dev/xen/evtchn", O_RDWR | O_CLOEXEC);
    if (evtchn < 0) {
        return 1;
    }
    port = ioctl(evtchn, (int)EVTCHN_BIND_UNBOUND, &unbound);
    if (port < 0) {
        bench_fail("an unbound port");
    }
    receiver = (uint32_t)port;
    pair.port = receiver;
    port = ioctl(evtchn, (int)EVTCHN_BIND_INTERDOMAIN, &pair);
    if (port < 0) {
        bench_fail("a port to ourselves");
    }
    sender.port = (uint32_t)port;
    return 0;
}

/*
 * Sent, delivered, read and unmasked. A port that has just been bound may come with an event of its own, as a sign that
 * earlier ones may have been lost: it is taken like any other.
 */
static void run_events(unsigned int count)
{
    uint32_t port;

    while (count--) {
        if (ioctl(evtchn, (int)EVTCHN_NOTIFY, &sender)) {
            bench_fail("an event");
        }
        do {
            if (read(evtchn, &port, sizeof(port)) != sizeof(port) ||
                write(evtchn, &port, sizeof(port)) != sizeof(port)) {
                bench_fail("taking an event");
            }
        } while (port != receiver);
    }
}

const struct operation xen_operations[] = {
    {"null-hypercall-by-privcmd", 500, begin_hypercall, run_hypercall},
    {"event-to-self", 100, begin_events, run_events},
    {0},
};
