/* SPDX-License-Identifier: MIT */
/*
 * The build of a fully virtualized domain, top to bottom in build(): read the image, create, populate, write image, start
 * information and ACPI tables, set the first context. Frames are named by their numbers in the domain's own memory.
 * The domain's machine: docs/abi/full-machine.md.
 */
#include <stdlib.h>
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/hvm/save.h>
#include <xen/xenolith.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "common/string.h"
#include "common/typed_int.h"
#include "libxeno/acpi_tables.h"
#include "libxeno/build.h"
#include "libxeno/copy_in.h"
#include "libxeno/pvh_image.h"

#define MIB_PAGES 256u
#define BATCH     1024u

/* The map below 1 MiB, in bytes. */
#define START_INFO    0x1000u
#define CMDLINE       0x2000u
#define CMDLINE_BYTES 0x1000u
#define LOW_END       0x9f000u
#define TABLES        0xe0000u
#define TABLES_END    0x100000u
/* Devices answer between these; memory that does not fit below goes on above. */
#define HOLE_START  0xe0000000ul
#define HOLE_END    0x100000000ul

#define CONSOLE     0xfeffc000ul
#define PM1_CONTROL 0xb004u
#define CR0_ON      0x11u /* ET, PE */
#define FLAGS_ON    2u
#define CODE32      0xc9bu
#define DATA32      0xc93u
#define TSS32       0x8bu
#define LDT_NONE    0x82u
#define DR6_ON      0xffff0ff0u
#define DR7_ON      0x400u

struct build {
    struct xeno *x;
    const struct xeno_build_config *cfg;
    struct xeno_error *err;
    struct pvh_image image;
    uint64_t nr_pages; /* of RAM; the tables' are part of them */
    uint64_t module_paddr;
    uint32_t domid;
    bool created, zeroed;
    struct xeno_built *out;
};

static int fail(struct build *b, const char *what, long rc)
{
    return xeno_fail(b->err, "%s: cannot %s: %s", b->cfg->name, what, xeno_errno_text(rc));
}

static int read_image(struct build *b)
{
    static const char *const texts[] = {
        [PVH_NO_ENTRY] =
            "no PVH entry note: it cannot run fully virtualized (link it with libpvk/native, or use type=\"pv\")",
        [PVH_BAD_ADDRESS] = "its load addresses or entry are not below 4 GiB",
    };
    enum pv_error elf;
    enum pvh_error e = pvh_image_read(&b->image, b->cfg->kernel, b->cfg->kernel_size, &elf);

    if (e != PVH_OK) {
        return xeno_fail(b->err, "%s: kernel %s: %s", b->cfg->name, b->cfg->kernel_name,
                         e == PVH_BAD_ELF ? pv_error_text(elf) : texts[e]);
    }
    return 0;
}

/* The end of the memory that starts at 1 MiB. */
static uint64_t low_end(const struct build *b)
{
    return MIN(b->nr_pages << PAGE_SHIFT, HOLE_START);
}

static int make_plan(struct build *b)
{
    uint64_t module = b->cfg->ramdisk ? ALIGN_UP(b->cfg->ramdisk_size, (uint64_t)PAGE_SIZE) : 0;

    b->nr_pages = b->cfg->memory_mib * MIB_PAGES;
    b->module_paddr = low_end(b) - module;
    if (b->image.start < TABLES_END || b->image.end + module > low_end(b) ||
        b->cfg->memory_mib < 2) {
        return xeno_fail(
            b->err,
            "%s: kernel %s lies at %lu to %lu KiB%s: that does not fit between 1024 KiB and memory=%lu MiB",
            b->cfg->name, b->cfg->kernel_name, b->image.start / 1024, b->image.end / 1024,
            module ? " and has a ramdisk" : "", b->cfg->memory_mib);
    }
    return b->cfg->cmdline && strlen(b->cfg->cmdline) >= CMDLINE_BYTES
               ? xeno_fail(b->err, "%s: cmdline= is too long", b->cfg->name)
               : 0;
}

static int check_memory(struct build *b)
{
    return xeno_build_check_memory(b->x, b->cfg, &b->zeroed, b->err);
}

static int create(struct build *b)
{
    bool svm = strcmp(b->cfg->engine, "svm") == 0; /* nested paging makes the difference */
    struct xen_domctl_createdomain c = {
        .flags = XEN_DOMCTL_CDF_hvm | (svm ? XEN_DOMCTL_CDF_hap : 0) |
                 (b->cfg->no_scan ? XENOLITH_CDF_NO_SCAN : 0),
        .grant_opts = XEN_DOMCTL_GRANT_version(1),
        .arch.emulation_flags = XEN_X86_EMU_LAPIC | XEN_X86_EMU_PIC | XEN_X86_EMU_PIT};
    int rc = xeno_build_create(b->x, b->cfg, &c, b->nr_pages, &b->domid, b->err);

    b->created = rc == 0;
    return rc;
}

/* The frame number of the i-th page of RAM; there is none between LOW_END and TABLES, nor between the holes. */
static uint64_t gfn_of(uint64_t i)
{
    const uint64_t low = LOW_END >> PAGE_SHIFT, gap = (TABLES - LOW_END) >> PAGE_SHIFT,
                   top = HOLE_START >> PAGE_SHIFT;

    if (i < low) {
        return i;
    }
    return i + gap < top ? i + gap : i + gap - top + (HOLE_END >> PAGE_SHIFT);
}

/* The serial port's output and input go through a console ring, as a PV domain's: its page lies among the devices. */
static int make_console(struct build *b)
{
    uint64_t gfn = CONSOLE >> PAGE_SHIFT;
    long port = xeno_alloc_unbound(b->x, b->domid, b->x->t->own_domid);

    if (port < 0) {
        return fail(b, "allocate its console's event channel", port);
    }
    b->out->console_port = (uint32_t)port;
    b->out->console_mfn = gfn;
    return xeno_populate(b->x, b->domid, &gfn, 1, 0) == 1
               ? 0
               : fail(b, "get its console's page", -ENOMEM);
}

static int populate(struct build *b)
{
    uint64_t *gfns = malloc(BATCH * sizeof(*gfns)), done = 0;
    /* What lies above the gap was counted from 0: the gap's pages are not there. */
    uint64_t nr = b->nr_pages - ((TABLES - LOW_END) >> PAGE_SHIFT);
    long rc = 0;

    if (!gfns) {
        return fail(b, "list its memory", -ENOMEM);
    }
    while (done < nr && rc >= 0) {
        uint64_t n = MIN(nr - done, (uint64_t)BATCH);

        for (uint64_t i = 0; i < n; i++) {
            gfns[i] = gfn_of(done + i);
        }
        rc = xeno_populate(b->x, b->domid, gfns, n, 0);
        rc = rc == 0 ? -ENOMEM : rc;
        done += rc > 0 ? (uint64_t)rc : 0;
    }
    free(gfns);
    return rc < 0 ? fail(b, "get its memory", rc) : 0;
}

static int copied(struct build *b, int rc)
{
    return rc == 0 ? 0 : fail(b, rc == -ENOMEM ? "map its memory" : "read its kernel or RAM disk", rc);
}

static struct copy_target target(const struct build *b)
{
    return (struct copy_target){.x = b->x, .domid = b->domid, .zeroed = b->zeroed};
}

/* Bytes of ours into guest-physical memory that has been populated. */
static int copy_in(struct build *b, uint64_t paddr, const void *from, uint64_t bytes)
{
    const struct copy_target to = target(b);

    return copied(b, xeno_copy_in(&to, paddr, from, bytes));
}

static int write_image(struct build *b)
{
    const struct elf_file *f = &b->image.file;
    const struct copy_target to = target(b);
    int rc = 0;

    for (unsigned int i = 0; rc == 0 && i < f->phnum; i++) {
        struct elf_segment s;

        if (elf_segment(f, i, &s) == PV_OK && s.type == ELF_PT_LOAD) {
            rc = xeno_copy_file_in(&to, s.paddr, b->cfg->kernel, s.offset, s.file_size);
            rc = rc ? rc : xeno_copy_in(&to, s.paddr + s.file_size, NULL, s.mem_size - s.file_size);
        }
    }
    if (rc == 0 && b->cfg->ramdisk) {
        rc = xeno_copy_file_in(&to, b->module_paddr, b->cfg->ramdisk, 0, b->cfg->ramdisk_size);
    }
    return copied(b, rc);
}

/* start_info, the list of modules and the memory map, in one page. */
struct start_page {
    struct hvm_start_info info;
    struct hvm_modlist_entry module;
    struct hvm_memmap_table_entry map[5];
};

static uint32_t fill_map(const struct build *b, struct hvm_memmap_table_entry *map)
{
    uint64_t end = b->nr_pages << PAGE_SHIFT;
    uint32_t n = 0;

    map[n++] = (struct hvm_memmap_table_entry){
        .addr = 0, .size = LOW_END, .type = XEN_HVM_MEMMAP_TYPE_RAM};
    map[n++] = (struct hvm_memmap_table_entry){
        .addr = TABLES, .size = TABLES_END - TABLES, .type = XEN_HVM_MEMMAP_TYPE_RESERVED};
    map[n++] = (struct hvm_memmap_table_entry){
        .addr = TABLES_END, .size = low_end(b) - TABLES_END, .type = XEN_HVM_MEMMAP_TYPE_RAM};
    map[n++] = (struct hvm_memmap_table_entry){
        .addr = HOLE_START, .size = HOLE_END - HOLE_START, .type = XEN_HVM_MEMMAP_TYPE_RESERVED};
    if (end > HOLE_START) {
        map[n++] = (struct hvm_memmap_table_entry){
            .addr = HOLE_END, .size = end - HOLE_START, .type = XEN_HVM_MEMMAP_TYPE_RAM};
    }
    return n;
}

static int write_start_info(struct build *b)
{
    const char *cmdline = b->cfg->cmdline ? b->cfg->cmdline : "";
    struct start_page p = {
        .info = {.magic = XEN_HVM_START_MAGIC_VALUE,
                 .version = 1,
                 .nr_modules = b->cfg->ramdisk ? 1 : 0,
                 .modlist_paddr = START_INFO + offsetof(struct start_page, module),
                 .cmdline_paddr = CMDLINE,
                 .rsdp_paddr = TABLES,
                 .memmap_paddr = START_INFO + offsetof(struct start_page, map)},
        .module = {.paddr = b->module_paddr, .size = b->cfg->ramdisk_size}};

    p.info.memmap_entries = fill_map(b, p.map);
    return copy_in(b, START_INFO, &p, sizeof(p)) ||
                   copy_in(b, CMDLINE, cmdline, strlen(cmdline) + 1)
               ? -1
               : 0;
}

static int write_tables(struct build *b)
{
    uint8_t *tables = calloc(1, ACPI_TABLES_BYTES);
    int rc;

    if (!tables) {
        return fail(b, "make its ACPI tables", -ENOMEM);
    }
    acpi_tables_write(tables, TABLES, b->cfg->vcpus, PM1_CONTROL);
    rc = copy_in(b, TABLES, tables, ACPI_TABLES_BYTES);
    free(tables);
    return rc;
}

/* The records of a domain whose first vCPU enters the image: 32 bits, flat, no paging; ebx: the start information. */
struct context {
    struct hvm_save_descriptor header_head;
    struct hvm_save_header header;
    struct hvm_save_descriptor cpu_head;
    struct hvm_hw_cpu cpu;
    struct hvm_save_descriptor end;
};

static void fill_cpu(const struct build *b, struct hvm_hw_cpu *c)
{
    c->rip = b->image.entry;
    c->rbx = START_INFO;
    c->rflags = FLAGS_ON;
    c->cr0 = CR0_ON;
    c->dr6 = DR6_ON;
    c->dr7 = DR7_ON;
    c->cs_sel = 0x8;
    c->ds_sel = c->es_sel = c->ss_sel = 0x10;
    c->cs_arbytes = CODE32;
    c->ds_arbytes = c->es_arbytes = c->fs_arbytes = c->gs_arbytes = c->ss_arbytes = DATA32;
    c->cs_limit = c->ds_limit = c->es_limit = c->fs_limit = c->gs_limit = c->ss_limit = UINT32_MAX;
    c->tr_arbytes = TSS32;
    c->tr_limit = 0x67;
    c->ldtr_arbytes = LDT_NONE;
}

static int set_context(struct build *b)
{
    struct context *c = calloc(1, sizeof(*c));
    long rc;

    if (!c) {
        return fail(b, "set its first context", -ENOMEM);
    }
    c->header_head = (struct hvm_save_descriptor){HVM_SAVE_CODE_HEADER, 0, sizeof(c->header)};
    c->header = (struct hvm_save_header){.magic = HVM_FILE_MAGIC, .version = HVM_FILE_VERSION};
    c->cpu_head = (struct hvm_save_descriptor){HVM_SAVE_CODE_CPU, 0, sizeof(c->cpu)};
    fill_cpu(b, &c->cpu);
    rc = xeno_domain_set_hvm_context(b->x, b->domid, c, sizeof(*c));
    free(c);
    return rc ? fail(b, "set its first context", rc) : 0;
}

static int start(struct build *b)
{
    long rc = b->cfg->start_paused ? 0 : xeno_domain_unpause(b->x, b->domid);

    return rc ? fail(b, "start it", rc) : 0;
}

int xeno_build_full(struct xeno *x, const struct xeno_build_config *cfg, struct xeno_built *out,
                    struct xeno_error *err)
{
    int (*const steps[])(struct build *) = {
        read_image,  make_plan,        check_memory, create,      make_console, populate,
        write_image, write_start_info, write_tables, set_context, start,
    };
    struct build b = {.x = x, .cfg = cfg, .err = err, .out = out};
    int rc = 0;

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(steps); i++) {
        rc = steps[i](&b);
    }
    if (rc && b.created) {
        xeno_domain_destroy(x, b.domid);
    }
    out->domid = b.domid;
    return rc;
}
