/* SPDX-License-Identifier: MIT */
/*
 * xeno-dm: the device model of one domain, a process in the control domain: the emulated devices of a fully virtualized domain, the disks
 * of any. What it serves stands in the domain's record; what its devices know, in a mapped file, so that after SIGKILL another one goes
 * on. Invariant: it holds the domain's lock from before the first request until it ends (libxeno/linux/models.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "device-model/dm.h"
#include "device-model/linux/disk.h"
#include "device-model/vbd.h"
#include "libxeno/linux/models.h"
#include "libxeno/linux/registry.h"

#define LOOK_MS 1000 /* where no xenstored tells of ends */

static struct {
    struct xeno_linux l;
    struct xeno x;
    uint32_t domid;
    struct registry_head head;
    struct domain_cfg cfg;
    struct disk disk[DOMAIN_DISKS];
    uint32_t nr_disks;
    bool full;
    struct dm dm;
    struct vbd vbd[DOMAIN_DISKS];       /* of a paravirtualized domain */
    struct xeno_store requests, events; /* a connection that watches asks nothing else */
} me;

static int complain(const char *text)
{
    fprintf(stderr, "%s\n", text);
    return EXIT_FAILURE;
}

static uint64_t wall_seconds(void)
{
    return (uint64_t)time(NULL);
}

/* ---- the store, for the disk of a paravirtualized domain ---- */

static long vbd_read(void *ctx, const char *path, char *buf, size_t size)
{
    (void)ctx;
    return store_read(&me.requests, path, buf, size);
}

static int vbd_write(void *ctx, const char *path, const char *value)
{
    (void)ctx;
    store_write(&me.requests, path, value);
    return store_flush(&me.requests);
}

static int vbd_perms(void *ctx, const char *path, const char *perms)
{
    (void)ctx;
    store_perms(&me.requests, path, perms);
    return store_flush(&me.requests);
}

static const struct vbd_store vbd_store = {
    .read = vbd_read, .write = vbd_write, .perms = vbd_perms};

static void fronts_changed(void)
{
    for (uint32_t i = 0; !me.full && i < me.nr_disks; i++) {
        vbd_front_changed(&me.vbd[i]);
    }
}

/* Both connections, and what is looked out for. */
static int store_connect(void)
{
    char path[VBD_PATH];
    int rc = store_open_now(&me.events);

    rc = rc ? rc : store_open_now(&me.requests);
    if (rc == 0) {
        store_watch(&me.events, "@releaseDomain", "end");
        for (uint32_t i = 0; !me.full && i < me.nr_disks; i++) {
            vbd_watch_path(&me.vbd[i], path);
            store_watch(&me.events, path, "disk");
        }
        rc = store_flush(&me.events);
    }
    if (rc) {
        store_close(&me.events);
        store_close(&me.requests);
    } else {
        fronts_changed(); /* what has changed before anybody watched */
    }
    return rc;
}

/* ---- start ---- */

/* Held until the process ends: the file is opened here only. */
static int take_lock(void)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char path[MODELS_PATH_MAX];
    int fd;

    model_lock_path(me.domid, path);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return fd >= 0 ? fcntl(fd, F_SETLK, &lock) : -1;
}

/* The domain's record: what it is to be served with. */
static int read_record(struct xeno_error *err)
{
    struct cfg pairs;
    char *text, why[256];
    int rc = registry_read(me.domid, &me.head, &text);

    if (rc) {
        return xeno_fail(err, "device model: domain %u has no record: %s", me.domid, strerror(-rc));
    }
    rc = cfg_parse(&pairs, "record", text, strlen(text), why, sizeof(why));
    free(text);
    if (rc == 0) {
        rc = domain_cfg_read(&pairs, &me.cfg, NULL, NULL, why, sizeof(why));
        cfg_free(&pairs);
    }
    me.full = me.cfg.engine[0];
    while (me.nr_disks < DOMAIN_DISKS && me.cfg.disk[me.nr_disks].target[0]) {
        me.nr_disks++;
    }
    return rc ? xeno_fail(err, "device model: domain %u: %s", me.domid, why) : 0;
}

static void *map_file(const char *path, size_t bytes)
{
    void *va = MAP_FAILED;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd >= 0 && ftruncate(fd, (off_t)bytes) == 0) {
        va = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (fd >= 0) {
        close(fd);
    }
    return va == MAP_FAILED ? NULL : va;
}

static struct dm_devices *map_devices(void)
{
    char path[MODELS_PATH_MAX];

    model_devices_path(me.domid, path);
    return map_file(path, sizeof(struct dm_devices));
}

static struct disk_counts *map_counts(void)
{
    char path[MODELS_PATH_MAX];

    model_counts_path(me.domid, path);
    return map_file(path, sizeof(struct disk_counts));
}

static int serve_full(struct xeno_error *err)
{
    struct dm_config cfg = {.domid = me.domid,
                            .console_gfn = me.head.console_mfn,
                            .console_port = me.head.console_port,
                            .wall_seconds = wall_seconds,
                            .devices = map_devices()};

    if (!cfg.devices) {
        return xeno_fail(err, "device model: " MODELS_DIR ": %s", strerror(errno));
    }
    for (uint32_t i = 0; i < me.nr_disks; i++) {
        cfg.disk[domain_disk_index(me.cfg.disk[i].vdev) % ATA_DISKS] = &me.disk[i].block;
    }
    return dm_start(&me.dm, &me.x, &cfg, err);
}

static int serve_disks(struct xeno_error *err)
{
    struct disk_counts *counts = map_counts();
    int rc = store_open(&me.requests);

    if (counts) {
        counts->disks = me.nr_disks;
    }
    for (uint32_t i = 0; rc == 0 && i < me.nr_disks; i++) {
        const struct vbd_config cfg = {.domid = me.domid,
                                       .device = domain_disk_number(me.cfg.disk[i].vdev),
                                       .name = me.cfg.disk[i].vdev,
                                       .disk = &me.disk[i].block,
                                       .counts = counts};

        rc = vbd_start(&me.vbd[i], &me.x, &vbd_store, &cfg);
    }
    store_close(&me.requests);
    return rc ? xeno_fail(err, "its disks: xenstored: %s", strerror(-rc)) : 0;
}

static int start(struct xeno_error *err)
{
    if (xeno_linux_open(&me.l, err) || xeno_linux_device_calls(&me.l, err)) {
        return -1;
    }
    me.x.t = &me.l.t;
    me.requests.fd = me.events.fd = -1;
    if (take_lock()) {
        return xeno_fail(err, "domain %u has a device model already", me.domid);
    }
    if (read_record(err)) {
        return -1;
    }
    for (uint32_t i = 0; i < me.nr_disks; i++) {
        if (disk_open(&me.disk[i], &me.cfg.disk[i], err)) {
            return -1;
        }
    }
    if (!me.full && !me.nr_disks) {
        return xeno_fail(err, "domain %u needs no device model", me.domid);
    }
    return me.full ? serve_full(err) : serve_disks(err);
}

/* ---- the loop ---- */

static bool domain_is_there(void)
{
    struct xen_domctl_getdomaininfo info;

    return xeno_domain_info(&me.x, me.domid, &info) == 0 && !(info.flags & XEN_DOMINF_dying);
}

/* False: there is nobody left to be served. */
static bool store_turn(void)
{
    char path[256];

    if (store_event(&me.events, path, sizeof(path)) < 0) {
        store_close(&me.events);
        store_close(&me.requests); /* it will be back */
        return true;
    }
    if (path[0] == '@') {
        return domain_is_there();
    }
    fronts_changed();
    return true;
}

/* SIGUSR1 is the power button (libxeno/linux/models.c). */
static bool signal_ends(int signals)
{
    struct signalfd_siginfo info;

    if (read(signals, &info, sizeof(info)) != (ssize_t)sizeof(info)) {
        return false;
    }
    if (info.ssi_signo == SIGUSR1 && me.full) {
        dm_power_button(&me.dm);
    }
    return info.ssi_signo != SIGUSR1;
}

static int loop(int signals)
{
    (void)store_connect(); /* if not now, then at the next look */
    for (;;) {
        struct pollfd p[] = {{.fd = xeno_linux_event_fd(&me.l), .events = POLLIN},
                             {.fd = signals, .events = POLLIN},
                             {.fd = me.events.fd, .events = POLLIN}};

        if (poll(p, 3, me.events.fd < 0 ? LOOK_MS : -1) < 0 && errno != EINTR) {
            return EXIT_FAILURE;
        }
        if (p[0].revents) {
            xeno_linux_dispatch(&me.l);
        }
        if (p[1].revents && signal_ends(signals)) {
            return EXIT_SUCCESS;
        }
        if (p[2].revents && !store_turn()) {
            return EXIT_SUCCESS;
        }
        if (me.events.fd < 0 && (!domain_is_there() || store_connect())) {
            if (!domain_is_there()) {
                return EXIT_SUCCESS;
            }
        }
    }
}

static int open_signals(void)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

/* The process that was called ends when its child serves the domain; the lock is the child's. */
static void into_background(void)
{
    int ready[2];
    char byte;
    pid_t pid;

    if (pipe(ready) || (pid = fork()) < 0) {
        _exit(complain(strerror(errno)));
    }
    if (pid > 0) {
        close(ready[1]);
        _exit(read(ready[0], &byte, 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    close(ready[0]);
    setsid();
    dup2(ready[1], STDIN_FILENO); /* where the answer goes */
    close(ready[1]);
}

int main(int argc, char **argv)
{
    struct xeno_error err;
    char *end = (char *)"";
    int signals, null;

    me.domid = argc == 2 ? (uint32_t)strtoul(argv[1], &end, 10) : 0;
    if (argc != 2 || *end || me.domid == 0) {
        complain("usage: xeno-dm DOMID (started by xeno)");
        return 2;
    }
    into_background();
    signals = open_signals();
    if (start(&err)) {
        return complain(err.text);
    }
    if (write(STDIN_FILENO, "r", 1) != 1) {
        return EXIT_FAILURE;
    }
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++) {
        dup2(null, fd);
    }
    return loop(signals);
}
