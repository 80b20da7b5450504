/* SPDX-License-Identifier: MIT */
/* What the kernel's drivers in drivers/xen take: request numbers and structures of their ioctls, stable since Linux 4.18. */
#ifndef LIBXENO_LINUX_SYS_H
#define LIBXENO_LINUX_SYS_H

#include <stdint.h>
#include <sys/ioctl.h>

struct sys_hypercall {
    uint64_t nr, arg[5];
};

struct sys_map_batch {
    uint32_t num;
    uint16_t domid;
    uint64_t addr;
    const uint64_t *frames;
    int *errors; /* one a frame */
};

struct sys_bind_virq {
    uint32_t virq;
};

struct sys_bind_interdomain {
    uint32_t domid, port;
};

struct sys_port {
    uint32_t port;
};

#define SYS_HYPERCALL        _IOC(_IOC_NONE, 'P', 0, sizeof(struct sys_hypercall))
#define SYS_MAP_BATCH        _IOC(_IOC_NONE, 'P', 4, sizeof(struct sys_map_batch))
#define SYS_BIND_VIRQ        _IOC(_IOC_NONE, 'E', 0, sizeof(struct sys_bind_virq))
#define SYS_BIND_INTERDOMAIN _IOC(_IOC_NONE, 'E', 1, sizeof(struct sys_bind_interdomain))
#define SYS_UNBIND           _IOC(_IOC_NONE, 'E', 3, sizeof(struct sys_port))
#define SYS_NOTIFY           _IOC(_IOC_NONE, 'E', 4, sizeof(struct sys_port))

#endif
