/* SPDX-License-Identifier: MIT */
/*
 * xenostored for a Linux control domain: options, signals, and the loop that gives each client its turn.
 * Invariant: a round serves each peer that is ready once; only then does epoll say who else is.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "xenostored/linux/daemon.h"
#include "xenostored/linux/loop.h"
#include "xenostored/linux/rings.h"

#define RUN_DIR    "/run/xenstored"
#define MAX_EVENTS 64

struct options {
    const char *run_dir, *pid_file;
    bool socket_only, foreground, fresh;
};

static const char usage[] =
    "usage: xenostored [option…]\n"
    "Keeps the tree of names that domains and tools talk through.\n"
    "  -s, --socket-only     serve tools only: no hypervisor is needed\n"
    "  -f, --foreground      stay in the foreground\n"
    "  -d, --run-dir DIR     sockets and state: default XENSTORED_RUNDIR or " RUN_DIR "\n"
    "  -p, --pid-file FILE   write the process id there\n"
    "      --fresh           begin with an empty store instead of what the last process left\n"
    "  -h, --help            this text\n";

int loop_add(struct daemon *d, int fd, uint32_t events, uint64_t key)
{
    struct epoll_event e = {.events = events, .data.u64 = key};

    return epoll_ctl(d->epoll, EPOLL_CTL_ADD, fd, &e);
}

void loop_change(struct daemon *d, int fd, uint32_t events, uint64_t key)
{
    struct epoll_event e = {.events = events, .data.u64 = key};

    epoll_ctl(d->epoll, EPOLL_CTL_MOD, fd, &e);
}

static void on_ready(struct xs_store *store, struct xs_conn *conn)
{
    struct daemon *d = store->host_ctx;
    struct peer *p = peer_of(d, conn);

    if (p) {
        peer_ready(d, p);
    }
}

static void dispatch(struct daemon *d, const struct epoll_event *e)
{
    uint64_t key = e->data.u64;

    if (key == LOOP_SIGNAL) {
        d->stop = true;
    } else if (key == LOOP_EVENT_CHANNELS) {
        rings_event(d);
    } else if (key < LOOP_PEER) {
        socket_accept(d, (unsigned int)(key - LOOP_LISTEN));
    } else if (key - LOOP_PEER <= d->nr_slots && d->by_slot[key - LOOP_PEER - 1]) {
        socket_event(d, d->by_slot[key - LOOP_PEER - 1], e->events);
    }
}

/* Those that are ready now, once each. */
static void serve_round(struct daemon *d)
{
    const struct peer *last = d->ready.last;
    struct peer *p;

    do {
        p = peer_next_ready(d);
        if (p && !p->is_gone) {
            if (p->fd >= 0) {
                socket_serve(d, p);
            } else {
                ring_serve(d, p);
            }
        }
    } while (p && p != last);
    peer_reap(d);
}

static int run(struct daemon *d)
{
    struct epoll_event events[MAX_EVENTS];

    while (!d->stop) {
        bool busy = xs_store_work(&d->store) || d->ready.first;
        int nr = epoll_wait(d->epoll, events, MAX_EVENTS, busy ? 0 : -1);

        if (nr < 0 && errno != EINTR) {
            fprintf(stderr, "xenostored: epoll: %s\n", strerror(errno));
            return 1;
        }
        for (int i = 0; i < nr; i++) {
            dispatch(d, &events[i]);
        }
        serve_round(d);
        state_trim(d);
    }
    return 0;
}

static int open_loop(struct daemon *d)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &signals, NULL)) {
        return -1;
    }
    d->epoll = epoll_create1(EPOLL_CLOEXEC);
    d->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return d->epoll < 0 || d->signals < 0 ? -1 : loop_add(d, d->signals, EPOLLIN, LOOP_SIGNAL);
}

static int parse(int argc, char **argv, struct options *o)
{
    static const struct option options[] = {{"socket-only", no_argument, NULL, 's'},
                                            {"foreground", no_argument, NULL, 'f'},
                                            {"run-dir", required_argument, NULL, 'd'},
                                            {"pid-file", required_argument, NULL, 'p'},
                                            {"fresh", no_argument, NULL, 'F'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *dir = getenv("XENSTORED_RUNDIR");
    int c;

    *o = (struct options){.run_dir = dir ? dir : RUN_DIR};
    while ((c = getopt_long(argc, argv, "sfd:p:h", options, NULL)) != -1) {
        switch (c) {
        case 's':
            o->socket_only = true;
            break;
        case 'f':
            o->foreground = true;
            break;
        case 'd':
            o->run_dir = optarg;
            break;
        case 'p':
            o->pid_file = optarg;
            break;
        case 'F':
            o->fresh = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return 1;
        default:
            fputs("xenostored: see --help\n", stderr);
            return -1;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "xenostored: '%s' is not an option: see --help\n", argv[optind]);
        return -1;
    }
    return 0;
}

static int write_pid(const char *name)
{
    FILE *f = fopen(name, "we");
    int rc = f ? fprintf(f, "%d\n", (int)getpid()) : -1;

    if (!f || fclose(f) || rc < 0) {
        fprintf(stderr, "xenostored: cannot write %s: %s\n", name, strerror(errno));
        return -1;
    }
    return 0;
}

/*
 * The child serves, and the parent ends when the child's sockets are there: who started the daemon may use it then. It is
 * done first of all, because locks, signals and epoll belong to the process that made them.
 * Returns the end of a pipe on which the child tells (-1: in the foreground), or -2.
 */
static int go_to_background(void)
{
    int ends[2];
    pid_t child;
    char ok;

    if (pipe(ends)) {
        return -2;
    }
    child = fork();
    if (child < 0) {
        fprintf(stderr, "xenostored: cannot fork: %s\n", strerror(errno));
        return -2;
    }
    if (child == 0) {
        close(ends[0]);
        setsid();
        return ends[1];
    }
    close(ends[1]);
    _exit(read(ends[0], &ok, 1) == 1 ? 0 : 1);
}

/* Nothing of who started us is held any more. */
static int detach(int pipe_end)
{
    int null = open("/dev/null", O_RDWR);

    if (chdir("/") || null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 ||
        write(pipe_end, "", 1) != 1) {
        fprintf(stderr, "xenostored: cannot go to the background: %s\n", strerror(errno));
        return -1;
    }
    close(pipe_end);
    if (null > 2) {
        close(null);
    }
    return 0;
}

static int start(struct daemon *d, const struct options *o)
{
    static const struct xs_host host = {.ready = on_ready,
                                        .introduce = rings_introduce,
                                        .release = rings_release,
                                        .domain_exists = rings_domain_exists};
    static const struct xs_host no_host = {.ready = on_ready};
    struct rlimit files = {.rlim_cur = 65536, .rlim_max = 65536};
    uint32_t seed;
    int rc;

    d->run_dir = o->run_dir;
    if (mkdir(o->run_dir, 0755) && errno != EEXIST) {
        fprintf(stderr, "xenostored: cannot make %s: %s\n", o->run_dir, strerror(errno));
        return -1;
    }
    setrlimit(RLIMIT_NOFILE, &files); /* fewer clients are better than none */
    if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed) || open_loop(d)) {
        fprintf(stderr, "xenostored: cannot start: %s\n", strerror(errno));
        return -1;
    }
    if (state_open(d, o->run_dir, o->fresh)) {
        return -1;
    }
    rc = xs_store_open(&d->store, &d->arena, seed, o->socket_only ? &no_host : &host, d);
    if (rc) {
        fprintf(stderr, "xenostored: cannot use the state in %s: %s\n", o->run_dir, strerror(-rc));
        return -1;
    }
    if (!o->socket_only && rings_open(d)) {
        return -1;
    }
    return sockets_open(d);
}

int main(int argc, char **argv)
{
    static struct daemon d;
    struct options o;
    int rc = parse(argc, argv, &o);
    int pipe_end = -1;

    if (rc) {
        return rc < 0 ? 2 : 0;
    }
    if (!o.foreground) {
        pipe_end = go_to_background();
    }
    if (pipe_end == -2 || start(&d, &o) || (o.pid_file && write_pid(o.pid_file)) ||
        (pipe_end >= 0 && detach(pipe_end))) {
        return 1;
    }
    rc = run(&d);
    sockets_close(&d);
    return rc;
}
