/* SPDX-License-Identifier: MIT */
/*
 * The shared list. Files are written beside their place and renamed into it. A record of a domain that the hypervisor does
 * not have any more (another tool destroyed it, or the tool was killed half-way) becomes one that has ended as soon as
 * somebody looks with the lock held; its nodes go then, too.
 */
#include "libxeno/linux/registry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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

#define FILE_MAX   65536u
#define ENDED_KEPT 16u
#define CHUNK      64u
#define HEAD       "#xeno-1"
#define TYPE_OURS  "xenoconsoled"
#define TYPE_OTHER "xenconsoled"

/* ---- files ---- */

int registry_head_parse(const char *text, struct registry_head *h)
{
    return sscanf(text, HEAD " %u %u %lu %u %lu %u %ld %63s", &h->domid, &h->ended, &h->console_mfn,
                  &h->console_port, &h->store_mfn, &h->store_port, &h->started, h->name) == 8
               ? 0
               : -1;
}

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

static void file_name(char *path, size_t size, const char *dir, uint32_t domid)
{
    snprintf(path, size, "%s/%u", dir, domid);
}

int registry_read(const char *dir, uint32_t domid, struct registry_head *h, char **text)
{
    char path[64];
    void *data;
    size_t size;
    int rc;

    file_name(path, sizeof(path), dir, domid);
    rc = xeno_linux_read_file(path, FILE_MAX, &data, &size);
    if (rc) {
        return rc;
    }
    *text = data; /* read_file() terminates it */
    if (registry_head_parse(*text, h) || h->domid != domid) {
        free(data);
        return -EBADMSG;
    }
    return 0;
}

static int write_file(const char *path, const char *text, size_t size)
{
    char part[80];
    int fd, rc = 0;

    snprintf(part, sizeof(part), "%s.new", path);
    fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    if (write(fd, text, size) != (ssize_t)size) {
        rc = errno ? -errno : -ENOSPC;
    }
    if (close(fd) && rc == 0) {
        rc = -errno;
    }
    if (rc == 0 && rename(part, path)) {
        rc = -errno;
    }
    if (rc) {
        unlink(part);
    }
    return rc;
}

static int save(const char *dir, const struct managed *d)
{
    char *text = malloc(FILE_MAX), path[64];
    int n, rc;

    if (!text || fault_now()) {
        free(text);
        return -ENOMEM;
    }
    n = snprintf(text, FILE_MAX, HEAD " %u %u %lu %u %lu %u %ld %s\n", d->last_domid,
                 (unsigned int)d->ended, d->built.console_mfn, d->built.console_port,
                 d->built.store_mfn, d->built.store_port, d->started, d->cfg.name);
    n += domain_cfg_write(&d->cfg, text + n, FILE_MAX - (size_t)n);
    file_name(path, sizeof(path), dir, d->last_domid);
    rc = (size_t)n < FILE_MAX ? write_file(path, text, (size_t)n) : -E2BIG;
    free(text);
    return rc;
}

static void forget(const char *dir, uint32_t domid)
{
    char path[64];

    file_name(path, sizeof(path), dir, domid);
    unlink(path);
}

/* ---- the list ---- */

static int load(void *ctx, struct managed *d)
{
    const char *dir = d->domid == DOMID_NONE ? REGISTRY_ENDED : REGISTRY_LIVING;
    struct domain_cfg cfg;
    struct registry_head h;
    struct cfg pairs;
    char *text, err[256];
    int rc;

    (void)ctx;
    if (registry_read(dir, d->last_domid, &h, &text)) {
        return -1;
    }
    rc = cfg_parse(&pairs, "record", text, strlen(text), err, sizeof(err));
    free(text);
    if (rc) {
        return -1;
    }
    rc = domain_cfg_read(&pairs, &cfg, NULL, NULL, err, sizeof(err));
    cfg_free(&pairs);
    if (rc == 0) {
        d->cfg = cfg;
    }
    return rc;
}

static struct managed *add(struct manager *m, uint32_t domid, const char *name)
{
    struct managed *d = calloc(1, sizeof(*d));

    if (d) {
        snprintf(d->cfg.name, sizeof(d->cfg.name), "%s", name);
        d->domid = d->last_domid = domid;
        d->manager = m;
        d->next = m->list;
        m->list = d;
    }
    return d;
}

static struct managed *add_file(struct manager *m, const char *dir, uint32_t domid)
{
    struct registry_head h;
    struct managed *d;
    char *text;

    if (registry_read(dir, domid, &h, &text)) {
        return NULL;
    }
    free(text);
    d = add(m, domid, h.name);
    if (d) {
        d->started = h.started;
        d->ended = h.ended <= END_DESTROYED ? (enum end_reason)h.ended : END_DESTROYED;
        d->built = (struct xeno_built){.domid = domid,
                                       .console_port = h.console_port,
                                       .store_port = h.store_port,
                                       .console_mfn = h.console_mfn,
                                       .store_mfn = h.store_mfn};
    }
    return d;
}

/* Domains of other tools have their names in xenstore only. */
static void add_foreign(struct registry *r, uint32_t domid)
{
    struct xeno_store *s = registry_store(r);
    char path[64], name[DOMAIN_NAME_MAX];
    struct managed *d;

    snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
    if (!s || store_read(s, path, name, sizeof(name)) <= 0) {
        return;
    }
    d = add(r->m, domid, name);
    if (d) {
        d->foreign = true;
    }
}

/* False if the hypervisor could not be asked: then nobody is known to have gone. */
static bool add_living(struct registry *r)
{
    xen_domctl_getdomaininfo_t *list = malloc(CHUNK * sizeof(*list));
    uint32_t next = 0;
    long n;

    if (!list) {
        return false;
    }
    do {
        n = xeno_domain_list(&r->m->x, next, list, CHUNK);
        for (long i = 0; i < n; i++) {
            uint32_t domid = list[i].domain;

            next = domid + 1u;
            if (domid != r->l->t.own_domid && !add_file(r->m, REGISTRY_LIVING, domid)) {
                add_foreign(r, domid);
            }
        }
    } while (n == (long)CHUNK);
    free(list);
    return n >= 0;
}

static bool is_listed(const struct manager *m, uint32_t domid)
{
    const struct managed *d = m->list;

    while (d && d->domid != domid) {
        d = d->next;
    }
    return d != NULL;
}

/* fn(ctx, number) for each file of a folder whose name is a number. */
static void each_file(const char *dir, void (*fn)(void *ctx, uint32_t domid), void *ctx)
{
    DIR *folder = opendir(dir);
    const struct dirent *e;

    while (folder && (e = readdir(folder)) != NULL) {
        char *end;
        unsigned long domid = strtoul(e->d_name, &end, 10);

        if (e->d_name[0] != '.' && !*end && domid < DOMID_FIRST_RESERVED) {
            fn(ctx, (uint32_t)domid);
        }
    }
    if (folder) {
        closedir(folder);
    }
}

static void reap_one(void *ctx, uint32_t domid)
{
    struct registry *r = ctx;
    struct managed *d;

    if (is_listed(r->m, domid)) {
        return;
    }
    d = add_file(r->m, REGISTRY_LIVING, domid);
    if (!d) {
        forget(REGISTRY_LIVING, domid);
        return;
    }
    load(r, d);
    d->domid = DOMID_NONE;
    d->ended = d->ended == END_NOT ? END_DESTROYED : d->ended;
    r->shared.ended(r, d, true);
}

static void add_ended(void *ctx, uint32_t domid)
{
    struct registry *r = ctx;
    struct managed *d;

    for (d = r->m->list; d; d = d->next) {
        if (d->domid == DOMID_NONE && d->last_domid == domid) {
            return;
        }
    }
    d = add_file(r->m, REGISTRY_ENDED, domid);
    if (d) {
        d->domid = DOMID_NONE;
    }
}

/* Living domains first, then those that have ended. */
static void refresh(void *ctx, struct manager *m)
{
    struct registry *r = ctx;
    struct managed *ended;
    bool known;

    manager_clear(m);
    each_file(REGISTRY_ENDED, add_ended, r);
    ended = m->list;
    m->list = NULL;
    known = add_living(r);
    if (known && r->l->locked) {
        each_file(REGISTRY_LIVING, reap_one, r);
    }
    if (ended) {
        struct managed **link = &m->list;

        while (*link) {
            link = &(*link)->next;
        }
        *link = ended;
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

static void prepare(void *ctx, struct domain_cfg *cfg)
{
    (void)ctx;
    whole_path(cfg->kernel, sizeof(cfg->kernel));
    whole_path(cfg->ramdisk, sizeof(cfg->ramdisk));
    whole_path(cfg->disk.target, sizeof(cfg->disk.target));
    if (!cfg->uuid[0]) {
        make_uuid(cfg);
    }
}

static int created(void *ctx, struct managed *d, struct xeno_error *err)
{
    struct registry *r = ctx;
    struct xeno_store *s = registry_store(r);
    char line[32], reply[128] = "ok ";
    bool ring = d->built.console_port != 0; /* a fully virtualized domain has none */
    int rc, console;

    d->started = (int64_t)time(NULL);
    rc = save(REGISTRY_LIVING, d);
    if (rc) {
        return xeno_fail(err, "%s: cannot write " REGISTRY_LIVING ": %s", d->cfg.name,
                         strerror(-rc));
    }
    if (!s && r->m->log) {
        r->m->log(r->m->ctx, "warning: xenostored does not run: the domain will have no devices, "
                             "and cannot be asked to shut down");
    }
    snprintf(line, sizeof(line), "attach %u\n", d->domid);
    console = ring ? console_request(line, reply, sizeof(reply), NULL) : -ENOENT;
    rc =
        s ? nodes_create(s, d, console == 0 ? TYPE_OURS : TYPE_OTHER, console == 0 ? reply + 3 : "")
          : 0;
    if (rc) {
        xeno_fail(err, "%s: xenostored has not taken it up: %s", d->cfg.name,
                  s->broken ? store_error_text(s->broken) : strerror(-rc));
    } else if (console == -EPROTO || console == -ETIMEDOUT) {
        rc = xeno_fail(err, "%s: xenoconsoled cannot serve its console: %s", d->cfg.name,
                       console == -EPROTO ? reply : store_error_text(console));
    }
    return rc ? -1 : 0;
}

static void changed(void *ctx, struct managed *d)
{
    struct registry *r = ctx;
    struct xeno_store *s = registry_store(r);
    char path[64];
    char name[DOMAIN_NAME_MAX];

    memcpy(name, d->cfg.name, sizeof(name));
    if (!d->foreign) {
        if (!d->cfg.kernel[0] && load(r, d)) {
            return;
        }
        memcpy(d->cfg.name, name, sizeof(name));
        save(REGISTRY_LIVING, d);
    }
    if (s) {
        snprintf(path, sizeof(path), "/local/domain/%u/name", d->domid);
        store_write(s, path, name);
        if (d->cfg.uuid[0]) {
            snprintf(path, sizeof(path), "/vm/%s/name", d->cfg.uuid);
            store_write(s, path, name);
        }
        store_flush(s);
    }
}

struct oldest {
    unsigned int nr;
    uint32_t domid;
    struct timespec when;
};

static void find_oldest(void *ctx, uint32_t domid)
{
    struct oldest *o = ctx;
    char path[64];
    struct stat st;

    file_name(path, sizeof(path), REGISTRY_ENDED, domid);
    if (stat(path, &st) == 0 &&
        (!o->nr++ || st.st_mtim.tv_sec < o->when.tv_sec ||
         (st.st_mtim.tv_sec == o->when.tv_sec && st.st_mtim.tv_nsec < o->when.tv_nsec))) {
        o->domid = domid;
        o->when = st.st_mtim;
    }
}

static void ended(void *ctx, struct managed *d, bool keep)
{
    struct registry *r = ctx;
    struct xeno_store *s = registry_store(r);
    struct oldest o = {.nr = 0};
    char line[32], reply[64];

    if (!d->foreign && !d->cfg.kernel[0]) {
        uint32_t was = d->domid;

        d->domid = d->last_domid; /* load() looks among the living */
        load(r, d);
        d->domid = was;
    }
    snprintf(line, sizeof(line), "gone %u\n", d->last_domid);
    console_request(line, reply, sizeof(reply), NULL);
    if (s) {
        nodes_remove(s, d->last_domid, d->cfg.uuid);
    }
    if (d->foreign) {
        return;
    }
    if (keep && save(REGISTRY_ENDED, d) == 0) {
        each_file(REGISTRY_ENDED, find_oldest, &o);
        if (o.nr > ENDED_KEPT) {
            forget(REGISTRY_ENDED, o.domid);
        }
    }
    forget(REGISTRY_LIVING, d->last_domid);
}

static int dump_core(void *ctx, struct managed *d, struct xeno_error *err)
{
    const struct registry *r = ctx;
    char path[sizeof(CORE_FILES) + DOMAIN_NAME_MAX + 1];

    snprintf(path, sizeof(path), CORE_FILES "/%s", d->cfg.name);
    if (make_folders(path)) {
        return xeno_fail(err, CORE_FILES ": %s", strerror(errno));
    }
    return linux_dump_core(r->l, d->domid, path, err);
}

int registry_update(struct registry *r, uint32_t domid, const struct domain_cfg *cfg,
                    struct xeno_error *err)
{
    const struct xeno_transport *t = &r->l->t;
    struct managed *d;
    int rc = -1;

    t->lock(t->ctx);
    refresh(r, r->m);
    for (d = r->m->list; d && d->domid != domid; d = d->next) {
    }
    if (!d || d->foreign || load(r, d)) {
        xeno_fail(err, "domain %u has just gone", domid);
    } else {
        struct domain_cfg was = d->cfg;

        d->cfg = *cfg;
        prepare(r, &d->cfg);
        memcpy(d->cfg.name, was.name, sizeof(was.name));
        memcpy(d->cfg.uuid, was.uuid, sizeof(was.uuid));
        memcpy(d->cfg.uuid_bytes, was.uuid_bytes, sizeof(was.uuid_bytes));
        rc = save(REGISTRY_LIVING, d);
        rc = rc ? xeno_fail(err, REGISTRY_LIVING ": %s", strerror(-rc)) : 0;
    }
    t->unlock(t->ctx);
    return rc;
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
                                        .prepare = prepare,
                                        .created = created,
                                        .changed = changed,
                                        .ended = ended,
                                        .load = load,
                                        .dump_core = dump_core};
    mkdir(REGISTRY_LIVING, 0700);
    mkdir(REGISTRY_ENDED, 0700);
    m->shared = &r->shared;
}

void registry_close(struct registry *r)
{
    manager_clear(r->m);
    store_close(&r->store);
}
