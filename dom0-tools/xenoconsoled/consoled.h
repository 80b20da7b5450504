/* SPDX-License-Identifier: MIT */
/*
 * xenoconsoled: the console of each domain that xeno has made, taken from its ring into a log of bounded size, from there to
 * any number of viewers, and to a pty. A byte is in the log before the ring's slot is given back, and noted so that a daemon
 * that was killed between the two neither loses nor repeats it.
 */
#ifndef XENOCONSOLED_CONSOLED_H
#define XENOCONSOLED_CONSOLED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/io/console.h>

#include "libxeno/linux/registry.h"
#include "libxeno/linux/transport.h"

/* In a file that is mapped: outlives the process. Positions count bytes from the domain's first. */
struct note {
    uint64_t base;      /* position of the log's first byte */
    uint64_t prev_base; /* and of the rotated log's; base: there is none */
    uint64_t size;      /* the log's size before the write in hand */
    uint32_t cons;      /* the ring's index before it */
    uint32_t pad;
};

struct history {
    int log, prev; /* -1: not there */
    uint64_t size; /* of the log */
    uint64_t limit;
    struct note *note;
    bool orphan; /* a younger domain has the name: no rotation any more */
    char path[160];
};

struct served {
    struct served *next;
    struct consoled *daemon;
    uint32_t domid, port;
    char name[DOMAIN_NAME_MAX];
    struct xencons_interface *ring; /* NULL: the domain has gone, viewers read the rest */
    struct history history;
    bool ready; /* its event has come */
    bool ended; /* it says nothing any more */
    bool there; /* the hypervisor has it, as of the last look */
    uint32_t flags;
    bool pty_awaited; /* input of the pty's will be told of */
    size_t allowance;
    int master, slave;
};

struct client {
    int fd;
    struct served *d; /* NULL: its request is still being read */
    uint64_t pos;
    size_t nr_request;
    char request[32 + DOMAIN_NAME_MAX];
    bool deaf; /* wants no more output */
    bool finished;
};

struct consoled {
    struct xeno_linux l;
    struct xeno x;
    struct xeno_store store;
    struct served *served;
    struct client *clients;
    size_t nr_clients;
    const char *service; /* the program to run when a domain has ended; NULL: none */
    uint64_t log_limit;
    bool use_virq, check_domains, service_wanted, stop;
    bool any_ready;  /* of those served; false: none is */
    bool sweep;      /* a domain has gone, or a viewer left one: some may have to be dropped */
    int service_pid; /* 0: none runs */
    uint64_t service_from; /* in ms: not before, for the last one was killed */
    int signals, listener;
    int ptys; /* an epoll of all ptys: a daemon with many domains looks at those alone that something was typed into */
};

/* ---- history.c: the log files of one domain. 0 or -errno ---- */
/* fresh: the domain begins; what is there belongs to an older one of the name. Else go on where a dead daemon stopped. */
int history_open(struct history *h, const char *name, uint32_t domid, uint64_t limit, bool fresh);
void history_close(struct history *h);
/* What a killed daemon had written and not taken from the ring yet: bytes to skip. */
uint32_t history_unfinished(const struct history *h, uint32_t cons, uint32_t prod);
void history_add(struct history *h, uint32_t cons, const char *text, size_t n);
/* From *pos on, which is moved up to the oldest byte there is; bytes read, 0: no more yet. */
size_t history_read(const struct history *h, uint64_t *pos, char *buf, size_t n);
void history_forget(uint32_t domid);

/* ---- served.c: domains ---- */
/* Its name may be NULL: it is looked for among all records. 0, or -1 with err. */
int served_attach(struct consoled *c, uint32_t domid, const char *name, bool fresh,
                  struct xeno_error *err);
struct served *served_find(struct consoled *c, uint32_t domid);
/* Take what there is, within the allowance. */
void served_drain(struct served *d);
void served_input(struct served *d, const char *text, size_t n);
/* How much the guest can be given now; it tells by an event when there is more room. */
size_t served_input_room(const struct served *d);
/* Take what was typed into ptys. */
void served_ptys_input(struct consoled *c);
/* Look which domains have ended or gone. True if one has newly ended. */
bool served_check(struct consoled *c);
/* Drop those that have gone and whom nobody reads. */
void served_sweep(struct consoled *c);
void served_all(struct consoled *c);
void served_tty_nodes(struct consoled *c);

/* ---- server.c: the socket ---- */
int server_open(void);
void server_accept(struct consoled *c);
/* Something to read on a client; room to write to it. */
void server_read(struct consoled *c, struct client *k);
void server_write(struct client *k);
/* No room for what it types: it is not to be polled for that, nor for its leaving. */
bool server_is_full(const struct client *k);
bool server_has_output(const struct client *k);
void server_sweep(struct consoled *c);

#endif
