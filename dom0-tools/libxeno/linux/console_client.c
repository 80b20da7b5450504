/* SPDX-License-Identifier: MIT */
/* Requests to xenoconsoled: a line each way, in limited time; behind the reply to "view" the connection is the domain's console. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libxeno/fault.h"
#include "libxeno/linux/daemon_socket.h"
#include "libxeno/linux/registry.h"

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

int console_request(const char *line, char *reply, size_t size, int *keep)
{
    int fd, rc;

    if (fault_now()) {
        snprintf(reply, size, "the fault switch");
        return -EPROTO;
    }
    fd = daemon_connect(CONSOLE_SOCKET, true);
    if (fd < 0) {
        return fd;
    }
    if (send(fd, line, strlen(line), MSG_NOSIGNAL) != (ssize_t)strlen(line)) {
        rc = errno ? -errno : -EIO;
        close(fd);
        return rc;
    }
    rc = receive_line(fd, reply, size);
    if (rc == 0 && strcmp(reply, "ok") != 0 && strncmp(reply, "ok ", 3) != 0) {
        rc = -EPROTO;
    }
    if (rc == 0 && keep) {
        daemon_patience(fd, 0); /* a domain may be silent for ever */
        *keep = fd;
    } else {
        close(fd);
    }
    return rc;
}
