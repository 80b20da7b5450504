/* SPDX-License-Identifier: MIT */
/* Interfaces by ioctl, their ends by what the kernel tells over netlink, see link.h. Structures and numbers are Linux's ABI. */
#include "libxeno/linux/link.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libxeno/fault.h"
#include "libxeno/linux/clock.h"

#define ADD_TO_BRIDGE 0x89a2 /* SIOCBRADDIF */
#define ROUTE_NEWS    0      /* NETLINK_ROUTE */
#define NEWS_OF_LINKS 1u     /* RTMGRP_LINK */

struct netlink_address {
    uint16_t family, pad;
    uint32_t port, groups;
};

bool link_is_there(const char *name)
{
    return if_nametoindex(name) != 0;
}

bool link_is_bridge(const char *name)
{
    char path[64];

    snprintf(path, sizeof(path), "/sys/class/net/%.15s/bridge", name);
    return access(path, F_OK) == 0;
}

static int ask(unsigned long request, struct ifreq *r, const char *name)
{
    int fd = fault_now() ? -1 : socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

    if (fd < 0) {
        return -ENOMEM;
    }
    snprintf(r->ifr_name, sizeof(r->ifr_name), "%s", name);
    rc = ioctl(fd, request, r) ? -errno : 0;
    close(fd);
    return rc;
}

int link_rename(const char *name, const char *to)
{
    struct ifreq r = {.ifr_flags = 0};

    snprintf(r.ifr_newname, sizeof(r.ifr_newname), "%s", to);
    return ask(SIOCSIFNAME, &r, name);
}

int link_set_mtu(const char *name, uint32_t mtu)
{
    struct ifreq r = {.ifr_mtu = (int)mtu};

    return ask(SIOCSIFMTU, &r, name);
}

uint32_t link_mtu(const char *name)
{
    struct ifreq r = {.ifr_mtu = 0};

    return ask(SIOCGIFMTU, &r, name) ? 0 : (uint32_t)r.ifr_mtu;
}

int link_up(const char *name)
{
    struct ifreq r = {.ifr_flags = 0};
    int rc = ask(SIOCGIFFLAGS, &r, name);

    r.ifr_flags = (short)(r.ifr_flags | IFF_UP);
    return rc ? rc : ask(SIOCSIFFLAGS, &r, name);
}

int link_into_bridge(const char *name, const char *bridge)
{
    struct ifreq r = {.ifr_ifindex = (int)if_nametoindex(name)};

    return r.ifr_ifindex ? ask(ADD_TO_BRIDGE, &r, bridge) : -ENODEV;
}

void link_no_addresses(const char *name)
{
    char path[80];
    int fd;

    snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%.15s/disable_ipv6", name);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, "1", 1); /* a kernel without IPv6 has nothing to be told */
        close(fd);
    }
}

/* News are only a reason to look again: which interface they are of does not matter. */
bool link_wait(bool (*done)(const void *ctx), const void *ctx, unsigned int patience_ms)
{
    const struct netlink_address a = {.family = AF_NETLINK, .groups = NEWS_OF_LINKS};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, ROUTE_NEWS);
    uint64_t end = clock_ms() + patience_ms, now;
    char news[4096];

    if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a))) {
        end = 0;
    }
    while (!done(ctx) && (now = clock_ms()) < end) {
        struct pollfd p = {.fd = fd, .events = POLLIN};

        if (poll(&p, 1, (int)(end - now)) > 0) {
            while (recv(fd, news, sizeof(news), 0) > 0) {
            }
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return done(ctx);
}

static bool has_gone(const void *name)
{
    return !link_is_there(name);
}

bool link_wait_gone(const char *name, unsigned int patience_ms)
{
    return link_wait(has_gone, name, patience_ms);
}
