/* SPDX-License-Identifier: MIT */
/*
 * What /dev/xen/privcmd, evtchn, gntalloc and gntdev do, one line each, with this domain as its own peer: a hypercall, an
 * event from one port to the other, a page that is granted, mapped, written at one end and read at the other.
 * Invariant: what is printed depends on the ABI alone, so it is the same on every hypervisor.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libxeno/linux/sys.h"

#define PAGE         4096u
#define OWN          0u /* domain 0 */
#define XEN_VERSION  17u
#define UNKNOWN_CALL 60u

/* The kernel's include/uapi/xen: facts of its interface. */
struct unbound {
    uint32_t remote;
};

struct alloc {
    uint16_t domid, flags; /* 1: writable */
    uint32_t count;
    uint64_t index; /* OUT: where to mmap() */
    uint32_t ref;   /* OUT */
};

struct map {
    uint32_t count, pad;
    uint64_t index; /* OUT: where to mmap() */
    uint32_t domid, ref;
};

struct unmap {
    uint64_t index;
    uint32_t count, pad;
};

#define BIND_UNBOUND _IOC(_IOC_NONE, 'E', 2, sizeof(struct unbound))
#define ALLOC_GREF   _IOC(_IOC_NONE, 'G', 5, 24)
#define MAP_GREF     _IOC(_IOC_NONE, 'G', 0, 24)
#define UNMAP_GREF   _IOC(_IOC_NONE, 'G', 1, 16)

static int open_device(const char *name)
{
    int fd = open(name, O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        printf("%s: %s\n", name, strerror(errno));
    }
    return fd;
}

static void privcmd(void)
{
    int fd = open_device("/dev/xen/privcmd");
    struct sys_hypercall version = {.nr = XEN_VERSION}, unknown = {.nr = UNKNOWN_CALL};
    int rc = ioctl(fd, SYS_HYPERCALL, &version);

    printf("privcmd: version %d.%d", rc >> 16, rc & 0xffff);
    rc = ioctl(fd, SYS_HYPERCALL, &unknown);
    printf(", a call that there is not: %s\n", rc ? strerror(errno) : "no error");
    close(fd);
}

static void evtchn(void)
{
    int fd = open_device("/dev/xen/evtchn");
    struct unbound unbound = {.remote = OWN};
    int near = ioctl(fd, BIND_UNBOUND, &unbound);
    struct sys_bind_interdomain peer = {.domid = OWN, .port = (uint32_t)near};
    int far = ioctl(fd, SYS_BIND_INTERDOMAIN, &peer);
    struct sys_port notify = {.port = (uint32_t)far}, again = {.port = (uint32_t)near};
    uint32_t port = 0;
    int events = 0;

    /* Binding makes the port pending once: an event that came before is not lost. */
    for (int i = 0; i < 3 && near > 0 && far > 0; i++) {
        if (i && ioctl(fd, SYS_NOTIFY, i == 1 ? &notify : &again)) {
            printf("evtchn: notify: %s\n", strerror(errno));
        }
        if (read(fd, &port, sizeof(port)) == sizeof(port) &&
            write(fd, &port, sizeof(port)) == sizeof(port)) {
            events++;
            printf("evtchn: event at the %s end\n", port == (uint32_t)near  ? "near"
                                                    : port == (uint32_t)far ? "far"
                                                                            : "wrong");
        }
    }
    printf("evtchn: %d events\n", events);
    close(fd);
}

static void grants(void)
{
    int give = open_device("/dev/xen/gntalloc"), take = open_device("/dev/xen/gntdev");
    struct alloc a = {.domid = OWN, .flags = 1, .count = 1};
    struct map m = {.count = 1, .domid = OWN};
    struct unmap u = {.count = 1};
    char *mine, *theirs;

    if (ioctl(give, ALLOC_GREF, &a)) {
        printf("gntalloc: %s\n", strerror(errno));
        return;
    }
    mine = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, give, (off_t)a.index);
    m.ref = a.ref;
    if (mine == MAP_FAILED || ioctl(take, MAP_GREF, &m)) {
        printf("gntdev: map: %s\n", strerror(errno));
        return;
    }
    theirs = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, take, (off_t)m.index);
    if (theirs == MAP_FAILED) {
        printf("gntdev: mmap: %s\n", strerror(errno));
        return;
    }
    strcpy(mine, "from the granter");
    printf("gntdev: reads '%s'\n", theirs);
    strcpy(theirs, "from the mapper");
    printf("gntalloc: reads '%s'\n", mine);
    munmap(theirs, PAGE);
    u.index = m.index;
    printf("gntdev: unmap %s\n", ioctl(take, UNMAP_GREF, &u) ? strerror(errno) : "done");
    m.ref = 4000; /* within the table, and nobody's */
    if (ioctl(take, MAP_GREF, &m) == 0) {
        theirs = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, take, (off_t)m.index);
        printf("gntdev: a reference that is not granted: %s\n",
               theirs == MAP_FAILED ? "refused" : "mapped");
    }
    close(take);
    close(give);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    privcmd();
    evtchn();
    grants();
    return 0;
}
