/* SPDX-License-Identifier: MIT */
/*
 * The loop: events of rings, the socket, ptys, ends of domains. When a domain has ended, `xeno service` does what its
 * configuration says: the daemon itself builds nothing. How it hears of ends: xenstored's @releaseDomain, or the virtual IRQ
 * itself (--virq, where no xenstored will run, which needs that IRQ), or else by looking once a second.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "xenoconsoled/consoled.h"

#define LOCK_FILE    XENO_RUN_DIR "/console.lock"
#define PERIOD_MS    100
#define PERIOD_BYTES 65536u /* a domain's share of a period: 640 KiB/s */
#define LOOK_MS      1000
#define LOG_LIMIT    (1u << 20)
#define FIXED_FDS    5u

extern char **environ;

static int complain(const char *text)
{
    fprintf(stderr, "xenoconsoled: %s\n", text);
    return EXIT_FAILURE;
}

/* ---- ends of domains ---- */

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void virq(void *arg)
{
    struct consoled *c = arg;

    c->check_domains = true;
}

static void store_connect(struct consoled *c)
{
    if (store_open_now(&c->store)) {
        return;
    }
    store_watch(&c->store, "@releaseDomain", "end");
    if (store_flush(&c->store)) {
        store_close(&c->store);
        return;
    }
    served_tty_nodes(c);
    c->check_domains = true;
}

static void store_readable(struct consoled *c)
{
    char path[256];

    if (store_event(&c->store, path, sizeof(path)) < 0) {
        store_close(&c->store); /* it will be back */
    }
    c->check_domains = true;
}

static void run_service(struct consoled *c)
{
    char *const words[] = {(char *)"xeno", (char *)"service", NULL};
    posix_spawnattr_t attr;
    sigset_t none;

    if (c->service_pid || !c->service_wanted || !c->service || now_ms() < c->service_from) {
        return;
    }
    c->service_wanted = false;
    sigemptyset(&none);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attr, &none);
    if (posix_spawn(&c->service_pid, c->service, NULL, &attr, words, environ)) {
        c->service_pid = 0;
        complain("cannot run xeno service: what is to be done when a domain ends is not done");
    }
    posix_spawnattr_destroy(&attr);
}

static void signal_come(struct consoled *c)
{
    struct signalfd_siginfo info;
    int status = 0;

    if (read(c->signals, &info, sizeof(info)) != (ssize_t)sizeof(info)) {
        return;
    }
    if (info.ssi_signo != SIGCHLD) {
        c->stop = true;
    } else if (c->service_pid && waitpid(c->service_pid, &status, WNOHANG) == c->service_pid) {
        c->service_pid = 0;
        c->check_domains = true; /* what ended while it ran */
        if (WIFSIGNALED(status)) {
            c->service_wanted = true;             /* it has left something to be done */
            c->service_from = now_ms() + LOOK_MS; /* not at once: it may be killed again */
        }
    }
}

/* ---- the loop ---- */

struct polled {
    struct pollfd *fd;
    size_t room;
};

static size_t fill(struct consoled *c, struct polled *p)
{
    size_t need = FIXED_FDS + c->nr_clients, n = 0;

    if (need > p->room) {
        struct pollfd *more = realloc(p->fd, 2 * need * sizeof(*more));

        if (!more) {
            return 0;
        }
        p->fd = more;
        p->room = 2 * need;
    }
    p->fd[n++] = (struct pollfd){.fd = c->signals, .events = POLLIN};
    p->fd[n++] = (struct pollfd){.fd = c->listener, .events = POLLIN};
    p->fd[n++] = (struct pollfd){.fd = c->store.fd, .events = POLLIN};
    p->fd[n++] = (struct pollfd){.fd = xeno_linux_event_fd(&c->l), .events = POLLIN};
    p->fd[n++] = (struct pollfd){.fd = c->ptys, .events = POLLIN};
    for (size_t i = 0; i < c->nr_clients; i++) {
        bool full = server_is_full(&c->clients[i]), output = server_has_output(&c->clients[i]);

        p->fd[n++] =
            (struct pollfd){.fd = full && !output ? -1 : c->clients[i].fd,
                            .events = (short)((full ? 0 : POLLIN) | (output ? POLLOUT : 0))};
    }
    return n;
}

static void act(struct consoled *c, const struct pollfd *fd)
{
    const struct pollfd *clients = fd + FIXED_FDS;
    size_t nr_clients = c->nr_clients;

    if (fd[4].revents) {
        served_ptys_input(c);
    }
    for (size_t i = 0; i < nr_clients; i++) {
        if (clients[i].revents & POLLOUT) {
            server_write(&c->clients[i]);
        }
        if (clients[i].revents & (POLLIN | POLLHUP | POLLERR)) {
            server_read(c, &c->clients[i]);
        }
    }
    if (fd[0].revents) {
        signal_come(c);
    }
    if (fd[1].revents) {
        server_accept(c);
    }
    if (fd[2].revents) {
        store_readable(c);
    }
    if (fd[3].revents) {
        xeno_linux_dispatch(&c->l);
    }
}

/* Until something is to be done: at once if a ring waits that may be read, next period if one may not yet. */
static int patience(const struct consoled *c, uint64_t period_end, uint64_t now)
{
    bool waits = false;

    for (const struct served *d = c->any_ready ? c->served : NULL; d; d = d->next) {
        if (d->ready && d->allowance) {
            return 0;
        }
        waits = waits || d->ready;
    }
    if (waits) {
        return period_end > now ? (int)(period_end - now) : 0;
    }
    waits = c->service_wanted && c->service && !c->service_pid;
    return waits || (c->store.fd < 0 && !c->use_virq) ? LOOK_MS : -1;
}

static void new_period(struct consoled *c)
{
    for (struct served *d = c->served; d; d = d->next) {
        d->allowance = PERIOD_BYTES;
    }
}

static void look(struct consoled *c)
{
    c->check_domains = false;
    if (served_check(c)) {
        c->service_wanted = true;
    }
}

/* Most rounds are not about what a domain says: those do not look at all of them. */
static void drain_ready(struct consoled *c)
{
    struct served *d = c->any_ready ? c->served : NULL;

    c->any_ready = false;
    for (; d; d = d->next) {
        if (d->ready) {
            served_drain(d);
        }
    }
}

static int loop(struct consoled *c)
{
    struct polled p = {.fd = NULL};
    uint64_t period_end = 0, next_look = 0;

    while (!c->stop) {
        uint64_t now = now_ms();
        size_t n;

        if (now >= period_end) {
            new_period(c);
            period_end = now + PERIOD_MS;
        }
        if (c->store.fd < 0 && !c->use_virq && now >= next_look) {
            store_connect(c);
            c->check_domains = true;
            next_look = now + LOOK_MS;
        }
        drain_ready(c);
        if (c->check_domains) {
            look(c);
        }
        run_service(c);
        server_sweep(c);
        served_sweep(c);
        n = fill(c, &p);
        if (n == 0) {
            return complain("out of memory");
        }
        if (poll(p.fd, n, patience(c, period_end, now)) > 0) {
            act(c, p.fd);
        }
    }
    free(p.fd);
    unlink(CONSOLE_SOCKET); /* told to end: nobody has to wait for the next one */
    return EXIT_SUCCESS;
}

/* ---- start ---- */

static int open_signals(void)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* One daemon at a time; the kernel drops the lock when its holder dies, however that happens. */
static int only_one(void)
{
    int fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : -1;
}

static const char usage[] =
    "usage: xenoconsoled [-f] [--virq] [--log-size KIB] [--service FILE | --no-service]";

static int options(struct consoled *c, int argc, char **argv, bool *foreground)
{
    for (int i = 1; i < argc; i++) {
        char *end = (char *)"";

        if (!strcmp(argv[i], "-f") || !strcmp(argv[i], "--foreground")) {
            *foreground = true;
        } else if (!strcmp(argv[i], "--virq")) {
            c->use_virq = true;
        } else if (!strcmp(argv[i], "--no-service")) {
            c->service = NULL;
        } else if (!strcmp(argv[i], "--service") && i + 1 < argc) {
            c->service = argv[++i];
        } else if (!strcmp(argv[i], "--log-size") && i + 1 < argc) {
            c->log_limit = strtoul(argv[++i], &end, 10) * 1024;
        } else {
            return -1;
        }
        if (*end || c->log_limit == 0 || c->log_limit > UINT32_MAX) {
            return -1;
        }
    }
    return 0;
}

/* The xeno that lies beside this program. */
static const char *default_service(void)
{
    static char path[512];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("/xeno"));
    char *slash;

    path[n > 0 ? n : 0] = '\0';
    slash = strrchr(path, '/');
    if (!slash) {
        return NULL;
    }
    strcpy(slash, "/xeno");
    return path;
}

/* The parent leaves when the daemon answers: whoever starts it can go on at once. */
static int into_background(void)
{
    int ready[2];
    char byte;
    pid_t pid;

    if (pipe(ready)) {
        return -1;
    }
    pid = fork();
    if (pid < 0) {
        return -1;
    }
    if (pid > 0) {
        close(ready[1]);
        _exit(read(ready[0], &byte, 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    close(ready[0]);
    setsid();
    return ready[1];
}

int main(int argc, char **argv)
{
    static struct consoled c = {.log_limit = LOG_LIMIT, .store = {.fd = -1}};
    struct xeno_error err;
    bool foreground = false;
    int ready = -1, null;

    c.service = default_service();
    if (options(&c, argc, argv, &foreground)) {
        complain(usage);
        return 2;
    }
    if (!foreground) {
        ready = into_background();
        if (ready < 0) {
            return complain(strerror(errno));
        }
    }
    if (xeno_linux_open(&c.l, &err)) {
        return complain(err.text);
    }
    if (only_one()) {
        return complain("another one runs");
    }
    c.x.t = &c.l.t;
    c.signals = open_signals();
    if (c.use_virq && xeno_linux_bind_virq(&c.l, VIRQ_DOM_EXC, virq, &c) < 0) {
        return complain("--virq: a xenstored has the virtual IRQ: start without --virq");
    }
    c.listener = server_open();
    c.ptys = epoll_create1(EPOLL_CLOEXEC);
    if (c.signals < 0 || c.listener < 0 || c.ptys < 0 || xeno_linux_event_fd(&c.l) < 0) {
        return complain("cannot open what it needs: " CONSOLE_SOCKET
                        ", /dev/xen/evtchn, a signal descriptor");
    }
    served_all(&c);
    c.check_domains = true;
    c.service_wanted = true; /* what ended while no daemon ran */
    if (ready >= 0) {
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null >= 0) {
            dup2(null, STDIN_FILENO);
            dup2(null, STDOUT_FILENO);
            dup2(null, STDERR_FILENO);
        }
        if (write(ready, "r", 1) != 1) {
            return EXIT_FAILURE;
        }
        close(ready);
    }
    return loop(&c);
}
