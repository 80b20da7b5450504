/* SPDX-License-Identifier: MIT */
/*
 * The domain build, top to bottom in build(): read the image, plan, create, populate, write, pin, set the context, unpause.
 * Everything that the domain holds goes with the domain, so the undo list has two entries: our mapping, and the domain.
 * The order of control operations is the one that Xen's own tools use, so that it works there as well.
 */
#include "libxeno/build.h"

#include <stdlib.h>
#include <xen/grant_table.h>
#include <xen/io/xs_wire.h>

#include "common/compiler.h"
#include "common/elf_notes.h"
#include "common/errno.h"
#include "common/pv_plan.h"
#include "common/pv_tables.h"
#include "common/start_info.h"
#include "common/string.h"
#include "common/typed_int.h"
#include "libxeno/copy_in.h"

#define MIB_PAGES        256u
#define SUPER_ORDER      9u
#define WINDOW_PAGES     2048u

/* Grant entries that the tools make (ABI: grant_table.h GNTTAB_RESERVED_CONSOLE, GNTTAB_RESERVED_XENSTORE). */
#define GRANT_CONSOLE 0u
#define GRANT_STORE   1u

struct build {
    struct xeno *x;
    const struct xeno_build_config *cfg;
    struct xeno_error *err;
    struct pv_image image;
    struct pv_plan plan;
    uint64_t nr_pages;
    uint64_t *mfn;        /* [nr_pages] */
    uint32_t domid;
    bool created;
    bool zeroed;          /* the hypervisor hands out nothing else than zeros */
    uint8_t *window;      /* frames side by side that frame_cb() gives out; NULL: none */
    uint64_t window_pfn, window_nr;
    struct xen_domctl_getdomaininfo info;
    struct xeno_built *out;
};

static int fail(struct build *b, const char *what, long rc)
{
    return xeno_fail(b->err, "%s: cannot %s: %s", b->cfg->name, what, xeno_errno_text(rc));
}

static void unmap_last(struct build *b)
{
    if (b->window) {
        b->x->t->unmap_foreign(b->x->t->ctx, b->window, b->window_nr);
        b->window = NULL;
    }
}

/* What a page is one of: pages of a run are written together. */
static struct pv_run run_of(const struct build *b, uint64_t pfn)
{
    const struct pv_run tables = b->plan.page_tables,
                        list = {.pfn = b->plan.p2m.pfn, .nr = b->plan.p2m.nr + b->plan.p2m_table_frames};

    return pfn >= tables.pfn && pfn - tables.pfn < tables.nr ? tables
           : pfn >= list.pfn && pfn - list.pfn < list.nr     ? list
                                                             : (struct pv_run){.pfn = pfn, .nr = 1};
}

/* A mapping costs as much as a thousand copied words, and a page of one as much as several hundred: all of a run is mapped at once, if it is
 * not very long. */
static void *frame_cb(void *ctx, uint64_t pfn)
{
    struct build *b = ctx;

    if (!b->window || pfn < b->window_pfn || pfn - b->window_pfn >= b->window_nr) {
        struct pv_run run = run_of(b, pfn);

        unmap_last(b);
        b->window_pfn = run.nr > WINDOW_PAGES ? pfn : run.pfn;
        b->window_nr = MIN(run.pfn + run.nr - b->window_pfn, (uint64_t)WINDOW_PAGES);
        b->window = b->x->t->map_foreign(b->x->t->ctx, b->domid, &b->mfn[b->window_pfn], b->window_nr);
    }
    return b->window ? b->window + ((pfn - b->window_pfn) << PAGE_SHIFT) : NULL;
}

static mfn_t mfn_cb(void *ctx, uint64_t pfn)
{
    const struct build *b = ctx;

    return mfn_make(b->mfn[pfn]);
}

static int read_image(struct build *b)
{
    enum pv_error e = pv_image_read(&b->image, b->cfg->kernel, b->cfg->kernel_size);

    if (e == PV_OK && b->cfg->control && b->image.says_features && !b->image.dom0_support) {
        e = PV_NO_DOM0_SUPPORT;
    }
    return e == PV_OK ? 0 : xeno_fail(b->err, "%s: kernel %s: %s", b->cfg->name, b->cfg->kernel_name, pv_error_text(e));
}

static int make_plan(struct build *b)
{
    struct pv_plan_input in = {.image = &b->image,
                               .nr_pages = b->cfg->memory_mib * MIB_PAGES,
                               .usable_pages = b->cfg->memory_mib * MIB_PAGES,
                               .module_bytes = b->cfg->ramdisk ? b->cfg->ramdisk_size : 0,
                               .store_console = !b->cfg->control};
    enum pv_error e = pv_plan_make(&in, &b->plan);

    b->nr_pages = in.nr_pages;
    if (e == PV_TOO_BIG) {
        uint64_t least = pv_plan_min_pages(&in);

        return xeno_fail(b->err, "%s: kernel %s%s needs at least %lu MiB, memory is %lu: raise %s", b->cfg->name,
                         b->cfg->kernel_name, b->cfg->ramdisk ? " with its RAM disk" : "",
                         (least + MIB_PAGES - 1) / MIB_PAGES, b->cfg->memory_mib, xeno_build_memory_key(b->cfg));
    }
    return e == PV_OK ? 0 : xeno_fail(b->err, "%s: kernel %s: %s", b->cfg->name, b->cfg->kernel_name, pv_error_text(e));
}

static int check_memory(struct build *b)
{
    return xeno_build_check_memory(b->x, b->cfg, &b->zeroed, b->err);
}

static int create(struct build *b)
{
    struct xen_domctl_createdomain c = {.grant_opts = XEN_DOMCTL_GRANT_version(1)};
    uint64_t most = MAX(b->nr_pages, b->cfg->max_memory_mib * MIB_PAGES);
    int rc = xeno_build_create(b->x, b->cfg, &c, most, &b->domid, b->err);

    b->created = rc == 0;
    return rc;
}

static int alloc_ports(struct build *b)
{
    long store = b->cfg->control ? 0 : xeno_alloc_unbound(b->x, b->domid, b->x->t->own_domid);
    long console = b->cfg->control ? 0 : xeno_alloc_unbound(b->x, b->domid, b->x->t->own_domid);

    if (store < 0 || console < 0) {
        return fail(b, "allocate its event channels", store < 0 ? store : console);
    }
    b->out->store_port = (uint32_t)store;
    b->out->console_port = (uint32_t)console;
    return 0;
}

/* 2 MiB pieces while there are any, then single pages. mfn[] lists every page. */
static int populate(struct build *b)
{
    const uint64_t super = 1ul << SUPER_ORDER;
    uint64_t done = 0;

    while (b->nr_pages - done >= super) {
        uint64_t base = done;

        if (xeno_populate(b->x, b->domid, &base, 1, SUPER_ORDER) != 1) {
            break;
        }
        for (uint64_t i = 0; i < super; i++) {
            b->mfn[done + i] = base + i;
        }
        done += super;
    }
    for (uint64_t i = done; i < b->nr_pages; i++) {
        b->mfn[i] = i;
    }
    while (done < b->nr_pages) {
        uint64_t n = MIN(b->nr_pages - done, (uint64_t)1024);
        long rc = xeno_populate(b->x, b->domid, b->mfn + done, n, 0);

        if (rc <= 0) {
            return fail(b, "get its memory", rc ? rc : -ENOMEM);
        }
        done += (uint64_t)rc;
    }
    return 0;
}

/* What the hypervisor is not known to hand out zeroed is not left to chance: neither zeros of the file, nor what follows them. */
static int write_image(struct build *b)
{
    const struct copy_target to = {.x = b->x, .domid = b->domid, .mfn = b->mfn, .zeroed = b->zeroed};
    const struct elf_file *f = &b->image.file;
    int rc = 0;

    for (unsigned int i = 0; rc == 0 && i < f->phnum; i++) {
        struct elf_segment s;

        if (elf_segment(f, i, &s) == PV_OK && s.type == ELF_PT_LOAD) {
            uint64_t paddr = s.paddr - b->image.paddr_offset;

            rc = xeno_copy_file_in(&to, paddr, b->cfg->kernel, s.offset, s.file_size);
            rc = rc ? rc : xeno_copy_in(&to, paddr + s.file_size, NULL, s.mem_size - s.file_size);
        }
    }
    if (rc) {
        return fail(b, rc == -ENOMEM ? "map its memory" : "read its kernel", rc);
    }
    if (b->plan.module.nr) {
        rc = xeno_copy_file_in(&to, b->plan.module.pfn << PAGE_SHIFT, b->cfg->ramdisk, 0, b->cfg->ramdisk_size);
    }
    if (rc) {
        return fail(b, rc == -ENOMEM ? "map its memory" : "read its RAM disk", rc);
    }
    /* Rings start empty. */
    rc = xeno_copy_in(&to, b->plan.store.pfn << PAGE_SHIFT, NULL, b->plan.store.nr << PAGE_SHIFT);
    rc = rc ? rc : xeno_copy_in(&to, b->plan.console.pfn << PAGE_SHIFT, NULL, b->plan.console.nr << PAGE_SHIFT);
    return rc ? fail(b, "map its memory", rc) : 0;
}

static int write_hypercall_page(struct build *b)
{
    uint64_t pfn = (b->image.hypercall_page - b->image.virt_base) >> PAGE_SHIFT;
    long rc;

    if (!b->image.has_hypercall_page) {
        return 0;
    }
    unmap_last(b);
    rc = xeno_domain_hypercall_page(b->x, b->domid, b->mfn[pfn]);
    return rc ? fail(b, "write its hypercall page", rc) : 0;
}

static int write_tables(struct build *b)
{
    const struct pv_memory mem = {.frame = frame_cb, .mfn = mfn_cb, .ctx = b};

    if (pv_tables_write(&b->plan, &mem) || pv_p2m_write(&b->plan, &mem)) {
        return fail(b, "write its page tables", -ENOMEM);
    }
    unmap_last(b);
    return 0;
}

static int write_start_info(struct build *b)
{
    struct start_info_input in = {.plan = &b->plan,
                                  .image = &b->image,
                                  .flags = b->cfg->control ? SIF_PRIVILEGED | SIF_INITDOMAIN : 0,
                                  .module_bytes = b->plan.module.nr ? b->cfg->ramdisk_size : 0,
                                  .screen = b->cfg->screen,
                                  .cmdline = b->cfg->cmdline ? b->cfg->cmdline : "",
                                  .store_port = b->out->store_port,
                                  .console_port = b->out->console_port};
    long rc = xeno_domain_info(b->x, b->domid, &b->info);
    uint64_t shared_mfn = b->info.shared_info_frame;
    struct shared_info *shared;
    void *page;

    if (rc) {
        return fail(b, "look at it", rc);
    }
    in.shared_info = maddr_make(shared_mfn << PAGE_SHIFT);
    if (b->plan.store.nr) {
        in.store_mfn = mfn_make(b->out->store_mfn = b->mfn[b->plan.store.pfn]);
        in.console_mfn = mfn_make(b->out->console_mfn = b->mfn[b->plan.console.pfn]);
    }
    page = frame_cb(b, b->plan.start_info.pfn);
    if (!page) {
        return fail(b, "map its start page", -ENOMEM);
    }
    start_info_fill(page, &in);
    unmap_last(b);
    shared = b->x->t->map_foreign(b->x->t->ctx, b->domid, &shared_mfn, 1);
    if (!shared) {
        return fail(b, "map its shared page", -ENOMEM);
    }
    start_shared_info_fill(shared);
    b->x->t->unmap_foreign(b->x->t->ctx, shared, 1);
    return 0;
}

/* The console and store pages, for backends that map by grant. A domain under Xen without that resource does without. */
static int write_grants(struct build *b)
{
    struct grant_entry_v1 *entries;
    uint64_t frame;
    long rc;

    if (b->cfg->control) {
        return 0;
    }
    rc = xeno_grant_frame(b->x, b->domid, &frame);
    if (rc) {
        return fail(b, "reach its grant table", rc);
    }
    entries = b->x->t->map_foreign(b->x->t->ctx, b->domid, &frame, 1);
    if (!entries) {
        return fail(b, "map its grant table", -ENOMEM);
    }
    entries[GRANT_CONSOLE] = (struct grant_entry_v1){.flags = GTF_permit_access,
                                                     .domid = (domid_t)b->x->t->own_domid,
                                                     .frame = (uint32_t)b->out->console_mfn};
    entries[GRANT_STORE] = (struct grant_entry_v1){.flags = GTF_permit_access,
                                                   .domid = (domid_t)b->x->t->own_domid,
                                                   .frame = (uint32_t)b->out->store_mfn};
    b->x->t->unmap_foreign(b->x->t->ctx, entries, 1);
    return 0;
}

static int set_context(struct build *b)
{
    uint64_t l4 = b->mfn[b->plan.l4_pfn];
    vcpu_guest_context_t *ctx = malloc(sizeof(*ctx));
    long rc;

    if (!ctx) {
        return fail(b, "set its first context", -ENOMEM);
    }
    start_context_fill(ctx, &b->plan, &b->image, mfn_make(l4));
    rc = xeno_pin_l4(b->x, b->domid, l4);
    if (rc == 0) {
        rc = xeno_domain_set_context(b->x, b->domid, 0, ctx);
    }
    free(ctx);
    return rc ? fail(b, "enter its kernel: page tables or first context", rc) : 0;
}

static int start(struct build *b)
{
    long rc = b->cfg->start_paused ? 0 : xeno_domain_unpause(b->x, b->domid);

    return rc ? fail(b, "start it", rc) : 0;
}

static int build(struct build *b)
{
    int (*const steps[])(struct build *) = {
        read_image, make_plan,            check_memory, create,           alloc_ports,  populate,
        write_image, write_hypercall_page, write_tables, write_start_info, write_grants, set_context, start,
    };

    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        if (steps[i] == populate) {
            b->mfn = malloc(b->nr_pages * sizeof(*b->mfn));
            if (!b->mfn) {
                return fail(b, "list its memory", -ENOMEM);
            }
        }
        if (steps[i](b)) {
            return -1;
        }
    }
    return 0;
}

int xeno_build(struct xeno *x, const struct xeno_build_config *cfg, struct xeno_built *out, struct xeno_error *err)
{
    struct build b = {.x = x, .cfg = cfg, .err = err, .out = out};
    int rc;

    memset(out, 0, sizeof(*out));
    rc = build(&b);
    unmap_last(&b);
    if (rc && b.created) {
        xeno_domain_destroy(x, b.domid);
    }
    free(b.mfn);
    out->domid = b.domid;
    return rc;
}
