/* SPDX-License-Identifier: MIT */
/*
 * What the boot domain builds at boot: a dom0 that its command line names, or all that a launch description names.
 * Files are modules. What goes wrong is one line on the console.
 */
#include <stdlib.h>
#include <string.h>

#include "bootdom.h"
#include "common/format.h"
#include "libxeno/build.h"
#include "libxeno/launch.h"
#include "pvk/machine.h"
#include "pvk/modules.h"

#define DOM0_DEFAULT_MIB 256u
#define KEEP_FREE_MIB    8u

/* The arguments of a module: what follows its path and its name. */
static const char *module_arguments(const char *name)
{
    struct module m;

    for (unsigned int i = 0; module_get(i, &m); i++) {
        const char *second = strchr(m.cmdline, ' ');
        size_t n = strlen(name);

        if (second && strncmp(second + 1, name, n) == 0 &&
            (second[1 + n] == ' ' || second[1 + n] == '\0')) {
            return second[1 + n] ? second + 2 + n : "";
        }
    }
    return "";
}

/* As much of the machine as nobody said otherwise: all CPUs, and memory up to a bound. */
static void dom0_size(struct manager *m, struct xeno_build_config *cfg)
{
    struct xen_sysctl_physinfo phys;
    uint64_t free_mib = 0;

    cfg->vcpus = 1;
    if (xeno_physinfo(&m->x, &phys) == 0) {
        free_mib = (uint64_t)phys.free_pages >> 8;
        cfg->vcpus = phys.nr_cpus;
    }
    free_mib = free_mib > KEEP_FREE_MIB ? free_mib - KEEP_FREE_MIB : 1;
    cfg->memory_mib =
        cmdline_number("dom0-memory", free_mib < DOM0_DEFAULT_MIB ? free_mib : DOM0_DEFAULT_MIB);
    cfg->vcpus = (uint32_t)cmdline_number("dom0-vcpus", cfg->vcpus);
}

static int open_module(struct manager *m, struct cli *c, const char *what, const char *name,
                       const void **data, size_t *size)
{
    const struct xeno_transport *t = m->x.t;

    return t->file_open(t->ctx, name, data, size)
               ? cli_error(c, "boot", "%s=%s: there is no such module: hand the file to the hypervisor under that name", what, name)
               : 0;
}

static int build_dom0(struct manager *m, struct cli *c, struct xeno_build_config *cfg,
                      const char *ramdisk)
{
    struct dom0_vga_console_info screen;
    struct xeno_built built;
    struct xeno_error err;

    cfg->control = true;
    cfg->screen = screen_text(&screen) ? &screen : NULL;
    if (open_module(m, c, "dom0", cfg->kernel_name, &cfg->kernel, &cfg->kernel_size) ||
        (ramdisk[0] &&
         open_module(m, c, "dom0-initrd", ramdisk, &cfg->ramdisk, &cfg->ramdisk_size))) {
        return STATUS_FAILED;
    }
    return xeno_build(&m->x, cfg, &built, &err) ? cli_error(c, "boot", "%s", err.text) : 0;
}

int boot_dom0(struct manager *m, struct cli *c, const char *kernel)
{
    struct xeno_build_config cfg = {
        .name = "Domain-0", .kernel_name = kernel, .cmdline = module_arguments(kernel)};
    char ramdisk[128] = "";

    cmdline_value("dom0-initrd", ramdisk, sizeof(ramdisk));
    dom0_size(m, &cfg);
    return build_dom0(m, c, &cfg, ramdisk);
}

/* A module of a launch description as the transport's file_open() takes it: a name, or @N for the Nth module. */
static void module_path(const struct launch_module *module, char *path, size_t size)
{
    if (module->name) {
        format(path, size, "%s", module->name);
    } else if (module->index) {
        format(path, size, "@%u", module->index);
    } else {
        path[0] = '\0';
    }
}

static int launch_dom0(struct manager *m, struct cli *c, const struct launch_domain *l)
{
    struct xeno_build_config cfg = {.name = l->name, .vcpus = l->cpus, .memory_mib = l->memory_mib};
    char kernel[128], ramdisk[128];

    module_path(&l->kernel, kernel, sizeof(kernel));
    module_path(&l->ramdisk, ramdisk, sizeof(ramdisk));
    cfg.kernel_name = kernel;
    cfg.cmdline = l->cmdline ? l->cmdline : module_arguments(kernel);
    memcpy(cfg.uuid, l->uuid, sizeof(cfg.uuid));
    return build_dom0(m, c, &cfg, ramdisk);
}

static int launch_domu(struct manager *m, struct cli *c, const struct launch_domain *l)
{
    static struct domain_cfg cfg; /* large: not on a thread's stack */
    struct xeno_error err;

    memset(&cfg, 0, sizeof(cfg));
    format(cfg.name, sizeof(cfg.name), "%s", l->name);
    module_path(&l->kernel, cfg.kernel, sizeof(cfg.kernel));
    module_path(&l->ramdisk, cfg.ramdisk, sizeof(cfg.ramdisk));
    format(cfg.cmdline, sizeof(cfg.cmdline), "%s",
           l->cmdline ? l->cmdline : module_arguments(cfg.kernel));
    cfg.memory_mib = (int64_t)l->memory_mib;
    cfg.vcpus = l->cpus;
    cfg.on_reboot = ACTION_RESTART;
    cfg.domid = l->domid == LAUNCH_DOMID_ANY ? 0 : l->domid;
    memcpy(cfg.uuid_bytes, l->uuid, sizeof(cfg.uuid_bytes));
    return manager_create(m, &cfg, false, &err) ? cli_error(c, "boot", "%s", err.text) : 0;
}

static void launch_warning(void *ctx, const char *line)
{
    cli_error(ctx, "boot", "warning: %s", line);
}

int boot_launch(struct manager *m, struct cli *c, const char *name, bool *control)
{
    static struct launch l;
    struct xeno_error err;
    const void *tree;
    size_t size;
    int status = 0;

    *control = false;
    if (open_module(m, c, "launch", name, &tree, &size)) {
        return STATUS_FAILED;
    }
    if (launch_parse(&l, tree, size, launch_warning, c, &err)) {
        return cli_error(c, "boot", "%s: %s", name, err.text);
    }
    for (unsigned int i = 0; i < l.nr && status == 0; i++) {
        if (l.domain[i].capabilities & LAUNCH_CONTROL) {
            status = launch_dom0(m, c, &l.domain[i]);
            *control = true;
        } else {
            status = launch_domu(m, c, &l.domain[i]);
        }
    }
    launch_free(&l);
    return status;
}
