/* SPDX-License-Identifier: MIT */
/*
 * The list of domains: looking for one, by name or number, dead or alive. Of a list that is shared with other processes only names and
 * numbers are known, until more is asked for.
 */
#include <stdlib.h>

#include "common/compiler.h"
#include "common/format.h"
#include "common/string.h"
#include "libxeno/manager.h"

void manager_refresh(struct manager *m)
{
    if (m->shared) {
        m->shared->refresh(m->shared->ctx, m);
    }
}

const char *manager_end_text(enum end_reason r)
{
    static const char *const texts[] = {"", "shut down", "rebooted", "suspended", "crashed", "watchdog", "destroyed"};

    return (unsigned int)r < ARRAY_SIZE(texts) ? texts[r] : "ended";
}

void manager_forget(struct managed *d)
{
    free(d->log.buf);
    free(d->cfg);
    free(d);
}

void manager_forget_list(struct managed *list)
{
    while (list) {
        struct managed *next = list->next;

        manager_forget(list);
        list = next;
    }
}

void manager_clear(struct manager *m)
{
    manager_forget_list(m->list);
    m->list = NULL;
}

int manager_load(struct manager *m, struct managed *d)
{
    return d->cfg ? 0 : d->foreign || !m->shared ? -1 : m->shared->load(m->shared->ctx, d);
}

struct managed *manager_alive(struct manager *m, const char *name)
{
    struct managed *d = m->list;

    while (d && (d->domid == DOMID_NONE || strcmp(d->name, name) != 0)) {
        d = d->next;
    }
    return d;
}

struct managed *manager_record(struct manager *m, const char *name)
{
    struct managed *found = NULL;

    for (struct managed *d = m->list; d; d = d->next) {
        if (strcmp(d->name, name) != 0) {
            continue;
        }
        if (d->domid != DOMID_NONE) {
            return d;
        }
        if (found) { /* of those that have ended, whichever began last */
            manager_load(m, found);
            manager_load(m, d);
        }
        found = found && found->started >= d->started ? found : d;
    }
    return found;
}

struct managed *manager_find(struct manager *m, const char *name, struct xeno_error *err)
{
    struct managed *d = manager_alive(m, name);
    struct managed *record;
    unsigned long id;
    char *end;

    if (d) {
        return d;
    }
    id = strtoul(name, &end, 10);
    if (*name && !*end) {
        for (d = m->list; d; d = d->next) {
            if (d->domid == id) {
                return d;
            }
        }
    }
    record = manager_record(m, name);
    if (record) {
        manager_load(m, record);
        xeno_fail(err, "%s is not running (%s): see 'xeno console --log %s', or create it again", name, manager_end_text(record->ended),
                  name);
    } else {
        xeno_fail(err, "%s: no such domain: 'xeno list' shows those that there are", name);
    }
    return NULL;
}

const char *manager_name(struct manager *m, uint32_t domid, char *buf, size_t size)
{
    if (domid == m->x.t->own_domid) {
        return "Domain-0";
    }
    for (const struct managed *d = m->list; d; d = d->next) {
        if (d->domid == domid) {
            return d->name;
        }
    }
    format(buf, size, "(domain-%u)", domid);
    return buf;
}
