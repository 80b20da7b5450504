/* SPDX-License-Identifier: MIT */
/*
 * The devices in /dev/xen for our xenostored where there are none, linked in front of the C library: rings are files ring-DOMID
 * in $FAKE_XEN_DIR, events to the daemon come as port numbers through the FIFO kick, those it sends go to the FIFO notify,
 * as in fake_xen.c. A domain is gone if there is a file gone-DOMID, and has shut down if there is one shutdown-DOMID.
 * Invariant: a domain's port has the same number at both ends; events that nobody was bound to are lost, as real ones are.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <xen/domctl.h>
#include <xen/xen.h>

#include "libxeno/linux/sys.h"

#define PAGE        4096
#define KERNEL_PORT 1
#define VIRQ_PORT   1000

enum device {
    NONE,
    PRIVCMD,
    EVTCHN,
    GNTDEV,
    BACKEND,
    DEVICES
};

static int fds[DEVICES] = {-1, -1, -1, -1, -1};
static int notify = -1;

static enum device device_of(int fd)
{
    for (int i = PRIVCMD; i < DEVICES; i++) {
        if (fds[i] == fd && fd >= 0) {
            return (enum device)i;
        }
    }
    return NONE;
}

static const char *in_folder(const char *name, unsigned int domid)
{
    static char path[512];
    const char *dir = getenv("FAKE_XEN_DIR");
    int n = snprintf(path, sizeof(path) - 32, "%s/%s", dir ? dir : ".", name);

    if (domid != UINT32_MAX) {
        snprintf(path + n, sizeof(path) - (size_t)n, "-%u", domid);
    }
    return path;
}

static int real_open(const char *path, int flags, int mode)
{
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static int open_events(void)
{
    int fd = real_open(in_folder("kick", UINT32_MAX), O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);
    char old[4096];

    notify = real_open(in_folder("notify", UINT32_MAX), O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);
    while (read(fd, old, sizeof(old)) > 0) {
    }
    return fd;
}

int open(const char *path, int flags, ...)
{
    static const char *const names[DEVICES] = {NULL, "privcmd", "evtchn", "gntdev",
                                               "xenbus_backend"};
    va_list args;
    int mode;

    va_start(args, flags);
    mode = flags & O_CREAT ? va_arg(args, int) : 0;
    va_end(args);
    if (strncmp(path, "/run/xeno/", 10) == 0) {
        path = in_folder("lock", UINT32_MAX);
    }
    if (strncmp(path, "/dev/xen/", 9) != 0) {
        return real_open(path, flags, mode);
    }
    for (int i = PRIVCMD; i < DEVICES; i++) {
        if (strcmp(path + 9, names[i]) == 0) {
            fds[i] = i == EVTCHN ? open_events() : real_open("/dev/null", O_RDWR | O_CLOEXEC, 0);
            return fds[i];
        }
    }
    errno = ENOENT;
    return -1;
}

int mkdir(const char *path, mode_t mode)
{
    return strncmp(path, "/run/xeno", 9) == 0 ? 0 : (int)syscall(SYS_mkdir, path, mode);
}

/* Only getdomaininfo is asked for. */
static int hypercall(const struct sys_hypercall *h)
{
    struct xen_domctl *op = (struct xen_domctl *)(uintptr_t)h->arg[0];

    if (h->nr != __HYPERVISOR_domctl || op->cmd != XEN_DOMCTL_getdomaininfo) {
        errno = ENOSYS;
        return -1;
    }
    if (access(in_folder("gone", op->domain), F_OK) == 0) {
        errno = ESRCH;
        return -1;
    }
    op->u.getdomaininfo.domain = op->domain;
    op->u.getdomaininfo.flags =
        access(in_folder("shutdown", op->domain), F_OK) == 0 ? XEN_DOMINF_shutdown : 0;
    return 0;
}

static int event_channel(unsigned long request, void *arg)
{
    switch (request) {
    case SYS_BIND_VIRQ:
        return VIRQ_PORT;
    case SYS_BIND_INTERDOMAIN:
        return (int)((struct sys_bind_interdomain *)arg)->port;
    case SYS_NOTIFY:
        /* A full pipe has told it already. */
        return write(notify, arg, sizeof(uint32_t)) < 0 && errno != EAGAIN ? -1 : 0;
    default:
        return 0;
    }
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    void *arg;

    va_start(args, request);
    arg = va_arg(args, void *);
    va_end(args);
    switch (device_of(fd)) {
    case PRIVCMD:
        return hypercall(arg);
    case BACKEND:
        return KERNEL_PORT;
    case GNTDEV:
        if (_IOC_NR(request) == 0) { /* map one grant: the domain's id stands for the index */
            uint64_t index;
            uint32_t domid;

            memcpy(&domid, (char *)arg + 16, sizeof(domid));
            index = (uint64_t)domid * PAGE;
            memcpy((char *)arg + 8, &index, sizeof(index));
        }
        return 0;
    case EVTCHN:
        return event_channel(request, arg);
    default:
        return (int)syscall(SYS_ioctl, fd, request, arg);
    }
}

void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
    enum device device = device_of(fd);
    void *page;

    if (device == NONE) {
        return (void *)syscall(SYS_mmap, addr, length, prot, flags, fd, offset);
    }
    fd = real_open(in_folder("ring", device == BACKEND ? 0 : (unsigned int)(offset / PAGE)),
                   O_RDWR | O_CLOEXEC, 0);
    if (fd < 0) {
        return MAP_FAILED;
    }
    page = (void *)syscall(SYS_mmap, NULL, length, prot, flags, fd, (off_t)0);
    close(fd);
    return page;
}

/* A port that is written to the device is unmasked; in the pipe it would be an event. */
ssize_t write(int fd, const void *bytes, size_t count)
{
    return device_of(fd) == EVTCHN ? (ssize_t)count : (ssize_t)syscall(SYS_write, fd, bytes, count);
}
