/* SPDX-License-Identifier: MIT */
/*
 * What a device model asks of Linux beside what all tools do: dm_op and the pages of I/O requests through privcmd, granted pages through
 * gntdev. Invariant: a granted page's place in gntdev is its address in the table below, from its mapping to its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libxeno/linux/sys.h"
#include "libxeno/linux/transport.h"

#define PAGE       4096u
#define MAX_GRANTS 64u

static struct {
    void *va;
    uint64_t index;
} grants[MAX_GRANTS];

static long do_dm_op(void *ctx, uint32_t domid, void *op, size_t size)
{
    const struct xeno_linux *l = ctx;
    struct sys_dm_op_buf buf = {.address = op, .size = size};
    struct sys_dm_op call = {.domid = (uint16_t)domid, .num = 1, .bufs = &buf};
    int rc = ioctl(l->privcmd, SYS_DM_OP, &call);

    return rc < 0 ? -errno : rc;
}

static void *do_map_resource(void *ctx, uint32_t domid, uint32_t type, uint32_t id, uint64_t frame)
{
    const struct xeno_linux *l = ctx;
    void *va = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, l->privcmd, 0);
    struct sys_map_resource r = {.domid = (uint16_t)domid,
                                 .type = type,
                                 .id = id,
                                 .frame = (uint32_t)frame,
                                 .num = 1,
                                 .addr = (uintptr_t)va};

    if (va == MAP_FAILED) {
        return NULL;
    }
    if (ioctl(l->privcmd, SYS_MAP_RESOURCE, &r)) {
        munmap(va, PAGE);
        return NULL;
    }
    return va;
}

static void *do_map_grant(void *ctx, uint32_t domid, uint32_t ref, bool writable)
{
    const struct xeno_linux *l = ctx;
    struct sys_map_grant map = {.count = 1, .domid = domid, .ref = ref};
    struct sys_unmap_grant undo = {.count = 1};
    unsigned int i = 0;
    void *va;

    while (i < MAX_GRANTS && grants[i].va) {
        i++;
    }
    if (i == MAX_GRANTS || ioctl(l->gntdev, SYS_MAP_GRANT, &map)) {
        return NULL;
    }
    va = mmap(NULL, PAGE, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, l->gntdev,
              (off_t)map.index);
    if (va == MAP_FAILED) {
        undo.index = map.index;
        ioctl(l->gntdev, SYS_UNMAP_GRANT, &undo);
        return NULL;
    }
    grants[i].va = va;
    grants[i].index = map.index;
    return va;
}

static void do_unmap_grant(void *ctx, void *va)
{
    const struct xeno_linux *l = ctx;
    struct sys_unmap_grant undo = {.count = 1};

    munmap(va, PAGE);
    for (unsigned int i = 0; i < MAX_GRANTS; i++) {
        if (grants[i].va == va) {
            undo.index = grants[i].index;
            grants[i].va = NULL;
            ioctl(l->gntdev, SYS_UNMAP_GRANT, &undo);
            return;
        }
    }
}

int xeno_linux_device_calls(struct xeno_linux *l, struct xeno_error *err)
{
    l->gntdev = open("/dev/xen/gntdev", O_RDWR | O_CLOEXEC);
    if (l->gntdev < 0) {
        return xeno_fail(err, "/dev/xen/gntdev: %s: load its driver: modprobe xen-gntdev",
                         strerror(errno));
    }
    l->t.dm_op = do_dm_op;
    l->t.map_resource = do_map_resource;
    l->t.map_grant = do_map_grant;
    l->t.unmap_grant = do_unmap_grant;
    return 0;
}
