/* SPDX-License-Identifier: MIT */
/*
 * libxeno's transport in a Linux control domain: /dev/xen/privcmd, /dev/xen/hypercall, /dev/xen/evtchn. One thread uses it;
 * its lock keeps other processes out (a file), so that two tools never change the same domain at once.
 */
#ifndef LIBXENO_LINUX_TRANSPORT_H
#define LIBXENO_LINUX_TRANSPORT_H

#include "libxeno/linux/bounce.h"
#include "libxeno/xeno.h"

#define XENO_RUN_DIR "/run/xeno"

struct linux_binding {
    void (*fn)(void *arg);
    void *arg;
};

struct xeno_linux {
    struct xeno_transport t;
    struct bounce bounce;
    int privcmd, arena, evtchn, lock; /* -1: not open */
    int gntdev;                       /* open after xeno_linux_device_calls() only */
    bool locked;
    bool short_lived; /* views of files go with the process: page by page, from tables that are in use, that costs ten times as much */
    struct linux_file {
        const void *data;  /* NULL: none */
        const void *bytes; /* all of it; data's own if the file cannot be mapped */
        int fd;
    } files[4];                     /* the large ones that are open */
    struct linux_binding *bindings; /* by port; fn NULL: not bound */
    size_t nr_bindings;
};

/* Open the devices. 0, or -1 with a line that says what is missing and how to get it. */
int xeno_linux_open(struct xeno_linux *l, struct xeno_error *err);
void xeno_linux_close(struct xeno_linux *l);

/* The descriptor that polls readable when an event has come, or -errno; and run the handlers of those that have. */
int xeno_linux_event_fd(struct xeno_linux *l);
void xeno_linux_dispatch(struct xeno_linux *l);
/* A virtual IRQ of the whole domain: port or -errno (-EEXIST: somebody else has it). */
long xeno_linux_bind_virq(struct xeno_linux *l, uint32_t virq, void (*fn)(void *arg), void *arg);

/* Frames of a domain (or the machine-to-physical table, DOMID_XEN's) to look at: page tables cannot be mapped otherwise. */
void *xeno_linux_map_readonly(struct xeno_linux *l, uint32_t domid, const uint64_t *mfns,
                              size_t nr);
/* Add what a device model needs and the other tools do not: dm_op, resources, grants. 0, or -1 with err. */
int xeno_linux_device_calls(struct xeno_linux *l, struct xeno_error *err);

/* A whole file in memory of our own: what happens to the file meanwhile does no harm. 0 or -errno; free() it. */
int xeno_linux_read_file(const char *path, size_t limit, void **data, size_t *size);

#endif
