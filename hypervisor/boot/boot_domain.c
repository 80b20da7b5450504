/* SPDX-License-Identifier: MIT */
/*
 * Builds the boot domain: image, memory, the other modules behind its RAM, tables, start_info, first vCPU. The image is
 * built with the hypervisor and trusted; the plan and table code is the one that the tools use (common/).
 * Invariant: a module's frames go back to the allocator as soon as their contents are in the domain.
 */
#include "boot/boot_domain.h"

#include <xen/xen.h>

#include "boot/boot_info.h"
#include "boot/memory.h"
#include "common/compiler.h"
#include "common/elf_notes.h"
#include "common/errno.h"
#include "common/pv_plan.h"
#include "common/pv_tables.h"
#include "common/start_info.h"
#include "common/string.h"
#include "debug/console.h"
#include "domain/domain.h"
#include "mm/heap.h"
#include "mm/hv_alloc.h"
#include "mm/m2p.h"
#include "mm/map.h"
#include "mm/page_info.h"
#include "mm/pt_pin.h"
#include "pv/hypercall_page.h"
#include "pv/pv.h"
#include "sched/sched.h"
#include "x86/percpu.h"
#include "x86/pgtable.h"

#define MEM_DEFAULT_MIB 48
#define EVTCHN_PORTS    4095
#define NO_LIMIT        UINT32_MAX

struct builder {
    struct domain *d;
    struct pv_image image;
    struct pv_plan plan;
    uint64_t ram_pages, nr_pages, list_bytes;
    uint32_t *mfn;         /* [nr_pages] */
    unsigned int map_pages; /* of the array */
    void *mapped;          /* the frame that frame_cb() gave out last */
};

static uint64_t pages_of(uint64_t bytes)
{
    return (bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

static void *frame_cb(void *ctx, uint64_t pfn)
{
    struct builder *b = ctx;

    if (b->mapped) {
        unmap_frame(b->mapped);
    }
    b->mapped = map_frame(mfn_make(b->mfn[pfn]));
    return b->mapped;
}

static mfn_t mfn_cb(void *ctx, uint64_t pfn)
{
    const struct builder *b = ctx;

    return mfn_make(b->mfn[pfn]);
}

static void copy_in(struct builder *b, uint64_t paddr, const uint8_t *src, uint64_t bytes)
{
    while (bytes) {
        uint64_t off = paddr % PAGE_SIZE, n = MIN(bytes, PAGE_SIZE - off);

        memcpy((uint8_t *)frame_cb(b, paddr >> PAGE_SHIFT) + off, src, n);
        paddr += n;
        src += n;
        bytes -= n;
    }
}

/* Frames for PFNs [first, first + nr): the largest pieces that there are. */
static void populate(struct builder *b, uint64_t first, uint64_t nr)
{
    unsigned int order = 9;

    while (nr) {
        struct page_info *pg;
        bool limit;

        while (order && (1ul << order) > nr) {
            order--;
        }
        pg = page_alloc_for(&b->d->mm, order, 52, &limit);
        if (!pg && order) {
            order--;
            continue;
        }
        if (!pg) {
            boot_fail("not enough memory for the boot domain (%lu MiB): give the machine more, or bootdom_mem= less",
                      b->nr_pages >> (20 - PAGE_SHIFT));
        }
        for (uint64_t i = 0; i < 1ul << order; i++) {
            b->mfn[first + i] = page_idx(pg) + (uint32_t)i;
            m2p_set(mfn_make(b->mfn[first + i]), first + i);
        }
        first += 1ul << order;
        nr -= 1ul << order;
    }
}

static void read_image(struct builder *b)
{
    const struct boot_module *m = &boot_info.modules[0];
    enum pv_error e;

    if (boot_info.nr_modules == 0) {
        boot_fail("no boot domain: give its image as the first module");
    }
    e = pv_image_read(&b->image, direct_map(m->start), m->end - m->start);
    if (e != PV_OK) {
        boot_fail("boot domain: %s", pv_error_text(e));
    }
}

/* The module list: an array of entries, and the modules' lines behind it. */
static uint64_t list_bytes(void)
{
    uint64_t n = 0;

    for (uint32_t i = 1; i < boot_info.nr_modules; i++) {
        n += sizeof(struct xen_multiboot_mod_list) + strlen(boot_info.modules[i].cmdline) + 1;
    }
    return n;
}

static void make_plan(struct builder *b)
{
    uint64_t mib = cmdline_get_number(boot_info.cmdline, "bootdom_mem", MEM_DEFAULT_MIB);
    struct pv_plan_input in = {.image = &b->image, .module_mapped = true};
    enum pv_error e;

    b->list_bytes = list_bytes();
    b->ram_pages = mib << (20 - PAGE_SHIFT);
    b->nr_pages = b->ram_pages;
    for (uint32_t i = 1; i < boot_info.nr_modules; i++) {
        b->nr_pages += pages_of(boot_info.modules[i].end - boot_info.modules[i].start);
    }
    in.nr_pages = b->nr_pages;
    in.usable_pages = b->ram_pages;
    in.module_bytes = b->list_bytes;
    e = pv_plan_make(&in, &b->plan);
    if (e != PV_OK) {
        boot_fail("boot domain with bootdom_mem=%lu: %s", mib, pv_error_text(e));
    }
}

static void create(struct builder *b)
{
    const struct domain_config cfg = {.id = DOMAIN_BOOT_ID,
                                      .control = true,
                                      .hardware = true,
                                      .boot = true,
                                      .max_vcpus = (uint16_t)MIN(nr_cpus, (uint32_t)XEN_LEGACY_MAX_VCPUS),
                                      .max_evtchn_port = EVTCHN_PORTS,
                                      .max_grant_frames = NO_LIMIT,
                                      .max_maptrack_frames = NO_LIMIT};

    int rc = domain_create(&cfg, &b->d);

    /* As many vCPUs as there are CPUs; all but the first stay down unless the domain starts them. */
    for (unsigned int i = 0; rc == 0 && i < cfg.max_vcpus; i++) {
        rc = vcpu_create(b->d, i);
    }
    if (rc) {
        boot_fail("no memory for the boot domain's structures");
    }
    b->d->mm.max_pages = b->nr_pages;
    b->map_pages = (unsigned int)pages_of(b->nr_pages * sizeof(*b->mfn));
    b->mfn = hv_alloc_pages(b->map_pages);
    if (!b->mfn) {
        boot_fail("no memory for the boot domain's frame list");
    }
}

static void load_kernel(struct builder *b)
{
    const struct elf_file *f = &b->image.file;

    for (unsigned int i = 0; i < f->phnum; i++) {
        struct elf_segment s;

        if (elf_segment(f, i, &s) == PV_OK && s.type == ELF_PT_LOAD) {
            copy_in(b, s.paddr - b->image.paddr_offset, f->data + s.offset, s.file_size);
        }
    }
    if (b->image.has_hypercall_page) {
        hypercall_page_fill(frame_cb(b, (b->image.hypercall_page - b->image.virt_base) >> PAGE_SHIFT));
    }
}

/* Modules' contents go into frames of the domain page by page, each source frame being freed when it has been copied. */
static void load_modules(struct builder *b)
{
    uint64_t list = b->plan.module.pfn << PAGE_SHIFT, pfn = b->ram_pages;
    uint64_t text = list + (boot_info.nr_modules - 1) * sizeof(struct xen_multiboot_mod_list);

    for (uint32_t i = 1; i < boot_info.nr_modules; i++) {
        const struct boot_module *m = &boot_info.modules[i];
        uint64_t bytes = m->end - m->start, nr = pages_of(bytes), len = strlen(m->cmdline) + 1;
        struct xen_multiboot_mod_list entry = {.mod_start = (uint32_t)(pfn << PAGE_SHIFT),
                                               .mod_end = (uint32_t)((pfn << PAGE_SHIFT) + bytes - 1),
                                               .cmdline = (uint32_t)text};

        for (uint64_t done = 0; done < nr; done++) {
            uint64_t pa = m->start + (done << PAGE_SHIFT);

            populate(b, pfn + done, 1);
            copy_in(b, (pfn + done) << PAGE_SHIFT, direct_map(pa), MIN(bytes - (done << PAGE_SHIFT), (uint64_t)PAGE_SIZE));
            heap_free((uint32_t)(pa >> PAGE_SHIFT), 1, false);
        }
        copy_in(b, list, (const uint8_t *)&entry, sizeof(entry));
        copy_in(b, text, (const uint8_t *)m->cmdline, len);
        list += sizeof(entry);
        text += len;
        pfn += nr;
    }
}

/* What follows the path in the module's line; with PVH, which has no lines, what follows " -- " on ours. */
static const char *boot_domain_cmdline(void)
{
    const char *line = boot_info.modules[0].cmdline;
    const char *own = strstr(boot_info.cmdline, " -- ");
    const char *rest;

    if (!line[0]) {
        return own ? own + 4 : "";
    }
    rest = strchr(line, ' ');
    return rest ? rest + 1 : "";
}

static void write_start_of_day(struct builder *b)
{
    const struct pv_memory mem = {.frame = frame_cb, .mfn = mfn_cb, .ctx = b};
    struct start_info_input in = {.plan = &b->plan,
                                  .image = &b->image,
                                  .shared_info = maddr_of_mfn(b->d->shared_info_mfn),
                                  .flags = SIF_PRIVILEGED | SIF_INITDOMAIN | SIF_MULTIBOOT_MOD,
                                  .cmdline = boot_domain_cmdline()};

    in.module_bytes = (boot_info.nr_modules - 1) * sizeof(struct xen_multiboot_mod_list);
    if (pv_tables_write(&b->plan, &mem) || pv_p2m_write(&b->plan, &mem)) {
        boot_fail("boot domain: its tables could not be written");
    }
    start_info_fill(frame_cb(b, b->plan.start_info.pfn), &in);
    unmap_frame(b->mapped);
    b->mapped = NULL;
}

static void enter(struct builder *b)
{
    mfn_t l4 = mfn_cb(b, b->plan.l4_pfn);
    const unsigned int ctx_pages = (unsigned int)pages_of(sizeof(struct vcpu_guest_context));
    struct vcpu_guest_context *ctx = hv_alloc_pages(ctx_pages);
    int rc;

    if (!ctx) {
        boot_fail("no memory for the boot domain's first context");
    }
    start_context_fill(ctx, &b->plan, &b->image, l4);
    do {
        rc = pt_pin(&b->d->mm, l4, 4);
    } while (rc == -ERESTART);
    rc = rc ? rc : pv_context_set(b->d->vcpu[0], ctx);
    hv_free_pages(ctx, ctx_pages);
    if (rc) {
        boot_fail("boot domain: its page tables or first context were refused (%d)", rc);
    }
    b->d->vcpu[0]->initialised = VCPU_INITIALISED;
    b->d->life = DOMAIN_RUNNING;
    b->d->controller_paused = 0;
    domain_wallclock_update(b->d);
    sched_wake(b->d->vcpu[0], VPF_DOWN);
    domain_unpause(b->d);
}

static void free_image(void)
{
    const struct boot_module *m = &boot_info.modules[0];

    heap_free((uint32_t)(m->start >> PAGE_SHIFT), pages_of(m->end - m->start), false);
}

void boot_domain_start(void)
{
    static struct builder b;

    read_image(&b);
    make_plan(&b);
    create(&b);
    populate(&b, 0, b.ram_pages);
    load_kernel(&b);
    load_modules(&b);
    write_start_of_day(&b);
    enter(&b);
    log_info("boot domain: %lu MiB, %u modules", b.ram_pages >> (20 - PAGE_SHIFT), boot_info.nr_modules - 1);
    hv_free_pages(b.mfn, b.map_pages);
    free_image();
}
