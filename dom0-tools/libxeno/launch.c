/* SPDX-License-Identifier: MIT */
/*
 * The two boot descriptions (Xen's docs/misc/arm/device-tree/booting.txt and docs/designs/launch/hyperlaunch-devicetree.rst
 * as specifications), each a table of properties with a reader. What is not in the table is warned about and ignored.
 */
#include "libxeno/launch.h"

#include <libfdt.h>
#include <stdlib.h>

#include "common/compiler.h"
#include "common/format.h"
#include "common/string.h"
#include "libxeno/launch_tree.h"

#define MAX_CPUS       128u
#define MAX_MIB        (1ul << 24)
#define MAX_CMDLINE    1023 /* what start_info has room for */
#define DOMID_LIMIT    0x7ff0u /* ABI: DOMID_FIRST_RESERVED */

/* hyperlaunch: bits of permissions, functions and mode. */
#define PERMISSIONS_KNOWN    (LAUNCH_CONTROL | LAUNCH_HARDWARE)
#define FUNCTION_BOOT        (1u << 0)
#define FUNCTION_CRASH       (1u << 1)
#define FUNCTION_CONSOLE     (1u << 2)
#define FUNCTION_XENSTORE    (1u << 30)
#define FUNCTION_LEGACY_DOM0 (1u << 31)
#define MODE_PV_64BIT        5u /* PARAVIRTUALIZED 1, LONG 4 */

struct reader {
    const void *fdt;
    struct launch *out;
    void (*warn)(void *ctx, const char *line);
    void *ctx;
    unsigned int warnings;
    struct xeno_error *err;
};

/* One property, checked to be inside the tree by fdt_check_full(). */
struct prop {
    const char *name;
    const uint8_t *data;
    uint32_t size;
    int node;
};

static void node_path(const struct reader *r, int node, char *buf, int size)
{
    const char *name;

    if (fdt_get_path(r->fdt, node, buf, size) == 0) {
        return;
    }
    name = fdt_get_name(r->fdt, node, NULL); /* a path too long to be read: its end will do */
    format(buf, (size_t)size, "…/%s", name ? name : "?");
}

/* Names in the tree may have any byte in them; a message is one line. */
static void make_printable(char *s)
{
    for (; *s; s++) {
        *s = (*s > 0 && *s < ' ') || *s == 0x7f ? '?' : *s;
    }
}

static int bad(struct reader *r, int node, const char *property, const char *what)
{
    char path[160];

    node_path(r, node, path, sizeof(path));
    xeno_fail(r->err, "%s: %s: %s", path, property, what);
    make_printable(r->err->text);
    return -1;
}

static void ignored(struct reader *r, int node, const char *property, const char *why)
{
    char path[160], line[320];

    if (r->warnings == LAUNCH_MAX_WARNINGS) {
        r->warnings++;
        r->warn(r->ctx, "more of the launch description is ignored: the rest is not listed");
    }
    if (r->warnings > LAUNCH_MAX_WARNINGS) {
        return;
    }
    r->warnings++;
    node_path(r, node, path, sizeof(path));
    format(line, sizeof(line), "%s: %s: ignored: %s", path, property, why);
    make_printable(line);
    r->warn(r->ctx, line);
}

/* ---- values ---- */

/* One or two cells. */
static bool read_number(const struct prop *p, uint64_t *out)
{
    uint64_t v = 0;

    if (p->size != 4 && p->size != 8) {
        return false;
    }
    for (uint32_t i = 0; i < p->size; i++) {
        v = v << 8 | p->data[i];
    }
    *out = v;
    return true;
}

static int read_u32(struct reader *r, const struct prop *p, uint32_t min, uint32_t max, uint32_t *out)
{
    uint64_t v;
    char what[96];

    if (!read_number(p, &v)) {
        return bad(r, p->node, p->name, "expected one number in <>");
    }
    if (v < min || v > max) {
        format(what, sizeof(what), "%lu is out of range: %u to %u", v, min, max);
        return bad(r, p->node, p->name, what);
    }
    *out = (uint32_t)v;
    return 0;
}

/* One terminated string without control characters: it will be shown to people. */
static int read_string(struct reader *r, const struct prop *p, const char **out)
{
    const char *s = (const char *)p->data;

    if (p->size == 0 || strnlen(s, p->size) != p->size - 1) {
        return bad(r, p->node, p->name, "expected one string in quotes");
    }
    for (const char *c = s; *c; c++) {
        if ((*c > 0 && *c < ' ') || *c == 0x7f) {
            return bad(r, p->node, p->name, "a control character in the string: take it out");
        }
    }
    *out = s;
    return 0;
}

static bool compatible_with(const struct reader *r, int node, const char *what)
{
    return fdt_node_check_compatible(r->fdt, node, what) == 0;
}

/* ---- properties of a domain ---- */

static int take_memory(struct reader *r, struct launch_domain *d, const struct prop *p)
{
    uint64_t kb;

    if (!read_number(p, &kb)) {
        return bad(r, p->node, p->name, "expected one number of one or two cells in <>: KB");
    }
    if (kb == 0 || kb > MAX_MIB << 10) {
        return bad(r, p->node, p->name, "out of range: it counts KB, from 1 to 2^34");
    }
    if (kb % 1024) {
        ignored(r, p->node, p->name, "what is less than a whole MiB: it is rounded up");
    }
    d->memory_mib = (kb + 1023) / 1024;
    return 0;
}

static int take_cpus(struct reader *r, struct launch_domain *d, const struct prop *p)
{
    return read_u32(r, p, 1, MAX_CPUS, &d->cpus);
}

static int take_domid(struct reader *r, struct launch_domain *d, const struct prop *p)
{
    return read_u32(r, p, 0, DOMID_LIMIT - 1, &d->domid);
}

static int take_capabilities(struct reader *r, struct launch_domain *d, const struct prop *p)
{
    uint32_t v;

    if (read_u32(r, p, 0, LAUNCH_CONTROL | LAUNCH_HARDWARE | LAUNCH_XENSTORE, &v)) {
        return -1;
    }
    d->capabilities |= v;
    return 0;
}

static int take_permissions(struct reader *r, struct launch_domain *d, const struct prop *p)
{
    uint32_t v;

    if (read_u32(r, p, 0, PERMISSIONS_KNOWN, &v)) {
        return -1;
    }
    d->capabilities |= v;
    return 0;
}

static int take_functions(struct reader *r, struct launch_domain *d, const struct prop *p)
{
    uint32_t v;

    if (read_u32(r, p, 0, UINT32_MAX, &v)) {
        return -1;
    }
    if (v & FUNCTION_LEGACY_DOM0) {
        d->capabilities |= LAUNCH_CONTROL | LAUNCH_HARDWARE | LAUNCH_XENSTORE;
        d->console = true;
    } else if (v & (FUNCTION_BOOT | FUNCTION_CRASH)) {
        ignored(r, p->node, p->name, "the functions BOOT and CRASH: the boot domain is the hypervisor's own");
    }
    d->console |= (v & FUNCTION_CONSOLE) != 0;
    d->capabilities |= v & FUNCTION_XENSTORE ? LAUNCH_XENSTORE : 0;
    return 0;
}

static int take_mode(struct reader *r, struct launch_domain *d, const struct prop *p)
{
    uint32_t v;

    (void)d;
    if (read_u32(r, p, 0, UINT32_MAX, &v)) {
        return -1;
    }
    return v == MODE_PV_64BIT ? 0 : bad(r, p->node, p->name, "only paravirtualized 64-bit domains can be launched: use <5>");
}

static int take_uuid(struct reader *r, struct launch_domain *d, const struct prop *p)
{
    if (p->size != sizeof(d->uuid)) {
        return bad(r, p->node, p->name, "expected 16 bytes in []");
    }
    memcpy(d->uuid, p->data, sizeof(d->uuid));
    d->has_uuid = true;
    return 0;
}

static int take_name(struct reader *r, struct launch_domain *d, const struct prop *p)
{
    const char *s;

    if (read_string(r, p, &s)) {
        return -1;
    }
    if (!*s || strlen(s) >= sizeof(d->name) || strchr(s, ' ') || strchr(s, '/')) {
        return bad(r, p->node, p->name, "a name has 1 to 63 characters, no blank and no slash");
    }
    memcpy(d->name, s, strlen(s) + 1);
    return 0;
}

struct taker {
    const char *name;
    int (*take)(struct reader *r, struct launch_domain *d, const struct prop *p);
};

static const struct taker hyperlaunch_domain[] = {
    {"domid", take_domid}, {"permissions", take_permissions}, {"functions", take_functions}, {"mode", take_mode},
    {"memory", take_memory}, {"cpus", take_cpus}, {"domain-uuid", take_uuid}, {"domain-name", take_name}, {NULL, NULL},
};

static const struct taker dom0less_domain[] = {
    {"memory", take_memory}, {"cpus", take_cpus}, {"capabilities", take_capabilities}, {"domid", take_domid},
    {"domain-uuid", take_uuid}, {"domain-name", take_name}, {NULL, NULL},
};

/* Properties of every node, without a meaning here. */
static bool structural(const char *name)
{
    static const char *const names[] = {"compatible", "#address-cells", "#size-cells", "phandle", "linux,phandle", "name"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int take_properties(struct reader *r, struct launch_domain *d, int node, const struct taker *table)
{
    int offset;

    fdt_for_each_property_offset (offset, r->fdt, node) {
        struct prop p = {.node = node};
        const struct taker *t = table;
        int size = 0;

        p.data = fdt_getprop_by_offset(r->fdt, offset, &p.name, &size);
        if (!p.data) {
            return bad(r, node, "properties", fdt_strerror(size));
        }
        p.size = (uint32_t)size;
        while (t->name && strcmp(t->name, p.name) != 0) {
            t++;
        }
        if (t->name ? t->take(r, d, &p) : 0) {
            return -1;
        }
        if (!t->name && !structural(p.name)) {
            ignored(r, node, p.name, "not known here");
        }
    }
    return 0;
}

/* ---- modules ---- */

struct module_props {
    struct launch_module module;
    const char *bootargs;
};

static int take_module_property(struct reader *r, struct module_props *m, const struct prop *p)
{
    if (strcmp(p->name, "mb-index") == 0) {
        return read_u32(r, p, 1, INT32_MAX, &m->module.index);
    }
    if (strcmp(p->name, "module-name") == 0) {
        return read_string(r, p, &m->module.name);
    }
    if (strcmp(p->name, "bootargs") == 0) {
        if (read_string(r, p, &m->bootargs)) {
            return -1;
        }
        return strlen(m->bootargs) <= MAX_CMDLINE ? 0 : bad(r, p->node, p->name, "longer than 1023 characters");
    }
    if (!structural(p->name)) {
        ignored(r, p->node, p->name, strcmp(p->name, "reg") == 0 ? "modules are found by mb-index or module-name" : "not known here");
    }
    return 0;
}

static int read_module(struct reader *r, int node, struct module_props *m)
{
    int offset;

    memset(m, 0, sizeof(*m));
    fdt_for_each_property_offset (offset, r->fdt, node) {
        struct prop p = {.node = node};
        int size = 0;

        p.data = fdt_getprop_by_offset(r->fdt, offset, &p.name, &size);
        if (!p.data) {
            return bad(r, node, "properties", fdt_strerror(size));
        }
        p.size = (uint32_t)size;
        if (take_module_property(r, m, &p)) {
            return -1;
        }
    }
    if (m->module.name && m->module.index) {
        return bad(r, node, "module-name", "mb-index is given as well: give one of them");
    }
    if (m->module.name && !*m->module.name) {
        return bad(r, node, "module-name", "it is empty: give the module's name");
    }
    if (!m->module.name && !m->module.index) {
        return bad(r, node, "mb-index", "missing: give it (1 is the first module behind the boot domain), or module-name");
    }
    return 0;
}

static bool is_module(const struct launch_module *m)
{
    return m->name || m->index;
}

static int take_module(struct reader *r, struct launch_domain *d, int node)
{
    bool kernel = compatible_with(r, node, "module,kernel") || compatible_with(r, node, "multiboot,kernel");
    bool ramdisk = compatible_with(r, node, "module,ramdisk") || compatible_with(r, node, "multiboot,ramdisk");
    struct launch_module *slot = kernel ? &d->kernel : &d->ramdisk;
    struct module_props m;

    if (!kernel && !ramdisk) {
        ignored(r, node, "compatible", "neither a kernel nor a ramdisk");
        return 0;
    }
    if (kernel && ramdisk) {
        return bad(r, node, "compatible", "a kernel and a ramdisk in one: choose one");
    }
    if (is_module(slot)) {
        return bad(r, node, "compatible", kernel ? "a second kernel: a domain has one" : "a second ramdisk: a domain has at most one");
    }
    if (read_module(r, node, &m)) {
        return -1;
    }
    *slot = m.module;
    if (kernel) {
        d->cmdline = m.bootargs;
    } else if (m.bootargs) {
        ignored(r, node, "bootargs", "a ramdisk takes no arguments");
    }
    return 0;
}

/* ---- a domain ---- */

/* Without a name of its own a domain is called as its node, '@' (which reads badly in lists and shells) replaced. */
static void default_name(const struct reader *r, struct launch_domain *d, int node)
{
    const char *name = fdt_get_name(r->fdt, node, NULL);
    char *at;

    if (d->domid == 0) {
        name = "Domain-0";
    }
    format(d->name, sizeof(d->name), "%s", name && *name ? name : "domain");
    for (at = d->name; *at; at++) {
        *at = *at <= ' ' || *at == '@' || *at == '/' || *at == 0x7f ? '-' : *at;
    }
}

static int check_domain(struct reader *r, struct launch_domain *d, int node)
{
    if (!is_module(&d->kernel)) {
        return bad(r, node, "kernel", "missing: add a module node with compatible = \"module,kernel\", \"multiboot,module\"");
    }
    if (!d->memory_mib) {
        return bad(r, node, "memory", "missing: give it in KB");
    }
    if (d->capabilities & LAUNCH_CONTROL && d->domid == LAUNCH_DOMID_ANY) {
        d->domid = 0;
    }
    if (d->domid == 0 && !(d->capabilities & LAUNCH_CONTROL)) {
        return bad(r, node, "domid", "domain 0 is the control domain: give it the control capability, or another number");
    }
    if (d->domid && d->capabilities & LAUNCH_CONTROL) {
        return bad(r, node, "domid", "the control domain is domain 0: use <0>, or take the control capability away");
    }
    if (!d->name[0]) {
        default_name(r, d, node);
    }
    for (const struct launch_domain *o = r->out->domain; o < d; o++) {
        if (o->domid == d->domid && d->domid != LAUNCH_DOMID_ANY) {
            return bad(r, node, "domid", d->domid ? "another domain has this number: choose another" : "there is a control domain already");
        }
        if (strcmp(o->name, d->name) == 0) {
            return bad(r, node, "domain-name", "another domain has this name (the node's, if none is given): choose another");
        }
    }
    return 0;
}

static int take_domain(struct reader *r, int node, const struct taker *table)
{
    struct launch_domain *d = &r->out->domain[r->out->nr];
    int child;

    if (r->out->nr == LAUNCH_MAX_DOMAINS) {
        return bad(r, node, "compatible", "more than 64 domains: create the others from the control domain");
    }
    *d = (struct launch_domain){.domid = LAUNCH_DOMID_ANY, .cpus = 1};
    if (take_properties(r, d, node, table)) {
        return -1;
    }
    fdt_for_each_subnode (child, r->fdt, node) {
        if (take_module(r, d, child)) {
            return -1;
        }
    }
    if (check_domain(r, d, node)) {
        return -1;
    }
    r->out->nr++;
    return 0;
}

/* ---- the tree ---- */

static int take_hypervisor(struct reader *r, int node)
{
    static const struct taker none[] = {{NULL, NULL}};
    int child;

    if (!compatible_with(r, node, "hypervisor,xen")) {
        return bad(r, node, "compatible", "expected \"hypervisor,xen\"");
    }
    if (take_properties(r, NULL, node, none)) {
        return -1;
    }
    fdt_for_each_subnode (child, r->fdt, node) {
        const char *name = fdt_get_name(r->fdt, child, NULL);

        if (compatible_with(r, child, "xen,domain")) {
            if (take_domain(r, child, hyperlaunch_domain)) {
                return -1;
            }
        } else if (name && strncmp(name, "domain", 6) == 0) {
            return bad(r, child, "compatible", "expected \"xen,domain\"");
        } else {
            ignored(r, child, "compatible", "not a domain");
        }
    }
    return 0;
}

static int take_chosen(struct reader *r)
{
    int chosen = fdt_path_offset(r->fdt, "/chosen"), child;

    if (chosen < 0) {
        return xeno_fail(r->err, "/chosen: node: missing: it holds the domains to launch");
    }
    fdt_for_each_subnode (child, r->fdt, chosen) {
        const char *name = fdt_get_name(r->fdt, child, NULL);
        int rc = 0;

        if (name && strcmp(name, "hypervisor") == 0) {
            rc = take_hypervisor(r, child);
        } else if (compatible_with(r, child, "xen,domain")) {
            rc = take_domain(r, child, dom0less_domain);
        } else {
            ignored(r, child, "compatible", "not a domain");
        }
        if (rc) {
            return rc;
        }
    }
    return r->out->nr ? 0 : bad(r, chosen, "compatible", "no domain: add a node with compatible = \"xen,domain\"");
}

int launch_parse(struct launch *out, const void *tree, size_t size, void (*warn)(void *ctx, const char *line), void *ctx,
                 struct xeno_error *err)
{
    struct reader r = {.out = out, .warn = warn, .ctx = ctx, .err = err};
    int rc;

    memset(out, 0, sizeof(*out));
    if (size > LAUNCH_MAX_BYTES) {
        return xeno_fail(err, "/: tree: larger than 1 MiB: this is no launch description");
    }
    /* A copy from malloc(): libfdt wants 8-byte alignment, which a file in an archive does not have. */
    out->tree = malloc(size ? size : 1);
    if (!out->tree) {
        return xeno_fail(err, "/: tree: out of memory");
    }
    memcpy(out->tree, tree, size);
    r.fdt = out->tree;
    rc = launch_tree_leads_forward(r.fdt, size) ? fdt_check_full(r.fdt, size) : -FDT_ERR_BADSTRUCTURE;
    if (rc) {
        xeno_fail(err, "/: tree: not a flattened device tree (%s): compile it with dtc -O dtb", fdt_strerror(rc));
    } else {
        rc = take_chosen(&r);
    }
    if (rc) {
        launch_free(out);
        return -1;
    }
    return 0;
}

void launch_free(struct launch *l)
{
    free(l->tree);
    memset(l, 0, sizeof(*l));
}
