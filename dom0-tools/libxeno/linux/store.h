/* SPDX-License-Identifier: MIT */
/*
 * A small client of xenstored's socket for the tools: requests of one transaction are sent together and their replies read
 * together, so a domain's thirty nodes cost one exchange. A daemon that does not answer gives -ETIMEDOUT, not a hang.
 */
#ifndef LIBXENO_LINUX_STORE_H
#define LIBXENO_LINUX_STORE_H

#include <stddef.h>
#include <stdint.h>

struct xeno_store {
    int fd; /* -1: closed */
    uint32_t tx, next_id;
    unsigned int queued; /* requests whose replies have not been read */
    int failed;          /* -errno of the first queued request that failed */
    int broken; /* -errno that ended the connection: replies that come late belong to nobody */
    char *out;  /* what is to be sent */
    size_t out_bytes, out_room;
    char *in; /* what has been received and not been looked at: in[in_at .. in_end) */
    size_t in_at, in_end;
};

/* 0, or -errno: -ENOENT or -ECONNREFUSED when no daemon runs. Where one has died, the next one is waited for, or not. */
int store_open(struct xeno_store *s);
int store_open_now(struct xeno_store *s);
void store_close(struct xeno_store *s);

/* What an error of the connection means to people ("does not answer"); of a request: the error's own text. */
const char *store_error_text(int rc);

/* Between begin and commit all requests belong to one transaction. Commit: 0, -EAGAIN (again from begin), or an error. */
int store_begin(struct xeno_store *s);
int store_commit(struct xeno_store *s);

/* Queued: errors are told by store_flush() or store_commit(). perms: as the protocol has them, "n0" or "n0 r5". */
void store_write(struct xeno_store *s, const char *path, const char *value);
void store_mkdir(struct xeno_store *s, const char *path);
void store_perms(struct xeno_store *s, const char *path, const char *perms);
void store_rm(struct xeno_store *s, const char *path);
void store_introduce(struct xeno_store *s, uint32_t domid, uint64_t mfn, uint32_t port);
void store_watch(struct xeno_store *s, const char *path, const char *token);
/* Send what is queued and read the replies: 0 or the first error. */
int store_flush(struct xeno_store *s);

/* At once. The value, terminated, into buf: its length or -errno. */
long store_read(struct xeno_store *s, const char *path, char *buf, size_t size);
/* The names in a folder, each with its zero, into buf; as store_read(). */
long store_list(struct xeno_store *s, const char *path, char *buf, size_t size);
/*
 * Wait for one watch event; path into buf: its length or -errno. Further ones may have come with it, which poll() then does not
 * tell: after each the caller has to look at all that it watches for.
 */
long store_event(struct xeno_store *s, char *buf, size_t size);

#endif
