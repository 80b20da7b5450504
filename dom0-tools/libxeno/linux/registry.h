/* SPDX-License-Identifier: MIT */
/*
 * What the processes of a Linux control domain share about domains: one file each under /run/xeno/domains while it lives and
 * under /run/xeno/ended afterwards, and the nodes in xenstore where a xenstored runs. A file is replaced whole, never changed,
 * and only by the holder of the transport's lock; readers need no lock. Names are those of the files (records.c).
 */
#ifndef LIBXENO_LINUX_REGISTRY_H
#define LIBXENO_LINUX_REGISTRY_H

#include "libxeno/linux/store.h"
#include "libxeno/linux/transport.h"
#include "libxeno/manager.h"

#define REGISTRY_LIVING XENO_RUN_DIR "/domains"
#define REGISTRY_ENDED  XENO_RUN_DIR "/ended"
#define REGISTRY_OWED   XENO_RUN_DIR "/owed" /* of those that are to start again */
#define CONSOLE_SOCKET  XENO_RUN_DIR "/console.sock"
#define CORE_FILES      "/var/lib/xen/dump" /* where xl's documentation says that they are */
#define CONSOLE_LOGS    "/var/log/xeno/console"

struct registry {
    struct manager_shared shared;
    struct xeno_linux *l;
    struct manager *m;
    struct xeno_store store;
    bool store_tried;
};

/* The first line of a domain's file and what it is called; the rest is its configuration in the xl.cfg grammar. */
struct registry_head {
    uint32_t domid, ended, console_port, store_port;
    uint64_t console_mfn, store_mfn;
    int64_t started;
    char name[DOMAIN_NAME_MAX];
};

/* Give the manager a list that is shared with other processes. */
void registry_init(struct registry *r, struct xeno_linux *l, struct manager *m);
void registry_close(struct registry *r);

/* Another configuration for the domain's next start; its name and identity stay. 0, or -1 with err. */
int registry_update(struct registry *r, uint32_t domid, struct domain_cfg *cfg,
                    struct xeno_error *err);
/*
 * Do something to a living domain, and write down what its configuration is then (not that of another tool's). The lock is held. 0, or
 * -1 with err, which may be change()'s.
 */
int registry_change(struct registry *r, uint32_t domid,
                    int (*change)(void *ctx, struct managed *d, struct xeno_error *err), void *ctx,
                    struct xeno_error *err);

/* The connection to xenstored, NULL where none runs. */
struct xeno_store *registry_store(struct registry *r);

/* Domains of other tools have their names in xenstore only. */
bool registry_foreign_name(struct registry *r, uint32_t domid, char name[DOMAIN_NAME_MAX]);
/* struct manager_shared's; with the lock held. */
bool registry_name_is_free(void *ctx, const char *name);

/* A living domain's file: 0 or -errno; free(*text). */
int registry_read(uint32_t domid, struct registry_head *h, char **text);

/* ---- records.c: the files of a folder. 0 or -errno ---- */
/* Those that are there at one moment, in any order. */
int record_each(const char *dir, void (*fn)(void *ctx, uint32_t domid, const char *name),
                void *ctx);
int record_read(const char *dir, uint32_t domid, const char *name, struct registry_head *h,
                char **text);
/* A domain's file as it is to be; was: the name in the file that there is, its own if there is none. */
int record_write(const char *dir, const struct managed *d, const char *was);
void record_forget(const char *dir, uint32_t domid, const char *name);
/* When it was written, in ns; 0: it is not there. */
int64_t record_time(const char *dir, uint32_t domid, const char *name);

/* ---- unfinished.c: what a tool was about, should it be killed; with the lock held ---- */
/* A domain is being built; it is built. */
void unfinished_begin(const struct domain_cfg *cfg);
void unfinished_end(void);
/* Somebody was building one. */
bool unfinished_is_there(void);
/* The domain that somebody was building, by the identity and the list; told once. DOMID_NONE. */
uint32_t unfinished_domain(struct manager *m);
/* For whoever looks, without the lock: such a domain that nobody goes on with, and what it was to be called. DOMID_NONE. */
uint32_t unfinished_left(struct registry *r, char name[DOMAIN_NAME_MAX]);

/*
 * Ask xenoconsoled: one line each way. 0 ("ok" or "ok WORD" in reply), -errno where it does not run, -EPROTO with what it
 * says instead. fd: the connection, kept open if not NULL.
 */
int console_request(const char *line, char *reply, size_t size, int *fd);

/* The nodes of one domain as xl writes them. 0 or -errno. */
int nodes_create(struct xeno_store *s, const struct managed *d, const char *console_type,
                 const char *tty);
/* Of these the name and the uuid, which have changed; sent with the next request that waits. */
void nodes_identity(struct xeno_store *s, const struct managed *d);
int nodes_remove(struct xeno_store *s, uint32_t domid, const char *uuid);

/* Folders of the store that belong to domains which the hypervisor does not have: the first of them, and how many there are. */
#define STALE_MOST 64u
struct stale {
    unsigned int nr;
    char path[STALE_MOST][64];
};
/* 0 or -errno of the store. */
int stale_find(struct xeno *x, struct xeno_store *s, struct stale *found);
/* Take them out, and what they point to in /vm. */
void stale_remove(struct xeno_store *s, const struct stale *found);

#endif
