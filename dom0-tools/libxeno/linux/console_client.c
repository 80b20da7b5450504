/* SPDX-License-Identifier: MIT */
/* Requests to xenoconsoled: a line each way, in limited time; behind the reply to "view" the connection is the domain's console. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "libxeno/fault.h"
#include "libxeno/linux/registry.h"

#define PATIENCE_S 10

/* A line without its end, and not one byte more: what follows it is the console's. -errno if none comes. */
static int receive_line(int fd, char *line, size_t size)
{
    size_t n = 0;
    char *end = NULL;

    while (!end && n + 1 < size) {
        ssize_t got = recv(fd, line + n, size - 1 - n, MSG_PEEK);

        end = got > 0 ? memchr(line + n, '\n', (size_t)got) : NULL;
        got = end ? end - (line + n) + 1 : got;
        if (got <= 0 || recv(fd, line + n, (size_t)got, 0) != got) {
            snprintf(line, size, "it has ended");
            return got < 0 && errno == EAGAIN ? -ETIMEDOUT : -EPROTO;
        }
        n += (size_t)got;
    }
    line[end ? (size_t)(end - line) : n] = '\0';
    return 0;
}

/* How long the other side may take; 0: for ever. */
static void be_patient(int fd, long seconds)
{
    const struct timeval limit = {.tv_sec = seconds};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

int console_request(const char *line, char *reply, size_t size, int *keep)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = CONSOLE_SOCKET};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int rc;

    if (fd < 0) {
        return -errno;
    }
    be_patient(fd, PATIENCE_S);
    if (fault_now()) {
        close(fd);
        snprintf(reply, size, "the fault switch");
        return -EPROTO;
    }
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) ||
        send(fd, line, strlen(line), MSG_NOSIGNAL) != (ssize_t)strlen(line)) {
        rc = errno ? -errno : -EIO;
        close(fd);
        return rc;
    }
    rc = receive_line(fd, reply, size);
    if (rc == 0 && strcmp(reply, "ok") != 0 && strncmp(reply, "ok ", 3) != 0) {
        rc = -EPROTO;
    }
    if (rc == 0 && keep) {
        be_patient(fd, 0); /* a domain may be silent for ever */
        *keep = fd;
    } else {
        close(fd);
    }
    return rc;
}
