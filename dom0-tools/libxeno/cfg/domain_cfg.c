/* SPDX-License-Identifier: MIT */
/*
 * The schema and the checks that need more than one key. A row says where a value goes and what it may be; defaults are
 * filled in first, so a row that is not given changes nothing.
 */
#include "libxeno/cfg/domain_cfg.h"

#include <stdlib.h>

#include "common/compiler.h"
#include "common/format.h"
#include "common/string.h"

enum row_type { ROW_STRING, ROW_NUMBER, ROW_ACTION, ROW_DISK, ROW_VIF, ROW_IGNORED, ROW_MISSED };

struct row {
    const char *key;
    uint16_t offset;
    uint16_t size; /* ROW_STRING: of the field */
    uint8_t type;  /* enum row_type */
    int64_t min, max;
};

#define FIELD(m) offsetof(struct domain_cfg, m)
#define STRING(k, m) {k, FIELD(m), sizeof(((struct domain_cfg *)0)->m), ROW_STRING, 0, 0}
#define NUMBER(k, m, lo, hi) {k, FIELD(m), 0, ROW_NUMBER, lo, hi}
#define ACTION(k, m) {k, FIELD(m), 0, ROW_ACTION, 0, 0}
#define IGNORED(k) {k, 0, 0, ROW_IGNORED, 0, 0}
#define MISSED(k) {k, 0, 0, ROW_MISSED, 0, 0}

static const struct row rows[] = {
    STRING("name", name),
    STRING("kernel", kernel),
    STRING("ramdisk", ramdisk),
    STRING("cmdline", cmdline),
    STRING("root", root),
    STRING("extra", extra),
    STRING("uuid", uuid),
    STRING("cpus", cpus),
    STRING("type", type),
    STRING("engine", engine),
    NUMBER("memory", memory_mib, 1, 1l << 24),
    NUMBER("maxmem", maxmem_mib, 1, 1l << 24),
    NUMBER("vcpus", vcpus, 1, 128),
    NUMBER("maxvcpus", maxvcpus, 1, 128),
    NUMBER("cpu_weight", cpu_weight, 1, 65535),
    NUMBER("cap", cap, 0, 12800),
    NUMBER("scan", scan, 0, 1),
    ACTION("on_poweroff", on_poweroff),
    ACTION("on_reboot", on_reboot),
    ACTION("on_crash", on_crash),
    NUMBER("max_event_channels", limits.event_channels, 1, 131071),
    NUMBER("max_grant_frames", limits.grant_frames, 1, 1l << 20),
    NUMBER("max_maptrack_frames", limits.maptrack_frames, 1, 1l << 20),
    {"disk", FIELD(disk), 0, ROW_DISK, 0, 0},
    {"vif", FIELD(vif), 0, ROW_VIF, 0, 0},
    /* Known to xl, without a meaning here (yet): files that work there are read here without noise. */
    IGNORED("builder"), IGNORED("pool"), IGNORED("seclabel"), IGNORED("cpus_soft"),
    IGNORED("on_watchdog"), IGNORED("on_soft_reset"),
    IGNORED("localtime"), IGNORED("rtc_timeoffset"), IGNORED("tsc_mode"), IGNORED("nomigrate"),
    IGNORED("max_grant_version"), IGNORED("device_tree"), IGNORED("bootloader_args"), IGNORED("driver_domain"),
    /* Something that the guest would look for in vain: said, unless the list is empty. */
    MISSED("vfb"), MISSED("p9"), MISSED("channel"), MISSED("bootloader"),
};

struct reader {
    struct cfg *c;
    struct domain_cfg *out;
    char *err;
    size_t err_size;
};

static int bad(const struct reader *r, const struct cfg_pair *p, const char *what)
{
    format(r->err, r->err_size, "%s:%u: %s: %s", r->c->file, p->line, p->key, what);
    return -1;
}

static const char *const actions[NR_ACTIONS] = {
    [ACTION_DESTROY] = "destroy",
    [ACTION_PRESERVE] = "preserve",
    [ACTION_RESTART] = "restart",
    [ACTION_RENAME_RESTART] = "rename-restart",
    [ACTION_COREDUMP_DESTROY] = "coredump-destroy",
    [ACTION_COREDUMP_RESTART] = "coredump-restart",
};

const char *domain_action_text(enum domain_action a)
{
    return (unsigned int)a < NR_ACTIONS ? actions[a] : "destroy";
}

static int read_action(const struct reader *r, const struct cfg_pair *p, enum domain_action *out)
{
    for (unsigned int i = 0; p->value->type == CFG_STRING && i < NR_ACTIONS; i++) {
        if (strcmp(p->value->text, actions[i]) == 0) {
            *out = (enum domain_action)i;
            return 0;
        }
    }
    return bad(r, p, "expected \"destroy\", \"preserve\", \"restart\", \"rename-restart\", \"coredump-destroy\" or \"coredump-restart\"");
}

/* Strings are shown in messages and lists, each one line. */
static bool printable(const char *s)
{
    for (; *s; s++) {
        if (((unsigned char)*s < ' ' && *s != '\t') || *s == 0x7f) {
            return false;
        }
    }
    return true;
}

/* A list of strings, or the only one of them: fn(r, p, text, n) takes the nth. */
static int read_strings(const struct reader *r, const struct cfg_pair *p,
                        int (*fn)(const struct reader *r, const struct cfg_pair *p, const char *text, unsigned int n))
{
    const struct cfg_value *v = p->value->type == CFG_LIST ? p->value->items : p->value;

    if (v == p->value && v->type == CFG_STRING && !*v->text) {
        return 0; /* none */
    }
    for (unsigned int n = 0; v; v = v->next, n++) {
        if (v->type != CFG_STRING) {
            return bad(r, p, "expected a list of strings");
        }
        if (!printable(v->text)) {
            return bad(r, p, "a control character in the string: take it out");
        }
        if (fn(r, p, v->text, n)) {
            return -1;
        }
    }
    return 0;
}

static int read_disk(const struct reader *r, const struct cfg_pair *p, const char *text, unsigned int n)
{
    char why[128];

    if (n == DOMAIN_DISKS) {
        return bad(r, p, "a domain has at most 4 disks");
    }
    return domain_disk_parse(text, &r->out->disk[n], why, sizeof(why)) ? bad(r, p, why) : 0;
}

static int read_vif(const struct reader *r, const struct cfg_pair *p, const char *text, unsigned int n)
{
    char why[200];

    if (n == DOMAIN_VIFS) {
        return bad(r, p, "a domain has at most 8 interfaces");
    }
    r->out->nr_vifs = n + 1;
    return domain_vif_parse(text, &r->out->vif[n], why, sizeof(why)) ? bad(r, p, why) : 0;
}

static int read_vifs(const struct reader *r, const struct cfg_pair *p)
{
    char why[200];

    if (read_strings(r, p, read_vif)) {
        return -1;
    }
    return domain_vifs_number(r->out->vif, r->out->nr_vifs, why, sizeof(why)) ? bad(r, p, why) : 0;
}

static int read_row(const struct reader *r, const struct row *row, const struct cfg_pair *p)
{
    char *field = (char *)r->out + row->offset;
    char what[96];

    switch (row->type) {
    case ROW_STRING:
        if (p->value->type == CFG_LIST) {
            return bad(r, p, "expected a string in quotes, not a list");
        }
        if (strlen(p->value->text) >= row->size) {
            format(what, sizeof(what), "longer than %u characters", row->size - 1u);
            return bad(r, p, what);
        }
        if (!printable(p->value->text)) {
            return bad(r, p, "a control character in the string: take it out");
        }
        memcpy(field, p->value->text, strlen(p->value->text) + 1);
        return 0;
    case ROW_NUMBER:
        if (p->value->type != CFG_NUMBER) {
            return bad(r, p, "expected a number without quotes");
        }
        if (p->value->number < row->min || p->value->number > row->max) {
            format(what, sizeof(what), "%ld is out of range: %ld to %ld", p->value->number, row->min, row->max);
            return bad(r, p, what);
        }
        memcpy(field, &p->value->number, sizeof(p->value->number));
        return 0;
    case ROW_ACTION:
        return read_action(r, p, (enum domain_action *)(void *)field);
    case ROW_DISK:
        return read_strings(r, p, read_disk);
    case ROW_VIF:
        return read_vifs(r, p);
    default:
        return 0;
    }
}

/* Levenshtein distance of short words; more than `limit` is as good as infinite. */
static unsigned int distance(const char *a, const char *b)
{
    unsigned int row[40];
    size_t la = strlen(a), lb = strlen(b);

    if (la >= ARRAY_SIZE(row) || lb >= ARRAY_SIZE(row)) {
        return UINT32_MAX;
    }
    for (size_t j = 0; j <= lb; j++) {
        row[j] = (unsigned int)j;
    }
    for (size_t i = 1; i <= la; i++) {
        unsigned int diagonal = row[0];

        row[0] = (unsigned int)i;
        for (size_t j = 1; j <= lb; j++) {
            unsigned int change = diagonal + (a[i - 1] != b[j - 1]);
            unsigned int insert = MIN(row[j], row[j - 1]) + 1;

            diagonal = row[j];
            row[j] = MIN(insert, change);
        }
    }
    return row[lb];
}

static const char *nearest_key(const char *key)
{
    const char *best = NULL;
    unsigned int least = 4; /* farther than three letters is another word */

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        unsigned int d = distance(key, rows[i].key);

        if (d < least) {
            least = d;
            best = rows[i].key;
        }
    }
    return best;
}

static bool is_empty(const struct cfg_value *v)
{
    return v->type == CFG_LIST ? !v->items : v->type == CFG_STRING && !*v->text;
}

static void warn_missed(struct cfg *c, void (*warn)(void *ctx, const char *line), void *ctx)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct cfg_pair *p = rows[i].type == ROW_MISSED ? cfg_find(c, rows[i].key) : NULL;
        char line[256];

        if (p && !is_empty(p->value)) {
            format(line, sizeof(line), "%s:%u: %s is not supported yet: the domain starts without", c->file, p->line, p->key);
            warn(ctx, line);
        }
    }
}

static void warn_unknown(const struct cfg *c, void (*warn)(void *ctx, const char *line), void *ctx)
{
    for (const struct cfg_pair *p = c->pairs; p; p = p->next) {
        const char *near = p->used ? NULL : nearest_key(p->key);
        char line[256];

        if (p->used) {
            continue;
        }
        format(line, sizeof(line), "%s:%u: unknown key %s is ignored%s%s%s", c->file, p->line, p->key, near ? ": did you mean " : "",
               near ? near : "", near ? "?" : "");
        warn(ctx, line);
    }
}

int domain_cpus_parse(const char *s, uint64_t *mask)
{
    *mask = 0;
    if (!*s || strcmp(s, "all") == 0) {
        return 0;
    }
    while (*s) {
        bool not = *s == '^';
        unsigned long from, to;
        char *end;

        s += not;
        from = to = strtoul(s, &end, 10);
        if (end == s) {
            return -1;
        }
        if (*end == '-') {
            s = end + 1;
            to = strtoul(s, &end, 10);
            if (end == s) {
                return -1;
            }
        }
        if (from > to || to > 63 || (*end && *end != ',')) {
            return -1;
        }
        for (unsigned long i = from; i <= to; i++) {
            *mask = not ? *mask & ~(1ul << i) : *mask | 1ul << i;
        }
        s = *end ? end + 1 : end;
    }
    return *mask ? 0 : -1;
}

/* 8-4-4-4-12 hexadecimal digits. */
static int parse_uuid(const char *s, uint8_t out[16])
{
    unsigned int n = 0;

    for (; *s; s++) {
        unsigned int d = *s >= '0' && *s <= '9'   ? (unsigned int)(*s - '0')
                         : *s >= 'a' && *s <= 'f' ? (unsigned int)(*s - 'a') + 10
                         : *s >= 'A' && *s <= 'F' ? (unsigned int)(*s - 'A') + 10
                                                  : 16;

        if (*s == '-' && (n == 8 || n == 12 || n == 16 || n == 20)) {
            continue;
        }
        if (d == 16 || n == 32) {
            return -1;
        }
        out[n / 2] = (uint8_t)(n % 2 ? out[n / 2] | d : d << 4);
        n++;
    }
    return n == 32 ? 0 : -1;
}

int domain_name_check(const char *name, char *err, size_t err_size)
{
    if (!*name || strlen(name) >= DOMAIN_NAME_MAX) {
        format(err, err_size, "a name has 1 to %d characters", DOMAIN_NAME_MAX - 1);
        return -1;
    }
    for (const char *p = name; *p; p++) {
        if (*p <= ' ' || *p == '/' || *p >= 0x7f) { /* bytes above ASCII are negative where char is signed */
            format(err, err_size, "name \"%s\" has a blank, a slash or something that is not ASCII in it: take it out, or "
                   "lists cannot be read", name);
            return -1;
        }
    }
    return 0;
}

static int check_name(const struct reader *r, const char *name)
{
    char why[DOMAIN_NAME_MAX + 128];

    if (!*name) {
        format(r->err, r->err_size, "%s: name= is missing: every domain needs one", r->c->file);
        return -1;
    }
    if (domain_name_check(name, why, sizeof(why))) {
        format(r->err, r->err_size, "%s: %s", r->c->file, why);
        return -1;
    }
    return 0;
}

static int check_kind(const struct reader *r, struct domain_cfg *o)
{
    bool full = strcmp(o->type, "full") == 0;

    if (o->type[0] && !full && strcmp(o->type, "pv") != 0) {
        format(r->err, r->err_size, "%s: type=\"%s\" is not supported: \"pv\" and \"full\" are", r->c->file, o->type);
        return -1;
    }
    if (o->engine[0] && !full) {
        format(r->err, r->err_size, "%s: engine= is for type=\"full\" only: set that or take engine= out", r->c->file);
        return -1;
    }
    if (full && !o->engine[0]) {
        memcpy(o->engine, "svm", sizeof("svm"));
    }
    if (full && strcmp(o->engine, "svm") != 0 && strcmp(o->engine, "trap") != 0) {
        format(r->err, r->err_size, "%s: engine=\"%s\" is not supported: \"svm\" and \"trap\" are", r->c->file, o->engine);
        return -1;
    }
    if (o->scan >= 0 && strcmp(o->engine, "trap") != 0) {
        format(r->err, r->err_size, "%s: scan= is for engine=\"trap\" only: set that or take scan= out", r->c->file);
        return -1;
    }
    return 0;
}

static int check_whole(const struct reader *r)
{
    struct domain_cfg *o = r->out;
    char why[96];
    size_t n;

    if (check_name(r, o->name)) {
        return -1;
    }
    if (!o->kernel[0]) {
        format(r->err, r->err_size, "%s: kernel= is missing: give the kernel's file", r->c->file);
        return -1;
    }
    if (check_kind(r, o)) {
        return -1;
    }
    if (domain_disks_check(o->disk, o->engine[0] != '\0', why, sizeof(why))) {
        format(r->err, r->err_size, "%s: disk: %s", r->c->file, why);
        return -1;
    }
    if (domain_cpus_parse(o->cpus, &o->affinity)) {
        format(r->err, r->err_size, "%s: cpus=\"%s\": expected a list like \"0-3,5,^1\" or \"all\"", r->c->file, o->cpus);
        return -1;
    }
    if (o->uuid[0] && parse_uuid(o->uuid, o->uuid_bytes)) {
        format(r->err, r->err_size, "%s: uuid=\"%s\": expected 8-4-4-4-12 hexadecimal digits", r->c->file, o->uuid);
        return -1;
    }
    if (!o->cmdline[0] && (o->root[0] || o->extra[0])) {
        n = (size_t)format(o->cmdline, sizeof(o->cmdline), "%s%s%s%s", o->root[0] ? "root=" : "", o->root,
                           o->root[0] && o->extra[0] ? " " : "", o->extra);
        if (n >= sizeof(o->cmdline)) {
            format(r->err, r->err_size, "%s: root= and extra= together are longer than 1023 characters", r->c->file);
            return -1;
        }
    }
    return 0;
}

int domain_cfg_read(struct cfg *c, struct domain_cfg *out, void (*warn)(void *ctx, const char *line), void *ctx, char *err,
                    size_t err_size)
{
    struct reader r = {.c = c, .out = out, .err = err, .err_size = err_size};

    memset(out, 0, sizeof(*out));
    out->memory_mib = 32;
    out->vcpus = 1;
    out->scan = -1; /* out of its range: not given */
    out->on_reboot = ACTION_RESTART;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct cfg_pair *p = cfg_find(c, rows[i].key);

        if (p && read_row(&r, &rows[i], p)) {
            return -1;
        }
    }
    if (check_whole(&r)) {
        return -1;
    }
    warn_missed(c, warn, ctx);
    warn_unknown(c, warn, ctx);
    return 0;
}

/* ---- back to text ---- */

struct writer {
    char *buf;
    size_t size;
    int n;
};

static void put(struct writer *w, char c)
{
    if ((size_t)w->n + 1 < w->size) {
        w->buf[w->n] = c;
        w->buf[w->n + 1] = '\0';
    }
    w->n++;
}

static void put_text(struct writer *w, const char *s, bool quoted)
{
    for (; *s; s++) {
        if (quoted && (*s == '"' || *s == '\\')) {
            put(w, '\\');
        }
        put(w, *s);
    }
}

static void write_disks(struct writer *w, const struct domain_disk *disks)
{
    for (unsigned int i = 0; i < DOMAIN_DISKS && disks[i].target[0]; i++) {
        put_text(w, i ? ", \"" : "[\"", false);
        put_text(w, disks[i].target, true);
        put_text(w, ",raw,", false);
        put_text(w, disks[i].vdev, true);
        put_text(w, disks[i].read_only ? ",r\"" : ",w\"", false);
    }
    put(w, ']');
}

static void write_vifs(struct writer *w, const struct domain_cfg *d)
{
    char text[512]; /* all fields at their longest have room */

    for (uint32_t i = 0; i < d->nr_vifs; i++) {
        domain_vif_write(&d->vif[i], text, sizeof(text));
        put_text(w, i ? ", \"" : "[\"", false);
        put_text(w, text, true);
        put(w, '"');
    }
    put(w, ']');
}

static void write_row(struct writer *w, const struct row *row, const struct domain_cfg *d)
{
    const char *field = (const char *)d + row->offset;
    enum domain_action action;
    char number[24];
    int64_t value;

    put_text(w, row->key, false);
    put_text(w, " = ", false);
    if (row->type == ROW_DISK) {
        write_disks(w, d->disk);
    } else if (row->type == ROW_VIF) {
        write_vifs(w, d);
    } else if (row->type == ROW_NUMBER) {
        memcpy(&value, field, sizeof(value));
        format(number, sizeof(number), "%ld", value);
        put_text(w, number, false);
    } else {
        memcpy(&action, field, sizeof(action));
        put(w, '"');
        put_text(w, row->type == ROW_ACTION ? domain_action_text(action) : field, true);
        put(w, '"');
    }
    put(w, '\n');
}

/* What is out of its range was not given: zero stands for the default. */
static bool is_given(const struct row *row, const struct domain_cfg *d)
{
    const char *field = (const char *)d + row->offset;
    int64_t value;

    if (row->type == ROW_NUMBER) {
        memcpy(&value, field, sizeof(value));
        return value >= row->min && value <= row->max;
    }
    if (row->type == ROW_VIF) {
        return d->nr_vifs != 0;
    }
    return row->type == ROW_ACTION || ((row->type == ROW_STRING || row->type == ROW_DISK) &&
                                       *field); /* a disk begins with its target */
}

int domain_cfg_write(const struct domain_cfg *d, char *buf, size_t size)
{
    struct writer w = {.buf = buf, .size = size};

    if (size) {
        buf[0] = '\0';
    }
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (is_given(&rows[i], d)) {
            write_row(&w, &rows[i], d);
        }
    }
    return w.n;
}
