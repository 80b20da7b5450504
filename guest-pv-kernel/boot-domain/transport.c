/* SPDX-License-Identifier: MIT */
/*
 * libxeno's transport over libpvk. Files are boot modules, found by name; memory is always the hypervisor's to read; the lock
 * is "no events", because the console service runs in event handlers on the one CPU.
 */
#include <stdlib.h>
#include <string.h>
#include <xen/hvm/dm_op.h>
#include <xen/memory.h>

#include "bootdom.h"
#include "common/errno.h"
#include "cpio.h"
#include "pvk/machine.h"
#include "pvk/memory.h"
#include "pvk/modules.h"
#include "pvk/pv/domain.h"
#include "pvk/pv/events.h"
#include "pvk/pv/foreign.h"
#include "pvk/pv/grants.h"
#include "pvk/pv/hypercall.h"

/* The event handler's contract has the port first; libxeno's has not. */
struct binding {
    struct binding *next;
    uint32_t port;
    void (*fn)(void *arg);
    void *arg;
};

static struct binding *bindings; /* changed with events off */
static irq_state lock_state;
static unsigned int lock_depth;

static long do_hypercall(void *ctx, unsigned int nr, uint64_t a1, uint64_t a2, uint64_t a3,
                         uint64_t a4)
{
    (void)ctx;
    return hypercall_raw(nr, a1, a2, a3, a4, 0);
}

static void *do_map(void *ctx, uint32_t domid, const uint64_t *mfns, size_t nr)
{
    (void)ctx;
    return map_foreign(domid, mfns, nr, MAP_W, NULL);
}

static void do_unmap(void *ctx, void *va, size_t nr)
{
    (void)ctx;
    unmap_foreign(va, nr);
}

static void *do_map_resource(void *ctx, uint32_t domid, uint32_t type, uint32_t id, uint64_t frame)
{
    xen_pfn_t mfn = 0;
    struct xen_mem_acquire_resource r = {
        .domid = (domid_t)domid, .type = (uint16_t)type, .id = id, .nr_frames = 1, .frame = frame};

    set_xen_guest_handle(r.frame_list, &mfn);
    return do_hypercall(ctx, __HYPERVISOR_memory_op, XENMEM_acquire_resource,
                        (uint64_t)(uintptr_t)&r, 0, 0)
               ? NULL
               : map_resource(domid, mfn);
}

/* Grants that are mapped: few at a time, and changed with events off. */
#define MAX_GRANTS 64u
static struct grant_mapping mappings[MAX_GRANTS];

static void *do_map_grant(void *ctx, uint32_t domid, uint32_t ref, bool writable)
{
    irq_state was = irq_save();
    struct grant_mapping *m = mappings;
    void *va = NULL;

    (void)ctx;
    while (m < mappings + MAX_GRANTS && m->va) {
        m++;
    }
    if (m < mappings + MAX_GRANTS && grant_map(domid, ref, !writable, m) == 0) {
        va = m->va;
    }
    irq_restore(was);
    return va;
}

static void do_unmap_grant(void *ctx, void *va)
{
    irq_state was = irq_save();
    struct grant_mapping *m = mappings;

    (void)ctx;
    while (m < mappings + MAX_GRANTS && m->va != va) {
        m++;
    }
    if (m < mappings + MAX_GRANTS) {
        (void)grant_unmap(m);
    }
    irq_restore(was);
}

static long do_dm_op(void *ctx, uint32_t domid, void *op, size_t size)
{
    struct xen_dm_op_buf buf = {.size = size};

    set_xen_guest_handle(buf.h, op);
    return do_hypercall(ctx, __HYPERVISOR_dm_op, domid, 1, (uint64_t)(uintptr_t)&buf, 0);
}

static void event_arrived(uint32_t port, void *arg)
{
    struct binding *b = arg;

    (void)port;
    b->fn(b->arg);
}

static long do_bind(void *ctx, uint32_t domid, uint32_t remote_port, void (*fn)(void *arg),
                    void *arg)
{
    struct binding *b = malloc(sizeof(*b));
    irq_state was;
    long port;

    (void)ctx;
    if (!b) {
        return -ENOMEM;
    }
    b->fn = fn;
    b->arg = arg;
    port = event_bind_interdomain(domid, remote_port, event_arrived, b);
    if (port < 0) {
        free(b);
        return port;
    }
    b->port = (uint32_t)port;
    was = irq_save();
    b->next = bindings;
    bindings = b;
    irq_restore(was);
    return port;
}

static void do_unbind(void *ctx, uint32_t port)
{
    irq_state was = irq_save();
    struct binding **link = &bindings, *b;

    (void)ctx;
    event_close(port);
    while (*link && (*link)->port != port) {
        link = &(*link)->next;
    }
    b = *link;
    if (b) {
        *link = b->next;
    }
    irq_restore(was);
    free(b);
}

static void do_notify(void *ctx, uint32_t port)
{
    (void)ctx;
    event_send(port);
}

/* The second word of a module's line is its name; without one, the last part of the path. */
static void module_name(const char *line, char *name, size_t size)
{
    const char *end = strchr(line, ' ');
    const char *start = end ? end + 1 : line;
    size_t n;

    if (!end) {
        const char *slash = strrchr(line, '/');

        start = slash ? slash + 1 : line;
    }
    n = strlen(start);
    end = strchr(start, ' ');
    n = end ? (size_t)(end - start) : n;
    n = n < size ? n : size - 1;
    memcpy(name, start, n);
    name[n] = '\0';
}

/* The Nth module, from 1, as launch descriptions count them (mb-index). */
static int open_nth(const char *number, const void **data, size_t *size)
{
    unsigned int index = (unsigned int)strtoul(number, NULL, 10) - 1;
    struct module m;

    if (module_get(0, &m) && m.cmdline[0] == '\0') {
        return cpio_find(m.data, m.size, NULL, index, data, size) ? 0 : -ENOENT;
    }
    if (!module_get(index, &m)) {
        return -ENOENT;
    }
    *data = m.data;
    *size = m.size;
    return 0;
}

static int do_open(void *ctx, const char *path, const void **data, size_t *size)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    struct module m;

    (void)ctx;
    if (path[0] == '@') {
        return open_nth(path + 1, data, size);
    }
    for (unsigned int i = 0; module_get(i, &m); i++) {
        char name[128];

        if (m.cmdline[0] == '\0' && cpio_find(m.data, m.size, base, 0, data, size)) {
            return 0; /* a hypervisor that hands over one blob only: the modules are an archive */
        }
        module_name(m.cmdline, name, sizeof(name));
        if (strcmp(name, path) == 0 || strcmp(name, base) == 0) {
            *data = m.data;
            *size = m.size;
            return 0;
        }
    }
    return -ENOENT;
}

static void do_close(void *ctx, const void *data, size_t size)
{
    (void)ctx;
    (void)data;
    (void)size;
}

static void do_lock(void *ctx)
{
    irq_state was = irq_save();

    (void)ctx;
    if (lock_depth++ == 0) {
        lock_state = was;
    }
}

static void do_unlock(void *ctx)
{
    (void)ctx;
    if (--lock_depth == 0) {
        irq_restore(lock_state);
    }
}

struct xeno_transport *bootdom_transport(void)
{
    static struct xeno_transport t = {
        .hypercall = do_hypercall,
        .map_foreign = do_map,
        .unmap_foreign = do_unmap,
        .map_resource = do_map_resource,
        .map_grant = do_map_grant,
        .unmap_grant = do_unmap_grant,
        .dm_op = do_dm_op,
        .event_bind = do_bind,
        .event_unbind = do_unbind,
        .event_notify = do_notify,
        .file_open = do_open,
        .file_close = do_close,
        .lock = do_lock,
        .unlock = do_unlock,
    };

    t.own_domid = (uint32_t)domain_id();
    return &t;
}
