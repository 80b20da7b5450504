/* SPDX-License-Identifier: MIT */
/*
 * The lives of domains. A domain's end is noticed by its SHUTDOWN flag; its console is drained a last time before anything
 * is torn down, so that its last words are in the log.
 */
#include "libxeno/manager.h"

#include <stdlib.h>
#include <xen/sched.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "common/format.h"
#include "common/string.h"

#define LOG_BYTES    32768u /* a power of two; per domain */
#define RECORDS_KEPT 16u

void manager_init(struct manager *m, const struct xeno_transport *t)
{
    memset(m, 0, sizeof(*m));
    m->x.t = t;
}

static void lock(struct manager *m)
{
    m->x.t->lock(m->x.t->ctx);
    manager_refresh(m);
}

static void unlock(struct manager *m)
{
    m->x.t->unlock(m->x.t->ctx);
}

/* ---- console ---- */

static void drain(struct managed *d)
{
    const struct xeno_transport *t = d->manager->x.t;

    while (d->ring && console_ring_drain(d->ring, &d->log)) {
        t->event_notify(t->ctx, d->console_port);
        if (d->manager->console_changed) {
            d->manager->console_changed(d->manager->ctx, d);
        }
    }
}

static void console_event(void *arg)
{
    drain(arg);
}

static int console_attach(struct managed *d, const struct xeno_built *b, struct xeno_error *err)
{
    const struct xeno_transport *t = d->manager->x.t;
    long port;

    if (!b->console_port) {
        return 0; /* one without a console ring: fully virtualized */
    }
    d->log.size = LOG_BYTES;
    d->log.buf = malloc(LOG_BYTES);
    d->ring = d->log.buf ? t->map_foreign(t->ctx, b->domid, &b->console_mfn, 1) : NULL;
    if (!d->ring) {
        return xeno_fail(err, "%s: cannot map its console", d->name);
    }
    port = t->event_bind(t->ctx, b->domid, b->console_port, console_event, d);
    if (port < 0) {
        t->unmap_foreign(t->ctx, d->ring, 1);
        d->ring = NULL;
        return xeno_fail(err, "%s: cannot connect its console: %s", d->name, xeno_errno_text(port));
    }
    d->console_port = (uint32_t)port;
    return 0;
}

static void console_detach(struct managed *d)
{
    const struct xeno_transport *t = d->manager->x.t;

    if (d->ring) {
        drain(d);
        t->event_unbind(t->ctx, d->console_port);
        t->unmap_foreign(t->ctx, d->ring, 1);
        d->ring = NULL;
    }
}

static void store_detach(const struct managed *d)
{
    if (d->manager->device_model_gone) {
        d->manager->device_model_gone(d->manager->ctx, d);
    }
    if (d->manager->store_gone) {
        d->manager->store_gone(d->manager->ctx, d);
    }
}

void manager_console_input(struct managed *d, const char *text, size_t n)
{
    struct manager *m = d->manager;

    lock(m);
    if (d->ring && console_ring_input(d->ring, text, n)) {
        m->x.t->event_notify(m->x.t->ctx, d->console_port);
    }
    unlock(m);
}

/* ---- the list ---- */

/* Drop the oldest records beyond those that are kept. */
static void trim_records(struct manager *m)
{
    struct managed **link = &m->list;
    unsigned int seen = 0;

    while (*link) {
        struct managed *d = *link;

        if (d->domid == DOMID_NONE && ++seen > RECORDS_KEPT) {
            *link = d->next;
            manager_forget(d);
        } else {
            link = &d->next;
        }
    }
}

/* ---- create, destroy, end ---- */

struct files {
    const void *kernel, *ramdisk;
    size_t kernel_size, ramdisk_size;
};

static void files_close(struct manager *m, const struct files *f)
{
    const struct xeno_transport *t = m->x.t;

    if (f->kernel) {
        t->file_close(t->ctx, f->kernel, f->kernel_size);
    }
    if (f->ramdisk) {
        t->file_close(t->ctx, f->ramdisk, f->ramdisk_size);
    }
}

static bool is_elf(const void *data, size_t size)
{
    return size >= 4 && memcmp(data, "\177ELF", 4) == 0;
}

static int files_open(struct manager *m, const struct domain_cfg *cfg, struct files *f, struct xeno_error *err)
{
    const struct xeno_transport *t = m->x.t;
    char why[160];
    int rc;

    memset(f, 0, sizeof(*f));
    rc = t->file_open(t->ctx, cfg->kernel, &f->kernel, &f->kernel_size);
    if (rc) {
        return xeno_fail(err, "%s: kernel %s: %s: give a file that is there", cfg->name, cfg->kernel, xeno_errno_text(rc));
    }
    if (t->kernel_unpack && !is_elf(f->kernel, f->kernel_size)) {
        t->file_close(t->ctx, f->kernel, f->kernel_size);
        f->kernel = NULL;
        if (t->kernel_unpack(t->ctx, cfg->kernel, &f->kernel, &f->kernel_size, why, sizeof(why))) {
            return xeno_fail(err, "%s: kernel %s: %s", cfg->name, cfg->kernel, why);
        }
    }
    if (cfg->ramdisk[0]) {
        rc = t->file_open(t->ctx, cfg->ramdisk, &f->ramdisk, &f->ramdisk_size);
        if (rc) {
            files_close(m, f);
            return xeno_fail(err, "%s: ramdisk %s: %s: give a file that is there", cfg->name, cfg->ramdisk, xeno_errno_text(rc));
        }
    }
    return 0;
}

static void build_config(const struct domain_cfg *cfg, const struct files *f, struct xeno_build_config *b)
{
    *b = (struct xeno_build_config){.name = cfg->name,
                                    .kernel_name = cfg->kernel,
                                    .kernel = f->kernel,
                                    .kernel_size = f->kernel_size,
                                    .ramdisk = f->ramdisk,
                                    .ramdisk_size = f->ramdisk_size,
                                    .cmdline = cfg->cmdline,
                                    .memory_mib = (uint64_t)cfg->memory_mib,
                                    .max_memory_mib = (uint64_t)cfg->maxmem_mib,
                                    .vcpus = (uint32_t)MAX(cfg->vcpus, cfg->maxvcpus),
                                    .domid = cfg->domid ? cfg->domid : DOMID_INVALID,
                                    .weight = (uint32_t)cfg->cpu_weight,
                                    .cap = (uint32_t)cfg->cap,
                                    .limits = &cfg->limits,
                                    .affinity = cfg->affinity,
                                    .engine = cfg->engine[0] ? cfg->engine : NULL,
                                    .no_scan = cfg->scan == 0,
                                    .start_paused = true};
    memcpy(b->uuid, cfg->uuid_bytes, sizeof(b->uuid));
}

/* Built paused, console attached, then started: not one byte of its output is missed. */
static int build_and_attach(struct manager *m, struct managed *d, const struct files *f, bool paused, struct xeno_error *err)
{
    struct xeno_build_config b;
    struct xeno_built built;
    long rc;

    build_config(d->cfg, f, &b);
    if (b.engine ? xeno_build_full(&m->x, &b, &built, err) : xeno_build(&m->x, &b, &built, err)) {
        return -1;
    }
    d->domid = d->last_domid = built.domid;
    d->built = built;
    if (m->shared ? m->shared->created(m->shared->ctx, d, err) : console_attach(d, &built, err)) {
        goto out_destroy;
    }
    if (m->store_built && m->store_built(m->ctx, d, err)) {
        goto out_detach;
    }
    if ((b.engine || d->cfg->disk[0].target[0]) && m->device_model && m->device_model(m->ctx, d, err)) {
        goto out_detach;
    }
    if (d->cfg->nr_vifs && m->shared && m->shared->connect(m->shared->ctx, d, err)) {
        goto out_detach;
    }
    if (m->shared) {
        m->shared->ready(m->shared->ctx);
    }
    rc = paused ? 0 : xeno_domain_unpause(&m->x, built.domid);
    if (rc) {
        xeno_fail(err, "%s: cannot start it: %s", d->name, xeno_errno_text(rc));
        goto out_detach;
    }
    return 0;

out_detach:
    store_detach(d);
    console_detach(d);
out_destroy:
    xeno_domain_destroy(&m->x, built.domid);
    d->domid = DOMID_NONE;
    if (m->shared) {
        m->shared->ended(m->shared->ctx, d, false); /* who maps its frames lets go of them when it hears that it has gone */
    }
    return -1;
}

static int create_locked(struct manager *m, const struct domain_cfg *cfg, bool paused, struct xeno_error *err)
{
    struct managed *d;
    struct files f;
    int rc;

    if (manager_alive(m, cfg->name) || strcmp(cfg->name, "Domain-0") == 0) {
        return xeno_fail(err, "a domain named %s is running already: choose another name or destroy it first", cfg->name);
    }
    if (files_open(m, cfg, &f, err)) {
        return -1;
    }
    d = calloc(1, sizeof(*d));
    if (d && !(d->cfg = malloc(sizeof(*d->cfg)))) {
        free(d);
        d = NULL;
    }
    if (!d) {
        files_close(m, &f);
        return xeno_fail(err, "%s: the control domain is out of memory", cfg->name);
    }
    *d->cfg = *cfg;
    memcpy(d->name, cfg->name, sizeof(d->name));
    d->manager = m;
    rc = m->shared ? m->shared->prepare(m->shared->ctx, d->cfg, err) : 0;
    rc = rc ? rc : build_and_attach(m, d, &f, paused, err);
    files_close(m, &f);
    if (rc) {
        manager_forget(d);
        return rc;
    }
    d->next = m->list;
    m->list = d;
    return 0;
}

int manager_create(struct manager *m, const struct domain_cfg *cfg, bool paused, struct xeno_error *err)
{
    bool new_name;
    int rc;

    m->x.t->lock(m->x.t->ctx);
    new_name = m->shared && m->shared->name_is_free(m->shared->ctx, cfg->name);
    (new_name ? manager_clear : manager_refresh)(m);
    rc = create_locked(m, cfg, paused, err);
    unlock(m);
    return rc;
}

/* The domain goes, the record stays. Lock held. */
static long end_locked(struct manager *m, struct managed *d, enum end_reason why)
{
    enum end_reason before;
    long rc;

    if (!d->foreign) {
        manager_load(m, d); /* of one that was kept it says there how it ended */
    }
    before = d->ended;
    store_detach(d);
    console_detach(d);
    d->ended = before == END_NOT ? why : before;
    if (m->shared) {
        m->shared->ending(m->shared->ctx, d);
    }
    rc = xeno_domain_destroy(&m->x, d->domid);
    if (rc == 0 || rc == -ESRCH) {
        d->domid = DOMID_NONE;
        if (m->shared) {
            m->shared->ended(m->shared->ctx, d, true);
        }
        if (m->console_changed) {
            m->console_changed(m->ctx, d);
        }
        trim_records(m);
        return 0;
    }
    d->ended = before;
    if (m->shared) {
        m->shared->ending(m->shared->ctx, d);
    }
    return rc;
}

int manager_destroy(struct manager *m, uint32_t domid, struct xeno_error *err)
{
    struct managed *d;
    long rc = -ESRCH;

    lock(m);
    for (d = m->list; d && d->domid != domid; d = d->next) {
    }
    if (domid == m->x.t->own_domid) {
        rc = -EINVAL;
    } else {
        rc = d ? end_locked(m, d, END_DESTROYED) : xeno_domain_destroy(&m->x, domid);
    }
    unlock(m);
    if (rc == -ESRCH) {
        return 0; /* gone meanwhile, as what a killed tool had half built has when the lock is taken */
    }
    return rc ? xeno_fail(err, "cannot destroy domain %u: %s", domid, xeno_errno_text(rc)) : 0;
}

/* Tell the others that an entry has changed; it may have had another name. */
static void changed(struct manager *m, struct managed *d, const char *was)
{
    if (m->shared) {
        m->shared->changed(m->shared->ctx, d, was);
    }
    if (m->console_changed) {
        m->console_changed(m->ctx, d);
    }
}

/* 0, or -1 if what is written about the domain cannot be written anew. */
static int take_name(struct manager *m, struct managed *d, const char *name)
{
    char was[DOMAIN_NAME_MAX];

    if (!d->foreign && manager_load(m, d)) {
        return -1;
    }
    memcpy(was, d->name, sizeof(was));
    format(d->name, sizeof(d->name), "%s", name);
    if (d->cfg) {
        memcpy(d->cfg->name, d->name, sizeof(d->name));
    }
    changed(m, d, was);
    return 0;
}

int manager_rename(struct manager *m, const char *from, const char *to, struct xeno_error *err)
{
    struct managed *d;
    int rc = -1;

    if (domain_name_check(to, err->text, sizeof(err->text))) {
        return -1;
    }
    lock(m);
    d = manager_find(m, from, err);
    if (d && (manager_alive(m, to) || strcmp(to, "Domain-0") == 0)) {
        xeno_fail(err, "a domain named %s is running already: choose another name", to);
    } else if (d) {
        rc = take_name(m, d, to);
        if (rc) {
            xeno_fail(err, "%s: its record cannot be read", from);
        }
    }
    unlock(m);
    return rc;
}

/* Without a xenstore there is nobody to carry the request: said plainly, rather than a shutdown that is none. */
int manager_shutdown(struct manager *m, struct managed *d, const char *how, struct xeno_error *err)
{
    if (!m->request_shutdown) {
        return xeno_fail(err, "%s cannot be asked to shut down: no xenstore runs here: use 'xeno destroy %s'", d->name, d->name);
    }
    return m->request_shutdown(m->ctx, d, how, err);
}

static enum end_reason reason_of(uint32_t flags)
{
    switch (flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask) {
    case SHUTDOWN_poweroff:
        return END_POWEROFF;
    case SHUTDOWN_reboot:
        return END_REBOOT;
    case SHUTDOWN_suspend:
        return END_SUSPEND;
    case SHUTDOWN_watchdog:
        return END_WATCHDOG;
    default:
        return END_CRASH;
    }
}

static enum domain_action action_of(const struct managed *d)
{
    switch (d->ended) {
    case END_POWEROFF:
        return d->cfg->on_poweroff;
    case END_REBOOT:
        return d->cfg->on_reboot;
    case END_SUSPEND:
        return ACTION_PRESERVE;
    default:
        return d->cfg->on_crash;
    }
}

static void say(struct manager *m, const char *name, const char *what)
{
    char line[160];

    if (m->log) {
        format(line, sizeof(line), "%s: %s", name, what);
        m->log(m->ctx, line);
    }
}

static void restart(struct manager *m, const struct domain_cfg *cfg)
{
    struct xeno_error err;

    if (create_locked(m, cfg, false, &err)) {
        say(m, cfg->name, err.text);
    }
}

/* A name that no living domain has: NAME-1, NAME-2 and so on, the old name cut so that it fits. */
/* The one that takes its place has its name and its identity; it gets others. It has been read. */
static void rename_away(struct manager *m, struct managed *d)
{
    char name[DOMAIN_NAME_MAX];
    unsigned int n = 1;

    do {
        format(name, sizeof(name), "%.*s-%u", DOMAIN_NAME_MAX - 12, d->name, n++);
    } while (manager_alive(m, name));
    if (d->cfg) {
        d->cfg->uuid[0] = '\0';
    }
    take_name(m, d, name);
}

struct search {
    struct manager *m;
    struct managed *found;
};

static void look(void *ctx, const struct xen_domctl_getdomaininfo *info)
{
    struct search *s = ctx;
    struct managed *d = s->m->list;

    if (s->found || !(info->flags & XEN_DOMINF_shutdown)) {
        return;
    }
    while (d && d->domid != info->domain) {
        d = d->next;
    }
    if (d && !d->foreign && d->ended == END_NOT && (manager_load(s->m, d) || d->ended == END_NOT)) {
        d->ended = reason_of(info->flags);
        s->found = d;
    }
}

/* One domain that has ended and has not been dealt with; NULL if there is none. */
static struct managed *find_ended(struct manager *m)
{
    struct search s = {.m = m};

    xeno_each_domain(&m->x, look, &s);
    return s.found;
}

static void dump(struct manager *m, struct managed *d)
{
    struct xeno_error err;

    if (!m->shared || !m->shared->dump_core) {
        say(m, d->name, "no core file: there is no place for files here");
    } else if (m->shared->dump_core(m->shared->ctx, d,
                                    &err)) { /* what is to follow does, core or not */
        say(m, d->name, err.text);
    }
}

static void deal_with(struct manager *m, struct managed *d)
{
    struct domain_cfg cfg; /* the entry may go, and its name change, before the new one is made */
    uint32_t domid = d->last_domid;
    enum domain_action action;
    bool again;

    if (!d->cfg) {
        say(m, d->name, "its configuration cannot be read any more: it stays as it is");
        return;
    }
    cfg = *d->cfg;
    action = action_of(d);
    again = action == ACTION_RESTART || action == ACTION_COREDUMP_RESTART || action == ACTION_RENAME_RESTART;
    drain(d);
    if (d->ended == END_CRASH) {
        say(m, d->name, "crashed");
    }
    if (action == ACTION_COREDUMP_DESTROY || action == ACTION_COREDUMP_RESTART) {
        dump(m, d);
    }
    if (again && m->shared) {
        m->shared->owe(m->shared->ctx, d);
    }
    if (action == ACTION_RENAME_RESTART) {
        rename_away(m, d);
    }
    if (action == ACTION_PRESERVE) {
        changed(m, d, d->name);
    } else if (action != ACTION_RENAME_RESTART) {
        end_locked(m, d, d->ended);
    }
    if (again) {
        restart(m, &cfg);
    }
    if (again && m->shared) {
        m->shared->paid(m->shared->ctx, domid, cfg.name);
    }
}

/* What a service that was killed has left: one whose end it had not come to is found and dealt with anew, and owed anew. */
static void start_what_is_owed(struct manager *m)
{
    struct managed *list = m->shared ? m->shared->owed(m->shared->ctx) : NULL;

    for (const struct managed *d = list; d; d = d->next) {
        struct managed *living = manager_alive(m, d->name);
        struct xen_domctl_getdomaininfo info;
        bool known = living && xeno_domain_info(&m->x, living->domid, &info) == 0;

        if (known && living->last_domid == d->last_domid && info.flags & XEN_DOMINF_dying) {
            end_locked(m, living, d->ended);
            living = NULL;
        }
        if (!living) {
            restart(m, d->cfg);
        } else if (known && living->last_domid != d->last_domid &&
                   memcmp(info.handle, d->cfg->uuid_bytes, sizeof(info.handle)) == 0) {
            xeno_domain_unpause(&m->x, living->domid); /* whole, and perhaps not started; else this is refused */
        }
        m->shared->paid(m->shared->ctx, d->last_domid, d->name);
    }
    manager_forget_list(list);
}

void manager_service(struct manager *m)
{
    struct managed *d;

    lock(m);
    start_what_is_owed(m);
    while ((d = find_ended(m)) != NULL) {
        deal_with(m, d);
    }
    unlock(m);
}
