/* SPDX-License-Identifier: MIT */
/*
 * xeno device-model: start another device model for a domain whose own has died; without a domain, which there are. The domain has
 * waited at its next access to a device, and goes on there.
 */
#include <stdio.h>

#include "libxeno/linux/models.h"
#include "xeno/linux/place.h"

/* What a create that was killed has left of this domain; looked for once in a command. */
static const char *killed_create(uint32_t domid)
{
    static char name[DOMAIN_NAME_MAX], text[DOMAIN_NAME_MAX + 128];
    static uint32_t left;
    static bool looked;

    if (!looked) {
        looked = true;
        left = unfinished_left(place, name);
    }
    if (domid != left) {
        return NULL;
    }
    snprintf(text, sizeof(text),
             "left of a create of %s that was killed: it goes with the next create or destroy",
             name);
    return text;
}

const char *place_trouble(struct cli *c, uint32_t domid)
{
    int pid;

    (void)c;
    return model_state(domid, &pid) == MODEL_DIED
               ? "its device model has died and it waits: 'xeno device-model DOMAIN' starts another"
               : killed_create(domid);
}

static int list(struct cli *c, bool json)
{
    const char *before = "[";

    if (!json) {
        cli_print(c, "%-40s %5s %7s\n", "Name", "ID", "PID");
    }
    for (const struct managed *d = c->m->list; d; d = d->next) {
        char number[12];
        int pid;
        enum model_state s = d->domid == DOMID_NONE ? MODEL_NONE : model_state(d->domid, &pid);

        if (s == MODEL_NONE) {
            continue;
        }
        snprintf(number, sizeof(number), "%d", pid);
        if (json) {
            cli_print(c, "%s\n    {\"name\": ", before);
            cli_json_string(c, d->name);
            cli_print(c, ", \"domid\": %u, \"pid\": %s}", d->domid,
                      s == MODEL_RUNS ? number : "null");
            before = ",";
        } else {
            cli_print(c, "%-40s %5u %7s\n", d->name, d->domid, s == MODEL_RUNS ? number : "died");
        }
    }
    if (json) {
        cli_print(c, "%s\n]\n", *before == '[' ? before : "");
    }
    return 0;
}

int cmd_device_model(struct cli *c, int argc, char **argv)
{
    bool json = cli_flag(&argc, argv, "--json");
    struct xeno_error err;
    long domid;
    int pid;

    if (argc == 1) {
        return list(c, json);
    }
    if (argc != 2 || json) {
        return cli_usage(c, "device-model");
    }
    domid = cli_domid(c, "device-model", argv[1]);
    if (domid < 0) {
        return 1;
    }
    switch (model_state((uint32_t)domid, &pid)) {
    case MODEL_RUNS:
        return cli_error(c, "device-model", "%s has one already, process %d", argv[1], pid);
    case MODEL_NONE:
        return cli_error(c, "device-model", "%s needs none: it is paravirtualized and has no disk",
                         argv[1]);
    default:
        return model_start((uint32_t)domid, argv[1], &err)
                   ? cli_error(c, "device-model", "%s", err.text)
                   : 0;
    }
}
