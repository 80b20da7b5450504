/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls go through one arena of /dev/xen/hypercall, whose pages the kernel never moves; where that device is missing,
 * locked memory has to do. It starts small, for its pages are most of what a short command costs, and grows once if a call asks
 * for more. Foreign frames are mapped by privcmd's batch call: all or none.
 */
#include "libxeno/linux/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libxeno/linux/registry.h"
#include "libxeno/linux/sys.h"

#define PAGE       4096u
#define ARENA      (4u * PAGE)
#define ARENA_MOST (64u * PAGE) /* as much as the device gives by default */
#define DEV        "/dev/xen/"
#define LOCK_FILE  XENO_RUN_DIR "/lock"

static int map_arena(struct xeno_linux *l, size_t size)
{
    void *va = MAP_FAILED;

    if (l->arena >= 0) {
        va = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, l->arena, 0);
    }
    if (va == MAP_FAILED) {
        va = mmap(NULL, size, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
    }
    if (va == MAP_FAILED) {
        return -1;
    }
    if (l->bounce.arena) {
        munmap(l->bounce.arena, l->bounce.size);
    }
    l->bounce.arena = va;
    l->bounce.size = size;
    return 0;
}

static long do_hypercall(void *ctx, unsigned int nr, uint64_t a1, uint64_t a2, uint64_t a3,
                         uint64_t a4)
{
    struct xeno_linux *l = ctx;
    struct sys_hypercall h = {.nr = nr, .arg = {a1, a2, a3, a4, 0}};
    long rc = bounce_in(&l->bounce, nr, h.arg);

    if (rc == -ENOBUFS && l->bounce.size < ARENA_MOST && map_arena(l, ARENA_MOST) == 0) {
        h = (struct sys_hypercall){.nr = nr, .arg = {a1, a2, a3, a4, 0}};
        rc = bounce_in(&l->bounce, nr, h.arg);
    }
    if (rc) {
        return rc;
    }
    rc = ioctl(l->privcmd, SYS_HYPERCALL, &h);
    if (rc < 0) {
        rc = -errno;
    }
    bounce_out(&l->bounce);
    return rc;
}

static void *map_frames(struct xeno_linux *l, int prot, uint32_t domid, const uint64_t *mfns,
                        size_t nr)
{
    int small[64], *errors = nr <= 64 ? small : malloc(nr * sizeof(*errors));
    void *va = errors ? mmap(NULL, nr * PAGE, prot, MAP_SHARED, l->privcmd, 0) : MAP_FAILED;
    struct sys_map_batch b = {.num = (uint32_t)nr,
                              .domid = (uint16_t)domid,
                              .addr = (uintptr_t)va,
                              .frames = mfns,
                              .errors = errors};
    bool ok = va != MAP_FAILED && ioctl(l->privcmd, SYS_MAP_BATCH, &b) == 0;

    for (size_t i = 0; ok && i < nr; i++) {
        ok = errors[i] == 0;
    }
    if (!ok && va != MAP_FAILED) {
        munmap(va, nr * PAGE);
    }
    if (errors != small) {
        free(errors);
    }
    return ok ? va : NULL;
}

static void *do_map(void *ctx, uint32_t domid, const uint64_t *mfns, size_t nr)
{
    return map_frames(ctx, PROT_READ | PROT_WRITE, domid, mfns, nr);
}

void *xeno_linux_map_readonly(struct xeno_linux *l, uint32_t domid, const uint64_t *mfns, size_t nr)
{
    return map_frames(l, PROT_READ, domid, mfns, nr);
}

static void do_unmap(void *ctx, void *va, size_t nr)
{
    (void)ctx;
    munmap(va, nr * PAGE);
}

/* ---- events ---- */

int xeno_linux_event_fd(struct xeno_linux *l)
{
    if (l->evtchn < 0) {
        l->evtchn = open(DEV "evtchn", O_RDWR | O_CLOEXEC | O_NONBLOCK);
        if (l->evtchn < 0) {
            return -errno;
        }
    }
    return l->evtchn;
}

static void unbind(struct xeno_linux *l, uint32_t port)
{
    struct sys_port p = {.port = port};

    ioctl(l->evtchn, SYS_UNBIND, &p);
}

static long add_binding(struct xeno_linux *l, unsigned long request, void *argument,
                        void (*fn)(void *arg), void *arg)
{
    int fd = xeno_linux_event_fd(l);
    long port = fd < 0 ? fd : ioctl(fd, request, argument);

    if (port < 0) {
        return fd < 0 ? fd : -errno;
    }
    if ((size_t)port >= l->nr_bindings) {
        size_t nr = 2 * (size_t)port + 1;
        struct linux_binding *more = realloc(l->bindings, nr * sizeof(*more));

        if (!more) {
            unbind(l, (uint32_t)port);
            return -ENOMEM;
        }
        memset(more + l->nr_bindings, 0, (nr - l->nr_bindings) * sizeof(*more));
        l->bindings = more;
        l->nr_bindings = nr;
    }
    l->bindings[port] = (struct linux_binding){.fn = fn, .arg = arg};
    return port;
}

static long do_bind(void *ctx, uint32_t domid, uint32_t remote_port, void (*fn)(void *arg),
                    void *arg)
{
    struct sys_bind_interdomain b = {.domid = domid, .port = remote_port};

    return add_binding(ctx, SYS_BIND_INTERDOMAIN, &b, fn, arg);
}

long xeno_linux_bind_virq(struct xeno_linux *l, uint32_t virq, void (*fn)(void *arg), void *arg)
{
    struct sys_bind_virq b = {.virq = virq};

    return add_binding(l, SYS_BIND_VIRQ, &b, fn, arg);
}

static void do_unbind(void *ctx, uint32_t port)
{
    struct xeno_linux *l = ctx;

    unbind(l, port);
    if (port < l->nr_bindings) {
        l->bindings[port].fn = NULL;
    }
}

static void do_notify(void *ctx, uint32_t port)
{
    struct xeno_linux *l = ctx;
    struct sys_port p = {.port = port};

    ioctl(l->evtchn, SYS_NOTIFY, &p);
}

static void run_handler(struct xeno_linux *l, uint32_t port)
{
    if (port < l->nr_bindings && l->bindings[port].fn) {
        l->bindings[port].fn(l->bindings[port].arg);
    }
}

void xeno_linux_dispatch(struct xeno_linux *l)
{
    uint32_t ports[64];
    ssize_t n = read(l->evtchn, ports, sizeof(ports));

    for (ssize_t i = 0; i < n / (ssize_t)sizeof(ports[0]); i++) {
        /* Unmasked before the handler looks: what comes while it looks is an event of its own. */
        if (write(l->evtchn, &ports[i], sizeof(ports[i])) < 0) {
            continue; /* the port has been unbound meanwhile */
        }
        run_handler(l, ports[i]);
    }
}

/* ---- the lock ---- */

/* The first one since the machine was started makes the folders, and the file last: where that is, they are. */
static int open_lock(void)
{
    static const char *const folders[] = {XENO_RUN_DIR, REGISTRY_LIVING, REGISTRY_ENDED,
                                          REGISTRY_OWED};
    int fd = open(LOCK_FILE, O_RDWR | O_CLOEXEC);

    if (fd >= 0 || errno != ENOENT) {
        return fd;
    }
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        if (mkdir(folders[i], 0700) && errno != EEXIST) {
            return -1;
        }
    }
    return open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static void do_lock(void *ctx)
{
    struct xeno_linux *l = ctx;

    while (flock(l->lock, LOCK_EX) && errno == EINTR) {
    }
    l->locked = true;
}

static void do_unlock(void *ctx)
{
    struct xeno_linux *l = ctx;

    l->locked = false;
    flock(l->lock, LOCK_UN);
}

/* ---- open and close ---- */

static int open_error(int code, struct xeno_error *err)
{
    if (code == EACCES || code == EPERM) {
        return xeno_fail(err, DEV "privcmd: not permitted: become root");
    }
    if (code != ENOENT && code != ENODEV && code != ENXIO) {
        return xeno_fail(err, DEV "privcmd: %s", strerror(code));
    }
    if (access("/sys/hypervisor/type", F_OK) == 0) {
        return xeno_fail(err, DEV "privcmd is missing: load its driver: modprobe xen-privcmd");
    }
    return xeno_fail(
        err, "this machine was booted without the hypervisor: choose its entry in the boot menu");
}

int xeno_linux_open(struct xeno_linux *l, struct xeno_error *err)
{
    memset(l, 0, sizeof(*l));
    l->privcmd = l->arena = l->evtchn = l->lock = l->gntdev = -1;
    l->t = (struct xeno_transport){.ctx = l,
                                   .own_domid = 0,
                                   .gives_memory = true,
                                   .hypercall = do_hypercall,
                                   .map_foreign = do_map,
                                   .unmap_foreign = do_unmap,
                                   .event_bind = do_bind,
                                   .event_unbind = do_unbind,
                                   .event_notify = do_notify,
                                   .lock = do_lock,
                                   .unlock = do_unlock};
    l->privcmd = open(DEV "privcmd", O_RDWR | O_CLOEXEC);
    if (l->privcmd < 0) {
        return open_error(errno, err);
    }
    l->arena = open(DEV "hypercall", O_RDWR | O_CLOEXEC);
    if (map_arena(l, ARENA)) {
        xeno_linux_close(l);
        return xeno_fail(err, "no memory for hypercalls: %s", strerror(errno));
    }
    l->lock = open_lock();
    if (l->lock < 0) {
        xeno_linux_close(l);
        return xeno_fail(err, LOCK_FILE ": %s", strerror(errno));
    }
    return 0;
}

void xeno_linux_close(struct xeno_linux *l)
{
    const int fds[] = {l->privcmd, l->arena, l->evtchn, l->lock, l->gntdev};

    if (l->bounce.arena) {
        munmap(l->bounce.arena, l->bounce.size);
    }
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    free(l->bindings);
    l->privcmd = l->arena = l->evtchn = l->lock = l->gntdev = -1;
    l->bindings = NULL;
}
