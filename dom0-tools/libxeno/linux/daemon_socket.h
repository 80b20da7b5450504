/* SPDX-License-Identifier: MIT */
/* The sockets of the control domain's daemons, xenostored and xenoconsoled, as their clients see them. */
#ifndef LIBXENO_LINUX_DAEMON_SOCKET_H
#define LIBXENO_LINUX_DAEMON_SOCKET_H

#include <stdbool.h>

/*
 * A connection on which neither side is waited for longer than ten seconds, or -errno: -ENOENT where no daemon has been started
 * or it was told to end, -ECONNREFUSED where one has died and no other has come; wait: for three seconds.
 */
int daemon_connect(const char *path, bool wait);
/* How long the other side may take from now on; 0: for ever. */
void daemon_patience(int fd, long seconds);

#endif
