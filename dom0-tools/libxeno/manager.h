/* SPDX-License-Identifier: MIT */
/*
 * The domains that one control process looks after: names, configurations, consoles, and what is done when one ends.
 * Everything is guarded by the transport's lock; functions here take it, callbacks from events do not.
 * Invariant: an entry has a domid while its domain exists, and keeps its console log for a while after.
 */
#ifndef LIBXENO_MANAGER_H
#define LIBXENO_MANAGER_H

#include <stdbool.h>
#include <stdint.h>

#include "libxeno/build.h"
#include "libxeno/cfg/domain_cfg.h"
#include "libxeno/console_ring.h"
#include "libxeno/xeno.h"

#define DOMID_NONE UINT32_MAX

enum end_reason { END_NOT, END_POWEROFF, END_REBOOT, END_SUSPEND, END_CRASH, END_WATCHDOG, END_DESTROYED };

struct managed {
    struct managed *next;
    char name[DOMAIN_NAME_MAX];
    struct domain_cfg *cfg;         /* NULL: not read yet, manager_load() does; always there where the list is not shared */
    uint32_t domid;                 /* DOMID_NONE: it has ended, this is its record */
    uint32_t last_domid;            /* what it was */
    enum end_reason ended;          /* of a shared list: known after manager_load(), as are built and started */
    struct xencons_interface *ring; /* mapped, NULL if it has none or has ended */
    uint32_t console_port;          /* ours */
    struct console_log log;
    struct xeno_built built;
    int64_t started;                /* seconds since 1970; 0: not known */
    bool foreign;                   /* another tool made it: only its name and number are known */
    struct manager *manager;
};

/*
 * Where a control process is one of several, what it makes is written down for the others: these are called with the lock
 * held. NULL in struct manager: this process is the only one, and serves consoles itself.
 */
struct manager_shared {
    void *ctx;
    /* Make the manager's list what is written down and what the hypervisor has. */
    void (*refresh)(void *ctx, struct manager *m);
    /* Before one is made, instead of refresh() and for far less: false if a living domain may have the name, or something is left over that
     * refresh() would clear away. */
    bool (*name_is_free)(void *ctx, const char *name);
    /* Before the build: what the configuration leaves to the place (an identity, whole paths). 0, or -1 with err: something is missing here. */
    int (*prepare)(void *ctx, struct domain_cfg *cfg, struct xeno_error *err);
    /* Built, not started: write it down, make it known, have its console served. 0, or -1 with err: ended() undoes it. */
    int (*created)(void *ctx, struct managed *d, struct xeno_error *err);
    /* Built and known, with interfaces in its configuration: connect them. 0, or -1 with err: ended() undoes it. */
    int (*connect)(void *ctx, struct managed *d, struct xeno_error *err);
    /* All that comes before its start has been done: who is killed now leaves a domain that is whole. */
    void (*ready)(void *ctx);
    /* A start that follows an end is owed until it is made, whoever is killed between: of d, as it is now. */
    void (*owe)(void *ctx, const struct managed *d);
    /* A list of what is owed, NULL if nothing is; for manager_forget_list(). */
    struct managed *(*owed)(void *ctx);
    void (*paid)(void *ctx, uint32_t domid, const char *name);
    /* The entry has changed: configuration, how it ended, or its name, which was another; without a uuid it is given a new one. */
    void (*changed)(void *ctx, struct managed *d, const char *was);
    /* The domain is about to go, for the reason in d->ended (END_NOT: it does not, after all): write that down, so that it
     * outlives whoever does it. */
    void (*ending)(void *ctx, struct managed *d);
    /* d->last_domid is gone; keep: its record, with what ending() wrote, stays, else it never ran. */
    void (*ended)(void *ctx, struct managed *d, bool keep);
    /* All about an entry whose name and number alone are known so far. 0 or -1. */
    int (*load)(void *ctx, struct managed *d);
    /* Write a domain's memory into a file; NULL: not here. 0, or -1 with err. */
    int (*dump_core)(void *ctx, struct managed *d, struct xeno_error *err);
};

struct manager {
    struct xeno x;
    struct managed *list;           /* newest first */
    void (*console_changed)(void *ctx, struct managed *m); /* new output, or it has ended; may be NULL */
    void (*log)(void *ctx, const char *line);              /* what the service did on its own */
    /* Ask a domain to end ("poweroff", "reboot") through its xenstore; NULL where none runs. 0 or -1 with err. */
    int (*request_shutdown)(void *ctx, struct managed *d, const char *how, struct xeno_error *err);
    /* A store in this process: a domain was built and is not started yet (0, or -1 with err), or goes. May be NULL. */
    int (*store_built)(void *ctx, struct managed *d, struct xeno_error *err);
    void (*store_gone)(void *ctx, const struct managed *d);
    /*
     * A fully virtualized domain, or one with a disk, was built and is not started yet: give it a device model (0, or -1 with err); it
     * goes. NULL: this place has none, and such domains write to the hypervisor's log and have no disk.
     */
    int (*device_model)(void *ctx, struct managed *d, struct xeno_error *err);
    void (*device_model_gone)(void *ctx, const struct managed *d);
    const struct manager_shared *shared;
    void *ctx;
};

void manager_init(struct manager *m, const struct xeno_transport *t);

/* Read the files that the configuration names, build, attach the console. 0 or -1 with err. */
int manager_create(struct manager *m, const struct domain_cfg *cfg, bool paused, struct xeno_error *err);

/* Destroy a domain; its record stays. */
int manager_destroy(struct manager *m, uint32_t domid, struct xeno_error *err);

/* Give a domain another name. 0 or -1 with err. */
int manager_rename(struct manager *m, const char *from, const char *to, struct xeno_error *err);

/* Ask a domain to end. 0 or -1 with err. */
int manager_shutdown(struct manager *m, struct managed *d, const char *how, struct xeno_error *err);

/* By name or number: the entry of a living domain, NULL with err. A number of a domain that is not ours gives an error too. */
struct managed *manager_find(struct manager *m, const char *name, struct xeno_error *err);
/* By name: one that lives, or NULL. */
struct managed *manager_alive(struct manager *m, const char *name);
/* Read what is written about a domain, if it has not been: 0, or -1 if that cannot be read, or another tool made it. */
int manager_load(struct manager *m, struct managed *d);
/* By name, dead or alive, the newest. */
struct managed *manager_record(struct manager *m, const char *name);
/* A name for any domid. */
const char *manager_name(struct manager *m, uint32_t domid, char *buf, size_t size);

/* Bring the list up to date with what other processes have done. */
void manager_refresh(struct manager *m);
/* Forget every entry; the entries of another list; one. */
void manager_clear(struct manager *m);
void manager_forget_list(struct managed *list);
void manager_forget(struct managed *d);

/* Look for domains that have ended and do what their configurations say. Called when VIRQ_DOM_EXC comes. */
void manager_service(struct manager *m);

/* Type into a domain's console. */
void manager_console_input(struct managed *d, const char *text, size_t n);

const char *manager_end_text(enum end_reason r);

#endif
