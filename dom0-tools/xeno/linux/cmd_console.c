/* SPDX-License-Identifier: MIT */
/*
 * xeno console on Linux: a view of xenoconsoled's, or, for a domain that another daemon serves, the pty that the store names.
 * The terminal is raw meanwhile and always put back; Ctrl-] leaves, the domain's end ends it with status 0.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "xeno/linux/place.h"

static char detach = 0x1d; /* Ctrl-] */

#define RETRY_MS 100
#define RETRIES  100u

static bool write_all(int fd, const char *buf, size_t n)
{
    while (n) {
        ssize_t done = write(fd, buf, n);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return false;
        }
        buf += done;
        n -= (size_t)done;
    }
    return true;
}

/* Input up to Ctrl-]: true to go on; *open is cleared at its end. */
static bool take_input(int fd, bool *open)
{
    char buf[512];
    ssize_t n = read(STDIN_FILENO, buf, sizeof(buf));
    const char *end = n > 0 ? memchr(buf, detach, (size_t)n) : NULL;

    if (n <= 0) {
        *open = n < 0 && errno == EINTR;
        return true;
    }
    return write_all(fd, buf, end ? (size_t)(end - buf) : (size_t)n) && !end;
}

enum relay_end {
    RELAY_LEFT,
    RELAY_HUNG_UP,
    RELAY_BROKEN
};

/* *shown counts the bytes that have come. */
static enum relay_end relay(int fd, uint64_t *shown)
{
    static bool input = true; /* across connections: its end comes once */

    for (;;) {
        struct pollfd p[3] = {
            {.fd = fd, .events = POLLIN},
            {.fd = input ? STDIN_FILENO : -1, .events = POLLIN},
            {.fd = STDOUT_FILENO}}; /* that its reader has gone shows without asking */
        char buf[4096];
        ssize_t n;

        if ((poll(p, 3, -1) < 0 && errno != EINTR) || p[2].revents & POLLERR) {
            return RELAY_BROKEN;
        }
        if (p[1].revents && !take_input(fd, &input)) {
            return RELAY_LEFT;
        }
        if (!p[0].revents) {
            continue;
        }
        n = read(fd, buf, sizeof(buf));
        if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) {
            return RELAY_HUNG_UP;
        }
        if (n > 0 && !write_all(STDOUT_FILENO, buf, (size_t)n)) {
            return RELAY_BROKEN;
        }
        *shown += n > 0 ? (uint64_t)n : 0;
    }
}

static bool is_over(struct cli *c, uint32_t domid)
{
    struct xen_domctl_getdomaininfo info;

    return xeno_domain_info(&c->m->x, domid, &info) ||
           (info.flags & (XEN_DOMINF_shutdown | XEN_DOMINF_dying));
}

static int view(uint32_t domid, uint64_t from, char *reply, size_t size, int *fd)
{
    char line[64];

    snprintf(line, sizeof(line), "view %u %lu\n", domid, from);
    return console_request(line, reply, size, fd);
}

/* A daemon that died is waited for: the next one goes on at the byte where this one stopped. -1 when none comes. */
static int view_again(uint32_t domid, uint64_t from)
{
    const struct timespec pause = {.tv_nsec = RETRY_MS * 1000000l};
    char reply[128];
    int fd = -1;

    for (unsigned int i = 0; i < RETRIES && view(domid, from, reply, sizeof(reply), &fd); i++) {
        nanosleep(&pause, NULL);
    }
    return fd;
}

static int follow(struct cli *c, const struct managed *d, int fd, bool ours)
{
    enum relay_end end = RELAY_BROKEN;
    struct termios was, raw;
    bool terminal = tcgetattr(STDIN_FILENO, &was) == 0;
    uint64_t shown = 0;

    if (terminal) {
        raw = was;
        cfmakeraw(&raw);
        raw.c_oflag = was.c_oflag; /* the screen's lines stay lines */
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    while (fd >= 0) {
        end = relay(fd, &shown);
        close(fd);
        fd = end == RELAY_HUNG_UP && ours && !is_over(c, d->domid) ? view_again(d->domid, shown)
                                                                   : -1;
    }
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSADRAIN, &was);
    }
    if (end == RELAY_HUNG_UP && !is_over(c, d->domid)) {
        return cli_error(c, "console",
                         "%s: its console daemon has gone, the domain has not: start xenoconsoled",
                         d->name);
    }
    return end == RELAY_BROKEN;
}

/* Another daemon's: its pty, whose name it writes into the store. */
static int open_tty(uint32_t domid)
{
    struct xeno_store *s = registry_store(place);
    char path[64], tty[64];

    snprintf(path, sizeof(path), "/local/domain/%u/console/tty", domid);
    if (!s || store_read(s, path, tty, sizeof(tty)) <= 0) {
        return -1;
    }
    return open(tty, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

/* A log and the one that it was rotated out of. */
static int show_log(struct cli *c, const char *name)
{
    static const char *const suffixes[] = {".log.1", ".log"};
    bool any = false;

    for (size_t i = 0; i < 2; i++) {
        char path[160], buf[4096];
        ssize_t n;
        int fd;

        snprintf(path, sizeof(path), CONSOLE_LOGS "/%s%s", name, suffixes[i]);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            continue;
        }
        any = true;
        while ((n = read(fd, buf, sizeof(buf))) > 0) {
            c->io->out(c->io->ctx, buf, (size_t)n);
        }
        close(fd);
    }
    return any ? 0 : cli_error(c, "console", "%s: there is no log: does xenoconsoled run?", name);
}

static int attach(struct cli *c, const struct managed *d)
{
    char reply[128];
    int fd = -1, rc = view(d->domid, 0, reply, sizeof(reply), &fd);

    if (rc) {
        fd = open_tty(d->domid);
    }
    if (fd >= 0) {
        return follow(c, d, fd, rc == 0);
    }
    if (rc == -EPROTO) {
        return cli_error(c, "console", "%s: xenoconsoled: %s", d->name, reply);
    }
    return cli_error(
        c, "console",
        "%s: xenoconsoled does not run: start it: it takes up what the domain says from then on",
        d->name);
}

/* xl's: -t pv and -n 0 name the only console that a domain has here; -e CH leaves by Ctrl-CH (^CH) or by CH itself. */
static int options(int argc, char **argv, bool *log)
{
    int i = 1;

    for (; i < argc && argv[i][0] == '-'; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";

        if (strcmp(argv[i], "--log") == 0) {
            *log = true;
        } else if ((strcmp(argv[i], "-t") == 0 && strcmp(value, "pv") == 0) ||
                   (strcmp(argv[i], "-n") == 0 && strcmp(value, "0") == 0)) {
            i++;
        } else if (strcmp(argv[i], "-e") == 0 && *value) {
            detach = value[0] == '^' && value[1] ? (char)(value[1] & 0x1f) : value[0];
            i++;
        } else {
            return -1;
        }
    }
    return i;
}

int cmd_console_linux(struct cli *c, int argc, char **argv)
{
    bool log = false;
    int at = options(argc, argv, &log);
    const char *name = at > 0 && at < argc ? argv[at] : "";
    const struct managed *d;
    struct xeno_error err;

    if (at < 0 || at + 1 != argc) {
        return cli_usage(c, "console");
    }
    d = manager_find(c->m, name, &err);
    d = d ? d : manager_record(c->m, name);
    if (!d) {
        return cli_error(c, "console", "%s", err.text);
    }
    if (log || d->domid == DOMID_NONE) {
        return show_log(c, d->name);
    }
    place_flush();
    return attach(c, d);
}

/* How a domain that is over ended; what is to be done about it is done first, if nobody has. */
static const char *how_it_ended(struct cli *c, uint32_t domid)
{
    struct managed *d;

    manager_service(c->m);
    for (d = c->m->list; d && d->last_domid != domid; d = d->next) {
    }
    if (d) {
        manager_load(c->m, d);
    }
    return d && d->ended != END_NOT ? manager_end_text(d->ended) : "ended";
}

/* A kernel that runs says so: its first byte, which the daemon keeps. It may have said it and ended long ago. */
int place_wait_running(struct cli *c, const char *name)
{
    const struct managed *d, *was;
    struct xeno_error err;
    char reply[128], byte;
    uint32_t domid;
    ssize_t n;
    int fd = -1, rc;

    manager_refresh(c->m);
    d = manager_find(c->m, name, &err);
    was = d ? d : manager_record(c->m, name); /* its end may have been seen to already */
    domid = was ? was->last_domid : DOMID_NONE;
    rc = d ? view(d->domid, 0, reply, sizeof(reply), &fd) : -ENOENT;
    if (rc && d) {
        return cli_error(c, "create",
                         "%s runs, but its first word is not to be had: xenoconsoled: %s", name,
                         rc == -EPROTO ? reply : strerror(-rc));
    }
    do {
        n = d ? read(fd, &byte, 1) : 0;
    } while (n < 0 && errno == EINTR);
    if (fd >= 0) {
        close(fd);
    }
    if (n == 1) {
        return 0;
    }
    return cli_error(c, "create", "%s %s before it had said a word: 'xeno dmesg' may tell why",
                     name, how_it_ended(c, domid));
}
