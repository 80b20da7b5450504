/* SPDX-License-Identifier: MIT */
/*
 * The shared list. A record of a domain that the hypervisor does
 * not have any more (another tool destroyed it, or the tool was killed half-way) becomes one that has ended as soon as
 * somebody looks with the lock held; its nodes go then, too.
 */
#include "libxeno/linux/registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/compiler.h"
#include "libxeno/fault.h"
#include "libxeno/linux/dump_core.h"
#include "libxeno/linux/network.h"

#define ENDED_KEPT 16u
#define TYPE_OURS  "xenoconsoled"
#define TYPE_OTHER "xenconsoled"

/* Those above the file. */
static int make_folders(char *path)
{
    for (char *end = strchr(path + 1, '/'); end; end = strchr(end + 1, '/')) {
        *end = '\0';
        if (mkdir(path, 0700) && errno != EEXIST) {
            return -1;
        }
        *end = '/';
    }
    return 0;
}

static int save(const struct managed *d, const char *was)
{
    return fault_now() ? -ENOMEM : record_write(REGISTRY_LIVING, d, was);
}

/* ---- the list ---- */

static int load_from(struct managed *d, const char *dir)
{
    struct domain_cfg *cfg;
    struct registry_head h;
    struct cfg pairs;
    char *text, err[256];
    int rc;

    if (record_read(dir, d->last_domid, d->name, &h, &text)) {
        return -1;
    }
    rc = cfg_parse(&pairs, "record", text, strlen(text), err, sizeof(err));
    free(text);
    if (rc) {
        return -1;
    }
    cfg = malloc(sizeof(*cfg));
    rc = cfg ? domain_cfg_read(&pairs, cfg, NULL, NULL, err, sizeof(err)) : -1;
    cfg_free(&pairs);
    if (rc) {
        free(cfg);
        return -1;
    }
    memcpy(cfg->name, d->name, sizeof(cfg->name));
    d->cfg = cfg;
    d->started = h.started;
    if (d->ended == END_NOT) {
        d->ended = h.ended <= END_DESTROYED ? (enum end_reason)h.ended : END_DESTROYED;
    }
    d->built = (struct xeno_built){.domid = d->last_domid,
                                   .console_port = h.console_port,
                                   .store_port = h.store_port,
                                   .console_mfn = h.console_mfn,
                                   .store_mfn = h.store_mfn};
    return 0;
}

static int load(void *ctx, struct managed *d)
{
    (void)ctx;
    return load_from(d, d->domid == DOMID_NONE ? REGISTRY_ENDED : REGISTRY_LIVING);
}

/* Into a list in the order of their numbers; looked for from a place where they are lower. */
static struct managed *add(struct manager *m, struct managed **list, uint32_t domid,
                           const char *name)
{
    struct managed *d = calloc(1, sizeof(*d));

    while (*list && (*list)->last_domid < domid) {
        list = &(*list)->next;
    }
    if (d) {
        memcpy(d->name, name, strnlen(name, sizeof(d->name) - 1)); /* which was zero */
        d->domid = d->last_domid = domid;
        d->manager = m;
        d->next = *list;
        *list = d;
    }
    return d;
}

bool registry_foreign_name(struct registry *r, uint32_t domid, char name[DOMAIN_NAME_MAX])
{
    struct xeno_store *s = registry_store(r);
    char path[64];

    snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
    return s && store_read(s, path, name, DOMAIN_NAME_MAX) > 0;
}

static struct managed *add_foreign(struct registry *r, struct managed **list, uint32_t domid)
{
    char name[DOMAIN_NAME_MAX];
    struct managed *d = registry_foreign_name(r, domid, name) ? add(r->m, list, domid, name) : NULL;

    if (d) {
        d->foreign = true;
    }
    return d;
}

/* What refresh() goes through: the records by number, of which those that a domain has move into the list. */
struct walk {
    struct registry *r;
    struct managed *records, **end;
};

static void add_record(void *ctx, uint32_t domid, const char *name)
{
    struct walk *w = ctx;

    add(w->r->m, &w->records, domid, name);
}

static void add_living(void *ctx, const struct xen_domctl_getdomaininfo *info)
{
    struct walk *w = ctx;
    struct managed **link = &w->records, *d;

    while (*link && (*link)->last_domid < info->domain) {
        link = &(*link)->next;
    }
    d = *link;
    if (d && d->last_domid == info->domain) {
        *link = d->next;
        d->next = NULL;
        *w->end = d;
    } else if (info->domain != w->r->l->t.own_domid) {
        d = add_foreign(w->r, w->end, info->domain);
    }
    w->end = *w->end ? &(*w->end)->next : w->end;
}

static void add_ended(void *ctx, uint32_t domid, const char *name)
{
    struct walk *w = ctx;
    struct managed *d = w->r->m->list;

    while (d != *w->end && d->last_domid != domid) {
        d = d->next;
    }
    if (d != *w->end) {
        return; /* still there: to end it was begun, no more, or another has the number now */
    }
    d = add(w->r->m, w->end, domid, name);
    if (d) {
        d->domid = DOMID_NONE;
    }
}

/* Records that no domain has any more. */
static void reap(struct registry *r, struct managed *list)
{
    while (list) {
        struct managed *d = list;

        list = d->next;
        load(r, d);
        if (!record_time(REGISTRY_ENDED, d->last_domid, d->name)) {
            d->ended = d->ended == END_NOT ? END_DESTROYED : d->ended;
            r->shared.ending(r, d);
        }
        d->domid = DOMID_NONE;
        r->shared.ended(r, d, true);
        manager_forget(d);
    }
}

/* What is left of a build whose tool was killed. */
static void undo_unfinished(struct registry *r)
{
    uint32_t domid = unfinished_domain(r->m);
    struct managed **link = &r->m->list, *d;

    if (domid == DOMID_NONE || xeno_domain_destroy(&r->m->x, domid)) {
        return;
    }
    while (*link && (*link)->domid != domid) {
        link = &(*link)->next;
    }
    d = *link;
    if (d) {
        *link = d->next;
        d->domid = DOMID_NONE;
        r->shared.ended(r, d, false);
        manager_forget(d);
    }
}

/*
 * Living domains first, by number, then those that have ended. The records are read before the hypervisor is asked: a number without one
 * may be a domain that is being made, and is not known yet. Only the lock's holder, for whom nobody makes any, may say that a record
 * without a domain is left over; and not if the hypervisor could not be asked. The end is written down before a domain goes, and looked at
 * last: nobody is missing for having ended meanwhile.
 */
static void refresh(void *ctx, struct manager *m)
{
    struct registry *r = ctx;
    struct walk w = {.r = r};

    manager_clear(m);
    w.end = &m->list;
    record_each(REGISTRY_LIVING, add_record, &w);
    if (xeno_each_domain(&m->x, add_living, &w) == 0 && r->l->locked) {
        reap(r, w.records);
    } else {
        manager_forget_list(w.records);
    }
    record_each(REGISTRY_ENDED, add_ended, &w);
    if (r->l->locked) {
        undo_unfinished(r);
    }
}

/* ---- what the manager tells ---- */

static void make_uuid(struct domain_cfg *cfg)
{
    const uint8_t *u = cfg->uuid_bytes;

    if (getrandom(cfg->uuid_bytes, sizeof(cfg->uuid_bytes), 0) !=
        (ssize_t)sizeof(cfg->uuid_bytes)) {
        return; /* zeros serve as well as any other number, but for two such domains */
    }
    cfg->uuid_bytes[6] =
        (uint8_t)((cfg->uuid_bytes[6] & 0x0f) | 0x40); /* RFC 4122: version 4, its variant */
    cfg->uuid_bytes[8] = (uint8_t)((cfg->uuid_bytes[8] & 0x3f) | 0x80);
    snprintf(cfg->uuid, sizeof(cfg->uuid),
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1],
             u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14],
             u[15]);
}

static void whole_path(char *path, size_t size)
{
    char *whole = *path ? realpath(path, NULL) : NULL;

    if (whole && strlen(whole) < size) {
        snprintf(path, size, "%s", whole);
    }
    free(whole);
}

static void complete(struct domain_cfg *cfg)
{
    whole_path(cfg->kernel, sizeof(cfg->kernel));
    whole_path(cfg->ramdisk, sizeof(cfg->ramdisk));
    for (unsigned int i = 0; i < DOMAIN_DISKS; i++) {
        whole_path(cfg->disk[i].target, sizeof(cfg->disk[i].target));
    }
    if (!cfg->uuid[0]) {
        make_uuid(cfg);
    }
    for (uint32_t i = 0; i < cfg->nr_vifs; i++) {
        if (!cfg->vif[i].mac[0]) {
            network_choose_mac(&cfg->vif[i]);
        }
    }
}

static int prepare(void *ctx, struct domain_cfg *cfg, struct xeno_error *err)
{
    (void)ctx;
    complete(cfg);
    for (uint32_t i = 0; i < cfg->nr_vifs; i++) {
        if (network_check(cfg->name, &cfg->vif[i], err)) {
            return -1;
        }
    }
    unfinished_begin(cfg);
    return 0;
}

static void ready(void *ctx)
{
    (void)ctx;
    unfinished_end();
}

/* ---- starts that are owed ---- */

static void owe(void *ctx, const struct managed *d)
{
    (void)ctx;
    record_write(REGISTRY_OWED, d, d->name);
}

static void paid(void *ctx, uint32_t domid, const char *name)
{
    (void)ctx;
    record_forget(REGISTRY_OWED, domid, name);
}

static void add_owed(void *ctx, uint32_t domid, const char *name)
{
    struct walk *w = ctx;
    struct managed *d = add(w->r->m, &w->records, domid, name);

    if (d && load_from(d, REGISTRY_OWED)) {
        record_forget(REGISTRY_OWED, domid, name); /* cut short: its domain has not been ended */
        w->records = d->next;
        manager_forget(d);
    }
}

static struct managed *owed(void *ctx)
{
    struct walk w = {.r = ctx};

    record_each(REGISTRY_OWED, add_owed, &w);
    return w.records;
}

static int created(void *ctx, struct managed *d, struct xeno_error *err)
{
    struct registry *r = ctx;
    struct xeno_store *s = registry_store(r);
    char line[32 + DOMAIN_NAME_MAX], reply[128] = "ok ";
    bool ring = d->built.console_port != 0; /* a fully virtualized domain has none */
    int rc, console;

    d->started = (int64_t)time(NULL);
    rc = save(d, d->name);
    if (rc) {
        return xeno_fail(err, "%s: cannot write " REGISTRY_LIVING ": %s", d->name, strerror(-rc));
    }
    if (!s && r->m->log) {
        r->m->log(r->m->ctx, "warning: xenostored does not run: the domain will have no devices, "
                             "and cannot be asked to shut down");
    }
    snprintf(line, sizeof(line), "attach %u %s\n", d->domid, d->name);
    console = ring ? console_request(line, reply, sizeof(reply), NULL) : -ENOENT;
    rc =
        s ? nodes_create(s, d, console == 0 ? TYPE_OURS : TYPE_OTHER, console == 0 ? reply + 3 : "")
          : 0;
    if (rc) {
        xeno_fail(err, "%s: xenostored has not taken it up: %s", d->name,
                  s->broken ? store_error_text(s->broken) : strerror(-rc));
    } else if (console == -EPROTO || console == -ETIMEDOUT) {
        rc = xeno_fail(err, "%s: xenoconsoled cannot serve its console: %s", d->name,
                       console == -EPROTO ? reply : store_error_text(console));
    }
    return rc ? -1 : 0;
}

static int connect(void *ctx, struct managed *d, struct xeno_error *err)
{
    struct xeno_store *s = registry_store(ctx);

    return s ? network_connect(s, d, err)
             : xeno_fail(err, "%s: vif= needs xenostored, which does not run: start it", d->name);
}

static void changed(void *ctx, struct managed *d, const char *was)
{
    struct registry *r = ctx;
    struct xeno_store *s = registry_store(r);
    char path[64];

    if (d->cfg && !d->cfg->uuid[0]) {
        make_uuid(d->cfg);
    }
    if (!d->foreign) {
        save(d, was);
    }
    if (s) {
        if (d->cfg && d->cfg->uuid[0]) {
            nodes_identity(s, d);
        } else {
            snprintf(path, sizeof(path), "/local/domain/%u/name", d->domid);
            store_write(s, path, d->name);
        }
        store_flush(s);
    }
}

struct oldest {
    unsigned int nr;
    uint32_t domid;
    char name[DOMAIN_NAME_MAX];
    int64_t when;
};

static void find_oldest(void *ctx, uint32_t domid, const char *name)
{
    struct oldest *o = ctx;
    int64_t when = record_time(REGISTRY_ENDED, domid, name);

    if (!o->nr++ || when < o->when) {
        o->domid = domid;
        o->when = when;
        snprintf(o->name, sizeof(o->name), "%s", name);
    }
}

/* The record among the living stays as it was: a domain that is there after all is dealt with as if nothing had been. */
static void ending(void *ctx, struct managed *d)
{
    (void)ctx;
    if (!d->foreign && d->ended == END_NOT) {
        record_forget(REGISTRY_ENDED, d->last_domid, d->name);
    } else if (!d->foreign && (d->cfg || load_from(d, REGISTRY_LIVING) == 0) && !fault_now()) {
        record_write(REGISTRY_ENDED, d, d->name);
    }
}

static void ended(void *ctx, struct managed *d, bool keep)
{
    struct registry *r = ctx;
    struct xeno_store *s = registry_store(r);
    struct oldest o = {.nr = 0};
    char line[32], reply[64];

    if (!d->foreign && !d->cfg) {
        load_from(d, REGISTRY_LIVING);
    }
    snprintf(line, sizeof(line), "gone %u\n", d->last_domid);
    console_request(line, reply, sizeof(reply), NULL);
    if (s) {
        if (!network_gone(s, d->last_domid) && r->m->log) {
            r->m->log(r->m->ctx,
                      "warning: a network interface of the domain that has gone is still there");
        }
        nodes_remove(s, d->last_domid, d->cfg ? d->cfg->uuid : "");
    }
    if (d->foreign) {
        return;
    }
    if (keep) {
        record_each(REGISTRY_ENDED, find_oldest, &o);
        if (o.nr > ENDED_KEPT) {
            record_forget(REGISTRY_ENDED, o.domid, o.name);
        }
    }
    record_forget(REGISTRY_LIVING, d->last_domid, d->name);
}

static int dump_core(void *ctx, struct managed *d, struct xeno_error *err)
{
    const struct registry *r = ctx;
    char path[sizeof(CORE_FILES) + DOMAIN_NAME_MAX + 1];

    snprintf(path, sizeof(path), CORE_FILES "/%s", d->name);
    if (make_folders(path)) {
        return xeno_fail(err, CORE_FILES ": %s", strerror(errno));
    }
    return linux_dump_core(r->l, d->domid, path, err);
}

int registry_change(struct registry *r, uint32_t domid,
                    int (*change)(void *ctx, struct managed *d, struct xeno_error *err), void *ctx,
                    struct xeno_error *err)
{
    const struct xeno_transport *t = &r->l->t;
    struct managed *d;
    int rc = -1;

    t->lock(t->ctx);
    refresh(r, r->m);
    for (d = r->m->list; d && d->domid != domid; d = d->next) {
    }
    if (!d || (!d->foreign && manager_load(r->m, d))) {
        xeno_fail(err, "domain %u has just gone", domid);
    } else {
        rc = change(ctx, d, err);
        if (rc == 0 && !d->foreign) {
            rc = save(d, d->name);
            rc = rc ? xeno_fail(err, REGISTRY_LIVING ": %s", strerror(-rc)) : 0;
        }
    }
    t->unlock(t->ctx);
    return rc;
}

static int update(void *ctx, struct managed *d, struct xeno_error *err)
{
    struct domain_cfg *was = d->cfg, next = *(const struct domain_cfg *)ctx;

    if (!was) {
        return xeno_fail(err, "another tool made this domain");
    }
    complete(&next);
    memcpy(next.name, d->name, sizeof(next.name));
    memcpy(next.uuid, was->uuid, sizeof(next.uuid));
    memcpy(next.uuid_bytes, was->uuid_bytes, sizeof(next.uuid_bytes));
    *was = next;
    return 0;
}

int registry_update(struct registry *r, uint32_t domid, struct domain_cfg *cfg,
                    struct xeno_error *err)
{
    return registry_change(r, domid, update, cfg, err);
}

struct xeno_store *registry_store(struct registry *r)
{
    if (!r->store_tried) {
        r->store_tried = true;
        store_open(&r->store);
    }
    return r->store.fd >= 0 ? &r->store : NULL;
}

void registry_init(struct registry *r, struct xeno_linux *l, struct manager *m)
{
    *r = (struct registry){.l = l, .m = m, .store = {.fd = -1}};
    r->shared = (struct manager_shared){.ctx = r,
                                        .refresh = refresh,
                                        .name_is_free = registry_name_is_free,
                                        .prepare = prepare,
                                        .created = created,
                                        .connect = connect,
                                        .ready = ready,
                                        .owe = owe,
                                        .owed = owed,
                                        .paid = paid,
                                        .changed = changed,
                                        .ending = ending,
                                        .ended = ended,
                                        .load = load,
                                        .dump_core = dump_core};
    m->shared = &r->shared;
}

void registry_close(struct registry *r)
{
    manager_clear(r->m);
    store_close(&r->store);
}
