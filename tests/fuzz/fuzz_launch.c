/* SPDX-License-Identifier: MIT */
/*
 * Arbitrary bytes as a launch description. The tree's header is repaired (magic, size) so that the fuzzer gets behind it;
 * what is accepted keeps the promises of launch.h.
 */
/* SOURCES: dom0-tools/libxeno/launch.c dom0-tools/libxeno/launch_tree.c dom0-tools/libxeno/error.c common/format.c */
/* LIBS: fdt */
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "libxeno/launch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned int warnings;

static void must(int ok)
{
    if (!ok) {
        abort();
    }
}

static void warn(void *ctx, const char *line)
{
    (void)ctx;
    must(strlen(line) < 320 && !strchr(line, '\n') && ++warnings <= LAUNCH_MAX_WARNINGS + 1);
}

static void check_module(const struct launch *l, const struct launch_module *m, size_t size)
{
    const char *tree = l->tree;

    if (m->name) {
        must(m->index == 0 && m->name >= tree && m->name < tree + size && memchr(m->name, 0, (size_t)(tree + size - m->name)));
    }
}

static void check(const struct launch *l, size_t size)
{
    unsigned int control = 0;

    must(l->nr >= 1 && l->nr <= LAUNCH_MAX_DOMAINS);
    for (unsigned int i = 0; i < l->nr; i++) {
        const struct launch_domain *d = &l->domain[i];

        must(d->name[0] && memchr(d->name, 0, sizeof(d->name)) && !strchr(d->name, ' ') && !strchr(d->name, '/'));
        must(d->memory_mib >= 1 && d->memory_mib <= 1ul << 24 && d->cpus >= 1 && d->cpus <= 128);
        must(d->kernel.name || d->kernel.index);
        must((d->domid == 0) == (d->capabilities & LAUNCH_CONTROL) && (d->domid < 0x7ff0 || d->domid == LAUNCH_DOMID_ANY));
        must(!d->cmdline || strlen(d->cmdline) <= 1023);
        check_module(l, &d->kernel, size);
        check_module(l, &d->ramdisk, size);
        control += d->domid == 0;
        for (unsigned int j = 0; j < i; j++) {
            must(strcmp(d->name, l->domain[j].name) != 0);
        }
    }
    must(control <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct launch launch;
    struct xeno_error err = {.text = ""};
    uint8_t *tree = malloc(size + 1);

    must(tree != NULL);
    memcpy(tree, data, size);
    if (size >= sizeof(struct fdt_header)) {
        fdt_set_magic(tree, FDT_MAGIC);
        fdt_set_totalsize(tree, (uint32_t)size);
        fdt_set_version(tree, 17);
        fdt_set_last_comp_version(tree, 16);
    }
    warnings = 0;
    if (launch_parse(&launch, tree, size, warn, NULL, &err) == 0) {
        check(&launch, size);
        launch_free(&launch);
    } else {
        must(err.text[0] && strlen(err.text) < sizeof(err.text) && !strchr(err.text, '\n'));
    }
    free(tree);
    return 0;
}
