/* SPDX-License-Identifier: MIT */
/*
 * Load for xenostored in a Linux control domain, which kills it with SIGKILL, a kill a second: store_load KILLS. Whoever keeps
 * the daemons has to start them again. Requests go over the kernel's ring (/dev/xen/xenbus), which must notice nothing,
 * and over the socket, where a request without an answer may or may not have been done. At the end every acknowledged write
 * must be there, and a watch on the kernel's ring must have told of each node once and in order.
 * With each kill of xenostored xenoconsoled is killed as well.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <xen/io/xs_wire.h>

#define BUS    "/dev/xen/xenbus"
#define SOCKET "/run/xenstored/socket"
#define PATH   64
/* Requests in a row that the socket's client sends without waiting, and the most of its nodes. */
#define BURST      8u
#define SOCKET_MAX 65536u
#define KILL_BURST 64u
#define SPIN       200000u /* how long the daemon works on them, at most, before it is killed */
#define LOOK_US    10000
#define LOOKS      3000

static int bus, watcher, pair, sock = -1;
static char reply[XENSTORE_PAYLOAD_MAX + 1];
static unsigned int bus_writes, events, pairs, conflicts, socket_writes, socket_acked, kills;
static bool acked[SOCKET_MAX];
static unsigned int random_state = 12345;

static unsigned int pick(unsigned int n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % n;
}

static void fail(const char *what)
{
    printf("store_load: %s: %s\n", what, errno ? strerror(errno) : reply);
    exit(1);
}

static int open_bus(void)
{
    int fd = open(BUS, O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        fail(BUS);
    }
    return fd;
}

/* False: the other end has gone. */
static bool read_all(int fd, void *to, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = read(fd, (char *)to + done, len - done);

        if (n <= 0) {
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

static bool send_message(int fd, uint32_t type, uint32_t tx, const char *payload, size_t len)
{
    char bytes[sizeof(struct xsd_sockmsg) + 256];
    struct xsd_sockmsg head = {.type = type, .tx_id = tx, .len = (uint32_t)len};

    memcpy(bytes, &head, sizeof(head));
    memcpy(bytes + sizeof(head), payload, len);
    return write(fd, bytes, sizeof(head) + len) == (ssize_t)(sizeof(head) + len);
}

/* The type of what came: 0 if the other end has gone. */
static uint32_t receive(int fd)
{
    struct xsd_sockmsg head;

    if (!read_all(fd, &head, sizeof(head)) || head.len > XENSTORE_PAYLOAD_MAX ||
        !read_all(fd, reply, head.len)) {
        return 0;
    }
    reply[head.len] = 0;
    return head.type;
}

static void ask_bus(int fd, uint32_t type, uint32_t tx, const char *payload, size_t len)
{
    errno = 0;
    if (!send_message(fd, type, tx, payload, len) || receive(fd) != type) {
        fail("over the kernel's ring");
    }
}

static size_t node(char *text, const char *folder, unsigned int number)
{
    size_t len = (size_t)sprintf(text, "/load/%s/%u", folder, number) + 1;

    return len + (size_t)sprintf(text + len, "%u", number);
}

/* ---- the daemons ---- */

/* A handle of the running daemon of that name, or -1. */
static int find_daemon(const char *name)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    int found = -1;

    while (proc && (entry = readdir(proc))) {
        char path[300], comm[32] = "";
        int fd, pid = atoi(entry->d_name);

        snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
        fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (fd >= 0 && read(fd, comm, sizeof(comm) - 1) > 0 &&
            strncmp(comm, name, strlen(name)) == 0 && comm[strlen(name)] == '\n') {
            found = (int)syscall(SYS_pidfd_open, pid, 0);
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    closedir(proc);
    return found;
}

/* The same; looked for again, but not for ever, where it is being started. */
static int running_daemon(const char *name)
{
    int found = -1;

    for (int look = 0; found < 0 && look < LOOKS; look++) {
        found = find_daemon(name);
        if (found < 0) {
            usleep(LOOK_US);
        }
    }
    if (found < 0) {
        fail(name);
    }
    return found;
}

static void kill_daemon(int handle)
{
    struct pollfd end = {.fd = handle, .events = POLLIN};

    syscall(SYS_pidfd_send_signal, handle, SIGKILL, NULL, 0);
    poll(&end, 1, -1);
    close(handle);
}

static void connect_socket(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = SOCKET};

    close(sock);
    sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    for (int look = 0; connect(sock, (struct sockaddr *)&a, sizeof(a)); look++) {
        if (errno != ECONNREFUSED || look == LOOKS) {
            fail(SOCKET);
        }
        usleep(LOOK_US);
    }
}

/* A run of writes; how many were sent. */
static unsigned int burst(unsigned int most)
{
    unsigned int sent = 0;
    char text[PATH];

    while (sent < most && socket_writes < SOCKET_MAX) {
        send_message(sock, XS_WRITE, 0, text, node(text, "socket", socket_writes++));
        sent++;
    }
    return sent;
}

/* The answers, to the last one or to the daemon's end. */
static void answers(unsigned int sent)
{
    for (unsigned int first = socket_writes - sent; first < socket_writes; first++) {
        if (receive(sock) != XS_WRITE) {
            return;
        }
        acked[first] = true;
        socket_acked++;
    }
}

/* In the middle of work for the socket and the ring; what was asked of the ring is answered by the next one. */
static void kill_daemons(void)
{
    int store = running_daemon("xenostored");
    int consoles = running_daemon("xenoconsoled");
    unsigned int sent;
    char text[PATH];

    sent = burst(1 + pick(KILL_BURST));
    bus_writes++;
    if (!send_message(bus, XS_WRITE, 0, text, node(text, "bus", bus_writes))) {
        fail(BUS);
    }
    for (volatile unsigned int spin = pick(SPIN); spin; spin--) {
    }
    kill_daemon(store);
    kill_daemon(consoles);
    answers(sent);
    if (receive(bus) != XS_WRITE) {
        fail("what was asked of the ring when the daemon was killed");
    }
    connect_socket();
    kills++;
}

/* ---- load ---- */

/* The answer and the first event, which the kernel gives in either order. */
static void start_watching(void)
{
    uint32_t first, second;

    errno = 0;
    if (!send_message(watcher, XS_WATCH, 0, "/load/bus\0w", sizeof("/load/bus\0w"))) {
        fail(BUS);
    }
    first = receive(watcher);
    second = receive(watcher);
    if (first + second != XS_WATCH + XS_WATCH_EVENT) {
        fail("the first event");
    }
}

static void take_event(void)
{
    char wanted[PATH];

    snprintf(wanted, sizeof(wanted), "/load/bus/%u", events + 1);
    if (receive(watcher) != XS_WATCH_EVENT || strcmp(reply, wanted) != 0) {
        printf("store_load: expected an event for %s\n", wanted);
        fail("events");
    }
    events++;
}

static void one_pair(void)
{
    static const char *const sides[] = {"/load/left", "/load/right"};
    uint32_t tx;

    ask_bus(pair, XS_TRANSACTION_START, 0, "", 1);
    tx = (uint32_t)strtoul(reply, NULL, 10);
    for (int i = 0; i < 2; i++) {
        char text[PATH];
        size_t len = strlen(strcpy(text, sides[i])) + 1;

        len += (size_t)sprintf(text + len, "%u", pairs + 1);
        ask_bus(pair, XS_WRITE, tx, text, len);
    }
    errno = 0;
    if (!send_message(pair, XS_TRANSACTION_END, tx, "T", 2)) {
        fail(BUS);
    }
    if (receive(pair) == XS_TRANSACTION_END) {
        pairs++;
    } else if (strcmp(reply, "EAGAIN") == 0) {
        conflicts++;
    } else {
        fail("transaction");
    }
}

static void turn(void)
{
    struct pollfd news = {.fd = watcher, .events = POLLIN};
    char text[PATH];

    bus_writes++;
    ask_bus(bus, XS_WRITE, 0, text, node(text, "bus", bus_writes));
    if (bus_writes % 4 == 0) {
        one_pair();
    }
    answers(burst(BURST));
    while (poll(&news, 1, 0) > 0) {
        take_event();
    }
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must_be(const char *folder, unsigned int number)
{
    char text[PATH];
    size_t len = node(text, folder, number);
    size_t path = strlen(text) + 1;

    errno = 0;
    if (!send_message(sock, XS_READ, 0, text, path) || receive(sock) != XS_READ ||
        strncmp(reply, text + path, len - path) != 0) {
        printf("store_load: %s\n", text);
        fail("is lost");
    }
}

static void look_at_all(void)
{
    char left[16];

    while (events < bus_writes) {
        take_event();
    }
    for (unsigned int i = 1; i <= bus_writes; i++) {
        must_be("bus", i);
    }
    for (unsigned int i = 0; i < socket_writes; i++) {
        if (acked[i]) {
            must_be("socket", i);
        }
    }
    ask_bus(bus, XS_READ, 0, "/load/left", sizeof("/load/left"));
    snprintf(left, sizeof(left), "%.15s", reply);
    ask_bus(bus, XS_READ, 0, "/load/right", sizeof("/load/right"));
    if (strcmp(left, reply) != 0 || strtoul(left, NULL, 10) != pairs) {
        fail("a pair is not whole");
    }
}

int main(int argc, char **argv)
{
    unsigned int wanted = argc == 2 ? (unsigned int)strtoul(argv[1], NULL, 10) : 0;
    double last = now();

    if (!wanted) {
        fputs("usage: store_load KILLS\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    bus = open_bus();
    pair = open_bus();
    watcher = open_bus();
    ask_bus(bus, XS_MKDIR, 0, "/load/bus", sizeof("/load/bus"));
    start_watching();
    connect_socket();
    while (kills < wanted) {
        turn();
        if (now() - last >= 1.0) {
            kill_daemons();
            last = now();
        }
    }
    look_at_all();
    printf(
        "%u kills: %u writes and %u pairs (%u conflicts) on the kernel's ring, %u events, %u of %u "
        "writes on the socket acknowledged: nothing is lost\n",
        kills, bus_writes, pairs, conflicts, events, socket_acked, socket_writes);
    return 0;
}
