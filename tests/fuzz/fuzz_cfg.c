/* SPDX-License-Identifier: MIT */
/*
 * Arbitrary text as a domain's configuration: parsed, extended by the same text again (as words of a command line are), read
 * by the schema. Messages are one terminated line; what is accepted keeps the schema's promises.
 */
/* SOURCES: dom0-tools/libxeno/cfg/cfg.c dom0-tools/libxeno/cfg/domain_cfg.c dom0-tools/libxeno/cfg/disk_cfg.c dom0-tools/libxeno/cfg/vif_cfg.c common/format.c */
#include <stdlib.h>
#include <string.h>

#include "libxeno/cfg/domain_cfg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
    if (!ok) {
        abort();
    }
}

static void one_line(const char *text, size_t size)
{
    must(memchr(text, '\0', size) != NULL && strchr(text, '\n') == NULL);
}

static void warn(void *ctx, const char *line)
{
    (void)ctx;
    one_line(line, 256);
}

static void check(const struct domain_cfg *d)
{
    must(d->name[0] && memchr(d->name, 0, sizeof(d->name)) && !strchr(d->name, ' ') && !strchr(d->name, '/'));
    must(d->kernel[0] && memchr(d->kernel, 0, sizeof(d->kernel)) && memchr(d->ramdisk, 0, sizeof(d->ramdisk)));
    must(memchr(d->cmdline, 0, sizeof(d->cmdline)) != NULL);
    must(d->memory_mib >= 1 && d->memory_mib <= 1l << 24 && d->vcpus >= 1 && d->vcpus <= 128);
    must(d->nr_vifs <= DOMAIN_VIFS);
    for (uint32_t i = 0; i < d->nr_vifs; i++) {
        must(d->vif[i].devid >= 0 && d->vif[i].devid < DOMAIN_VIF_NUMBERS && memchr(d->vif[i].mac, 0, sizeof(d->vif[i].mac)));
        must(!strchr(d->vif[i].bridge, '/') && !strchr(d->vif[i].vifname, '/'));
    }
    must(d->cpu_weight >= 0 && d->cpu_weight <= 65535 && d->cap >= 0);
    must(d->on_crash <= ACTION_RESTART && d->on_reboot <= ACTION_RESTART && d->on_poweroff <= ACTION_RESTART);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct domain_cfg d;
    char err[320] = "";
    struct cfg c;

    if (cfg_parse(&c, "f", (const char *)data, size, err, sizeof(err))) {
        must(err[0] != '\0');
        one_line(err, sizeof(err));
        return 0;
    }
    if (domain_cfg_read(&c, &d, warn, NULL, err, sizeof(err)) == 0) {
        check(&d);
    } else {
        must(err[0] != '\0');
        one_line(err, sizeof(err));
    }
    if (cfg_parse_more(&c, "command line", (const char *)data, size, err, sizeof(err)) == 0 &&
        domain_cfg_read(&c, &d, warn, NULL, err, sizeof(err)) == 0) {
        check(&d);
    }
    one_line(err, sizeof(err));
    cfg_free(&c);
    return 0;
}
