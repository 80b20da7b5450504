/* SPDX-License-Identifier: MIT */
/* xeno rename, mem-max, trigger, debug-keys: one request each. */
#include "common/compiler.h"
#include "common/errno.h"
#include "common/string.h"
#include "xeno/xeno_cli.h"

int cmd_rename(struct cli *c, int argc, char **argv)
{
    struct xeno_error err;

    if (argc != 3) {
        return cli_usage(c, "rename");
    }
    return manager_rename(c->m, argv[1], argv[2], &err) ? cli_error(c, "rename", "%s", err.text) : 0;
}

int cmd_mem_max(struct cli *c, int argc, char **argv)
{
    int64_t kib;
    long domid, rc;

    if (argc != 3) {
        return cli_usage(c, "mem-max");
    }
    domid = cli_domid(c, "mem-max", argv[1]);
    kib = domid < 0 ? -1 : cli_memory_kib(c, "mem-max", argv[2]);
    if (kib < 0) {
        return 1;
    }
    rc = xeno_domain_max_mem(&c->m->x, (uint32_t)domid, (uint64_t)kib);
    return rc ? cli_error(c, "mem-max", "%s: %s", argv[1], xeno_errno_text(rc)) : 0;
}

/* In the order of their numbers (ABI: domctl.h XEN_DOMCTL_SENDTRIGGER_*). */
static const char *const triggers[] = {"nmi", "reset", "init", "power", "sleep"};

int cmd_trigger(struct cli *c, int argc, char **argv)
{
    uint32_t trigger = 0;
    long domid, vcpu, rc;

    if (argc != 3 && argc != 4) {
        return cli_usage(c, "trigger");
    }
    while (trigger < ARRAY_SIZE(triggers) && strcmp(triggers[trigger], argv[2]) != 0) {
        trigger++;
    }
    if (trigger == ARRAY_SIZE(triggers)) {
        return cli_usage(c, "trigger");
    }
    domid = cli_domid(c, "trigger", argv[1]);
    vcpu = domid < 0 ? -1 : argc == 4 ? cli_number(c, "trigger", argv[3], 127) : 0;
    if (vcpu < 0) {
        return 1;
    }
    rc = xeno_domain_trigger(&c->m->x, (uint32_t)domid, trigger, (uint32_t)vcpu);
    if (rc == -ESRCH) {
        return cli_error(c, "trigger", "%s has no vCPU %ld: see 'xeno vcpu-list %s'", argv[1], vcpu, argv[1]);
    }
    return rc ? cli_error(c, "trigger", "%s: %s: a PV domain takes nmi only", argv[1], xeno_errno_text(rc)) : 0;
}

int cmd_debug_keys(struct cli *c, int argc, char **argv)
{
    long rc;

    if (argc != 2 || !*argv[1]) {
        return cli_usage(c, "debug-keys");
    }
    rc = xeno_debug_keys(&c->m->x, argv[1], (uint32_t)strlen(argv[1]));
    return rc ? cli_error(c, "debug-keys", "%s", xeno_errno_text(rc)) : 0;
}
