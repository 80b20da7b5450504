/* SPDX-License-Identifier: MIT */
/* xeno pause, unpause, destroy, shutdown, reboot. */
#include "common/string.h"
#include "xeno/xeno_cli.h"

static int one_domain(struct cli *c, int argc, char **argv, long (*op)(struct xeno *x, uint32_t domid), const char *what)
{
    long domid, rc;

    if (argc != 2) {
        return cli_usage(c, argv[0]);
    }
    domid = cli_domid(c, what, argv[1]);
    if (domid < 0) {
        return 1;
    }
    rc = op(&c->m->x, (uint32_t)domid);
    return rc ? cli_error(c, what, "%s: %s", argv[1], xeno_errno_text(rc)) : 0;
}

int cmd_pause(struct cli *c, int argc, char **argv)
{
    return argc == 2 ? one_domain(c, argc, argv, xeno_domain_pause, "pause") : cli_usage(c, "pause");
}

int cmd_unpause(struct cli *c, int argc, char **argv)
{
    return argc == 2 ? one_domain(c, argc, argv, xeno_domain_unpause, "unpause") : cli_usage(c, "unpause");
}

int cmd_destroy(struct cli *c, int argc, char **argv)
{
    int i = argc > 1 && strcmp(argv[1], "-f") == 0 ? 2 : 1;
    struct xeno_error err;

    if (i >= argc) {
        return cli_usage(c, "destroy");
    }
    for (; i < argc; i++) {
        long domid = cli_domid(c, "destroy", argv[i]);

        if (domid < 0) {
            return 1;
        }
        if (manager_destroy(c->m, (uint32_t)domid, &err)) {
            return cli_error(c, "destroy", "%s", err.text);
        }
    }
    return 0;
}

static bool has_ended(struct cli *c, uint32_t domid)
{
    struct xen_domctl_getdomaininfo info;

    return xeno_domain_info(&c->m->x, domid, &info) || (info.flags & (XEN_DOMINF_shutdown | XEN_DOMINF_dying));
}

/* -w: until it has ended, however long that takes; Ctrl-C is the terminal's matter. */
int cmd_shutdown(struct cli *c, int argc, char **argv)
{
    int i = 1;
    bool wait = false;
    struct xeno_error err;
    struct managed *d;
    uint32_t domid;

    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "-w") != 0 && strcmp(argv[i], "-F") != 0) {
            return cli_usage(c, "shutdown");
        }
        wait = wait || !strcmp(argv[i], "-w");
    }
    if (i + 1 != argc) {
        return cli_usage(c, "shutdown");
    }
    d = manager_find(c->m, argv[i], &err);
    if (!d || manager_shutdown(c->m, d, "poweroff", &err)) {
        return cli_error(c, "shutdown", "%s", err.text);
    }
    domid = d->domid;
    while (wait && !has_ended(c, domid)) {
        char buf[16];

        if (c->io->wait_input(c->io->ctx, buf, sizeof(buf)) > 0 && memchr(buf, 3, sizeof(buf))) {
            return 1;
        }
    }
    return 0;
}

int cmd_reboot(struct cli *c, int argc, char **argv)
{
    struct xeno_error err;
    struct managed *d;

    if (argc != 2) {
        return cli_usage(c, "reboot");
    }
    d = manager_find(c->m, argv[1], &err);
    return !d || manager_shutdown(c->m, d, "reboot", &err) ? cli_error(c, "reboot", "%s", err.text) : 0;
}
