/* SPDX-License-Identifier: MIT */
/*
 * A daemon that is told to end takes its socket along. A socket at which nobody listens is one of a daemon that has died: whoever
 * keeps it (the RAM disk's keep, systemd) starts the next one, and that one listens there some ten milliseconds later.
 */
#include "libxeno/linux/daemon_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 10
#define LOOK_MS    20
#define LOOKS      150 /* three seconds for the next daemon to come */

void daemon_patience(int fd, long seconds)
{
    const struct timeval limit = {.tv_sec = seconds};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

int daemon_connect(const char *path, bool wait)
{
    const struct timespec nap = {.tv_nsec = LOOK_MS * 1000000};
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = -1, rc = -ENAMETOOLONG;

    if (strlen(path) < sizeof(a.sun_path)) {
        memcpy(a.sun_path, path, strlen(path));
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        rc = fd < 0 ? -errno : 0;
    }
    if (rc) {
        return rc;
    }
    daemon_patience(fd, PATIENCE_S);
    for (int look = 0; connect(fd, (struct sockaddr *)&a, sizeof(a)); look++) {
        if (errno != ECONNREFUSED || !wait || look == LOOKS) {
            rc = -errno;
            close(fd);
            return rc;
        }
        nanosleep(&nap, NULL);
    }
    return fd;
}
