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

/* A page that the hypervisor keeps for a domain: at addr, which is a mapping of privcmd's. */
struct sys_map_resource {
    uint16_t domid;
    uint32_t type, id, frame;
    uint64_t num, addr;
};

struct sys_dm_op_buf {
    void *address;
    uint64_t size;
};

struct sys_dm_op {
    uint16_t domid, num;
    const struct sys_dm_op_buf *bufs;
};

/* A granted page; index is where in gntdev it is to be mapped. */
struct sys_map_grant {
    uint32_t count, pad;
    uint64_t index;
    uint32_t domid, ref;
};

struct sys_unmap_grant {
    uint64_t index;
    uint32_t count, pad;
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
#define SYS_DM_OP            _IOC(_IOC_NONE, 'P', 5, sizeof(struct sys_dm_op))
#define SYS_MAP_RESOURCE     _IOC(_IOC_NONE, 'P', 7, sizeof(struct sys_map_resource))
#define SYS_MAP_GRANT        _IOC(_IOC_NONE, 'G', 0, sizeof(struct sys_map_grant))
#define SYS_UNMAP_GRANT      _IOC(_IOC_NONE, 'G', 1, sizeof(struct sys_unmap_grant))
#define SYS_BIND_VIRQ        _IOC(_IOC_NONE, 'E', 0, sizeof(struct sys_bind_virq))
#define SYS_BIND_INTERDOMAIN _IOC(_IOC_NONE, 'E', 1, sizeof(struct sys_bind_interdomain))
#define SYS_UNBIND           _IOC(_IOC_NONE, 'E', 3, sizeof(struct sys_port))
#define SYS_NOTIFY           _IOC(_IOC_NONE, 'E', 4, sizeof(struct sys_port))

#endif
