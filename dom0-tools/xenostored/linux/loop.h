/* SPDX-License-Identifier: MIT */
/*
 * What epoll reports: a file descriptor is known by a key, so that an event for one that was closed in the same round is
 * recognised and left alone.
 */
#ifndef XENOSTORED_LINUX_LOOP_H
#define XENOSTORED_LINUX_LOOP_H

#include <stdint.h>

struct daemon;

enum loop_key {
    LOOP_SIGNAL,
    LOOP_EVENT_CHANNELS,
    LOOP_LISTEN,     /* and the index of the socket */
    LOOP_PEER = 256, /* and its slot */
};

/* 0 or -1 with errno. */
int loop_add(struct daemon *d, int fd, uint32_t events, uint64_t key);
void loop_change(struct daemon *d, int fd, uint32_t events, uint64_t key);

#endif
