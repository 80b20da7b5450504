/* SPDX-License-Identifier: MIT */
/*
 * A hypervisor for Debian's daemons, in C and in OCaml, where there is none (LD_PRELOAD): rings are files ring-DOMID in $FAKE_XEN_DIR, events
 * to the daemon come as port numbers through the FIFO kick, those it sends go to the FIFO notify. Every domain exists.
 * Invariant: a domain's port has the same number at both ends.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xenevtchn.h>
#include <xengnttab.h>

static int kick = -1;
static int notify = -1;

static int open_in(const char *name, int flags)
{
    int (*real)(const char *path, int flags, ...);
    void *found = dlsym(RTLD_NEXT, "open");
    const char *dir = getenv("FAKE_XEN_DIR");
    char path[512];

    memcpy(&real, &found, sizeof(real));
    snprintf(path, sizeof(path), "%s/%s", dir ? dir : ".", name);
    return real(path, flags);
}

int open(const char *path, int flags, ...)
{
    int (*real)(const char *path, int flags, ...);
    void *found = dlsym(RTLD_NEXT, "open");
    va_list args;
    int mode;

    if (strcmp(path, "/proc/xen/xsd_kva") == 0) {
        return open_in("ring-0", flags);
    }
    if (strcmp(path, "/proc/xen/xsd_port") == 0) {
        return open_in("port-0", flags);
    }
    va_start(args, flags);
    mode = flags & O_CREAT ? va_arg(args, int) : 0;
    va_end(args);
    memcpy(&real, &found, sizeof(real));
    return real(path, flags, mode);
}

/* The daemon in OCaml has one place for its socket, and ends where it may not raise its limits. */
int bind(int fd, const struct sockaddr *address, socklen_t len)
{
    static const char place[] = "/var/run/xenstored/";
    int (*real)(int fd, const struct sockaddr *address, socklen_t len);
    void *found = dlsym(RTLD_NEXT, "bind");
    const struct sockaddr_un *there = (const struct sockaddr_un *)(const void *)address;
    struct sockaddr_un here = {.sun_family = AF_UNIX};
    const char *dir = getenv("FAKE_XEN_DIR");

    memcpy(&real, &found, sizeof(real));
    if (address->sa_family != AF_UNIX || strncmp(there->sun_path, place, strlen(place)) != 0) {
        return real(fd, address, len);
    }
    snprintf(here.sun_path, sizeof(here.sun_path), "%s/%s", dir ? dir : ".",
             there->sun_path + strlen(place));
    return real(fd, (const struct sockaddr *)&here, sizeof(here));
}

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
    (void)resource;
    (void)limit;
    return 0;
}

xc_interface *xc_interface_open(xentoollog_logger *logger, xentoollog_logger *dombuild_logger,
                                unsigned int flags)
{
    (void)logger;
    (void)dombuild_logger;
    (void)flags;
    return (xc_interface *)&kick;
}

int xc_interface_close(xc_interface *xch)
{
    (void)xch;
    return 0;
}

int xc_domain_getinfo(xc_interface *xch, uint32_t first, unsigned int max, xc_dominfo_t *info)
{
    (void)xch;
    (void)max;
    memset(info, 0, sizeof(*info));
    info->domid = first;
    info->running = 1;
    return 1;
}

xenevtchn_handle *xenevtchn_open(struct xentoollog_logger *logger, unsigned int flags)
{
    (void)logger;
    (void)flags;
    kick = open_in("kick", O_RDWR | O_NONBLOCK);
    notify = open_in("notify", O_RDWR | O_NONBLOCK);
    return kick < 0 || notify < 0 ? NULL : (xenevtchn_handle *)&kick;
}

xenevtchn_handle *xenevtchn_fdopen(struct xentoollog_logger *logger, int fd,
                                   unsigned int open_flags)
{
    (void)fd;
    return xenevtchn_open(logger, open_flags);
}

int xenevtchn_fd(xenevtchn_handle *xce)
{
    (void)xce;
    return kick;
}

xenevtchn_port_or_error_t xenevtchn_bind_interdomain(xenevtchn_handle *xce, uint32_t domid,
                                                     evtchn_port_t remote_port)
{
    (void)xce;
    (void)domid;
    return (xenevtchn_port_or_error_t)remote_port;
}

xenevtchn_port_or_error_t xenevtchn_bind_virq(xenevtchn_handle *xce, unsigned int virq)
{
    (void)xce;
    (void)virq;
    return 1000;
}

int xenevtchn_unbind(xenevtchn_handle *xce, evtchn_port_t port)
{
    (void)xce;
    (void)port;
    return 0;
}

int xenevtchn_notify(xenevtchn_handle *xce, evtchn_port_t port)
{
    (void)xce;
    return write(notify, &port, sizeof(port)) == (ssize_t)sizeof(port) ? 0 : -1;
}

xenevtchn_port_or_error_t xenevtchn_pending(xenevtchn_handle *xce)
{
    evtchn_port_t port;

    (void)xce;
    return read(kick, &port, sizeof(port)) == (ssize_t)sizeof(port)
               ? (xenevtchn_port_or_error_t)port
               : -1;
}

int xenevtchn_unmask(xenevtchn_handle *xce, evtchn_port_t port)
{
    (void)xce;
    (void)port;
    return 0;
}

xengnttab_handle *xengnttab_open(struct xentoollog_logger *logger, unsigned int open_flags)
{
    (void)logger;
    (void)open_flags;
    return (xengnttab_handle *)&kick;
}

int xengnttab_close(xengnttab_handle *xgt)
{
    (void)xgt;
    return 0;
}

int xengnttab_set_max_grants(xengnttab_handle *xgt, uint32_t nr_grants)
{
    (void)xgt;
    (void)nr_grants;
    return 0;
}

void *xengnttab_map_grant_ref(xengnttab_handle *xgt, uint32_t domid, uint32_t ref, int prot)
{
    char name[32];
    void *page;
    int fd;

    (void)xgt;
    (void)ref;
    snprintf(name, sizeof(name), "ring-%u", domid);
    fd = open_in(name, O_RDWR);
    if (fd < 0) {
        return NULL;
    }
    page = mmap(NULL, 4096, prot, MAP_SHARED, fd, 0);
    close(fd);
    return page == MAP_FAILED ? NULL : page;
}

int xengnttab_unmap(xengnttab_handle *xgt, void *start_address, uint32_t count)
{
    (void)xgt;
    return munmap(start_address, count * 4096ul);
}
