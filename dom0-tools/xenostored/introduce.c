/* SPDX-License-Identifier: MIT */
/*
 * Domains come and go: XS_INTRODUCE and its kin, and what the hypervisor tells the daemon.
 * Invariant: what the host is asked to do comes last, when nothing of the scope can fail any more but itself.
 */
#include <string.h>

#include "xenostored/internal.h"

#include <stdio.h>

#define INTRODUCED 0u
#define RELEASED   1u

static int introduce(struct xs_store *store, uint16_t domid, int64_t frame, uint32_t port)
{
    struct xs_domain *domain;
    struct xs_conn *conn;
    bool again;
    int rc = xs_domain_get(store, domid, &domain);

    if (rc) {
        return rc;
    }
    again = domain->introduced;
    if (!domain->conn) {
        xs_ref ref = xs_conn_new(store, domid, XS_CONN_RING, domid == 0 ? XS_CONN_PRIVILEGED : 0);

        if (!ref) {
            return -ENOMEM;
        }
        XS_SET(store->arena, domain->conn, ref);
    }
    conn = xs_conn_at(store, domain->conn);
    /* A domain that is introduced again has a new kernel that knows of nothing. */
    while (again && xs_conn_strip(store, conn, true)) {
        if (!xs_reserve(store->arena)) {
            return -ENOSPC;
        }
    }
    XS_SET(store->arena, domain->introduced, true);
    XS_SET(store->arena, domain->shutdown, false);
    XS_SET(store->arena, domain->frame, frame);
    XS_SET(store->arena, domain->port, port);
    if (again) {
        xs_note(store->arena, &conn->out_bytes);
        XS_SET(store->arena, conn->nr_events, 0);
        XS_SET(store->arena, conn->out_done, 0);
        conn->out_bytes = 0;
        XS_SET(store->arena, conn->flags, (uint8_t)(conn->flags & ~XS_CONN_BROKEN));
    }
    rc = again ? 0 : xs_fire_special(store, INTRODUCED);
    if (rc == 0 && store->host && store->host->introduce) {
        rc = store->host->introduce(store, domain, conn);
    }
    return rc;
}

int xs_domain_introduce(struct xs_store *store, uint16_t domid, int64_t frame, uint32_t port)
{
    int rc = introduce(store, domid, frame, port);

    if (rc) {
        xs_rollback(store->arena);
    } else {
        xs_commit(store->arena);
    }
    return rc;
}

int xs_op_introduce(struct xs_call *call)
{
    const char *words[3];
    uint16_t domid;
    int64_t frame;
    int64_t port;
    int rc;

    if (xs_strings(call->payload, call->len, words, 3) != 3 || !xs_domid_parse(words[0], &domid) ||
        !xs_number_parse(words[1], &frame) || !xs_number_parse(words[2], &port) || port <= 0 ||
        port > INT32_MAX) {
        return -EINVAL;
    }
    rc = xs_reply_ok(call);
    return rc ? rc : introduce(call->view.store, domid, frame, (uint32_t)port);
}

/* The domain that the first of nr arguments names: -ENOENT if nobody introduced it. */
static int introduced(struct xs_call *call, const char *words[], unsigned int nr,
                      struct xs_domain **domain)
{
    uint16_t domid;

    if (xs_strings(call->payload, call->len, words, nr) != nr ||
        !xs_domid_parse(words[0], &domid)) {
        return -EINVAL;
    }
    *domain = xs_domain_find(call->view.store, domid);
    return *domain && (*domain)->introduced ? 0 : -ENOENT;
}

/* Everything that the store has for the domain goes. */
static int forget(struct xs_store *store, struct xs_domain *domain)
{
    struct xs_domain last = *domain;
    struct xs_conn *conn = xs_conn_at(store, domain->conn);
    int rc;

    if (conn) {
        /* Closed by xs_store_work(): its watches and transactions may be many. */
        XS_SET(store->arena, conn->flags, conn->flags | XS_CONN_BROKEN | XS_CONN_ENDED);
        XS_SET(store->arena, store->state->nr_ended, store->state->nr_ended + 1);
        XS_SET(store->arena, domain->conn, 0);
    }
    rc = xs_domain_drop(store, domain);
    rc = rc ? rc : xs_fire_special(store, RELEASED);
    if (rc == 0 && store->host && store->host->release) {
        store->host->release(store, &last);
    }
    return rc;
}

int xs_op_release(struct xs_call *call)
{
    const char *words[1];
    struct xs_domain *domain;
    int rc = introduced(call, words, 1, &domain);

    if (rc) {
        return rc;
    }
    if (domain->domid == 0) {
        return -EINVAL;
    }
    rc = xs_reply_ok(call);
    return rc ? rc : forget(call->view.store, domain);
}

int xs_op_resume(struct xs_call *call)
{
    const char *words[1];
    struct xs_domain *domain;
    int rc = introduced(call, words, 1, &domain);

    if (rc) {
        return rc;
    }
    if (domain->domid == 0) {
        return -EINVAL;
    }
    XS_SET(call->view.store->arena, domain->shutdown, false);
    return xs_reply_ok(call);
}

int xs_op_set_target(struct xs_call *call)
{
    struct xs_store *store = call->view.store;
    const char *words[2];
    struct xs_domain *domain;
    struct xs_domain *target;
    uint16_t domid;
    int rc = introduced(call, words, 2, &domain);

    if (rc) {
        return rc;
    }
    target = xs_domid_parse(words[1], &domid) ? xs_domain_find(store, domid) : NULL;
    if (!target || !target->introduced) {
        return target ? -ENOENT : -EINVAL;
    }
    XS_SET(store->arena, xs_conn_at(store, domain->conn)->target, domid);
    return xs_reply_ok(call);
}

int xs_op_is_introduced(struct xs_call *call)
{
    const char *text = xs_one_string(call->payload, call->len);
    const struct xs_domain *domain;
    int64_t number;
    bool is;

    if (!text || !xs_number_parse(text, &number)) {
        return -EINVAL;
    }
    domain = number >= 0 && number < XS_DOMIDS ? xs_domain_find(call->view.store, (uint16_t)number)
                                               : NULL;
    is = number == 0x7ff0 || (domain && domain->introduced); /* DOMID_SELF asks for itself */
    return xs_reply(call, is ? "T" : "F", 2);
}

int xs_op_get_domain_path(struct xs_call *call)
{
    const char *text = xs_one_string(call->payload, call->len);
    char path[32];
    int64_t domid;

    if (!text || !xs_number_parse(text, &domid) || domid < 0 || domid > UINT16_MAX) {
        return -EINVAL;
    }
    return xs_reply(call, path,
                    (size_t)snprintf(path, sizeof(path), "/local/domain/%u", (unsigned int)domid) +
                        1);
}

void xs_stranger_ended(struct xs_store *store)
{
    if (xs_fire_special(store, RELEASED) == 0) {
        xs_commit(store->arena);
    } else {
        xs_rollback(store->arena);
    }
}

void xs_domain_shut_down(struct xs_store *store, uint16_t domid)
{
    struct xs_domain *domain = xs_domain_find(store, domid);

    if (domain && domain->introduced && !domain->shutdown) {
        XS_SET(store->arena, domain->shutdown, true);
        xs_stranger_ended(store); /* all that is told is that somebody has */
    }
}

void xs_domain_gone(struct xs_store *store, uint16_t domid)
{
    struct xs_domain *domain = xs_domain_find(store, domid);

    if (domain && forget(store, domain) == 0) {
        xs_commit(store->arena);
    } else {
        xs_rollback(store->arena);
    }
}
