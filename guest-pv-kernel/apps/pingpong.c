/* SPDX-License-Identifier: MIT */
/*
 * Two domains, one page, one event channel: how many round trips a second. One domain listens (grants the page, opens the
 * port), the other connects; without a second domain it plays both ends. The page holds two counters that must follow each other.
 *   pingpong self [n=20000]    pingpong listen peer=DOMID    pingpong connect peer=DOMID [ref=R port=P] [n=20000]
 * The listener prints ref and port, and writes them to data/pingpong in xenstore if it has one; the other end looks there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pvk/clock.h"
#include "pvk/machine.h"
#include "pvk/memory.h"
#include "pvk/pv/domain.h"
#include "pvk/pv/events.h"
#include "pvk/pv/grants.h"
#include "pvk/pv/xenbus.h"
#include "pvk/thread.h"

/* The shared page. Each side writes its own counter only. */
struct court {
    uint64_t ping; /* by the client */
    uint64_t pong; /* by the listener: the last ping that it has seen */
    uint64_t done; /* by the client: no more pings */
};

struct player {
    struct court *court;
    uint32_t port;
    struct wait_queue queue;
    unsigned peer;
    char text[48]; /* of the listener: its reference and port */
};

/* Where the listener's page and port are. */
struct address {
    uint32_t ref;
    uint32_t port;
};

#define RETRY_NS (100 * NS_PER_MS)
#define RETRIES  100

static uint64_t load(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

static void store(uint64_t *counter, uint64_t value)
{
    __atomic_store_n(counter, value, __ATOMIC_RELEASE);
}

/* The listener answers in the event handler: no thread has to run for it. */
static void on_ping(uint32_t port, void *arg)
{
    struct player *p = arg;
    uint64_t ping = load(&p->court->ping);

    if (ping != p->court->pong) {
        store(&p->court->pong, ping);
        event_send(port);
    }
    if (load(&p->court->done) != 0) {
        wait_queue_wake(&p->queue);
    }
}

static void on_pong(uint32_t port, void *arg)
{
    struct player *p = arg;

    (void)port;
    wait_queue_wake(&p->queue);
}

static int play(struct player *p, uint64_t rounds)
{
    uint64_t start = clock_ns();
    uint64_t ns;

    for (uint64_t i = 1; i <= rounds; i++) {
        store(&p->court->ping, i);
        event_send(p->port);
        if (!wait_until(&p->queue, load(&p->court->pong) == i, clock_ns() + 10 * NS_PER_S)) {
            printf("pingpong: no answer to round %lu\n", i);
            return 1;
        }
    }
    ns = clock_ns() - start;
    store(&p->court->done, 1);
    event_send(p->port);
    printf("pingpong: %lu round trips, %lu ns each, %lu/s\n", rounds, ns / rounds,
           rounds * NS_PER_S / (ns + 1));
    return 0;
}

/* In a thread: a domain may have a store ring and no store behind it, and then this waits for ever. */
static void advertise(void *player)
{
    struct player *p = player;
    int rc = xenbus_write(XENBUS_NO_TX, "data/pingpong", p->text);

    /* A store forgets rights of a domain that is not there yet: the peer gets them again until it has found us. */
    while (rc == 0 && load(&p->court->ping) == 0) {
        rc = xenbus_share(XENBUS_NO_TX, "data/pingpong", p->peer);
        thread_sleep_ns(RETRY_NS);
    }
    if (rc != 0) {
        puts("pingpong: cannot write data/pingpong; use the numbers above");
    }
}

/* Make page and port for the peer. */
static int serve(struct player *p, unsigned peer, struct address *address)
{
    struct thread *t = NULL;
    long ref;
    long port;

    p->court = page_alloc(0);
    wait_queue_init(&p->queue);
    ref = p->court == NULL ? -1 : grant_page(peer, p->court, false);
    port = event_alloc_unbound(peer, on_ping, p);
    if (ref < 0 || port < 0) {
        printf("pingpong: cannot grant a page (%ld) or open a port (%ld) to domain %u\n", ref, port,
               peer);
        return 1;
    }
    p->port = (uint32_t)port;
    *address = (struct address){(uint32_t)ref, (uint32_t)port};
    printf("pingpong: listening for domain %u, ref=%ld port=%ld\n", peer, ref, port);
    p->peer = peer;
    snprintf(p->text, sizeof(p->text), "%ld %ld", ref, port);
    if (xenbus_present()) {
        t = thread_create("advertise", advertise, p);
    }
    if (t != NULL) {
        thread_detach(t);
    }
    return 0;
}

/* From the command line, or from the listener's place in the store. */
static bool find(unsigned peer, struct address *address)
{
    char path[48];
    char *value;
    char *end;
    size_t len;

    address->ref = (uint32_t)cmdline_number("ref", 0);
    address->port = (uint32_t)cmdline_number("port", 0);
    if (address->ref != 0 && address->port != 0) {
        return true;
    }
    snprintf(path, sizeof(path), "/local/domain/%u/data/pingpong", peer);
    if (xenbus_read(XENBUS_NO_TX, path, &value, &len) != 0) {
        return false;
    }
    address->ref = (uint32_t)strtoul(value, &end, 10);
    address->port = (uint32_t)strtoul(end, NULL, 10);
    free(value);
    return address->port != 0;
}

static int connect(struct player *p, unsigned peer, const struct address *address,
                   struct grant_mapping *mapping)
{
    long port;
    int rc = grant_map(peer, address->ref, false, mapping);

    if (rc != 0) {
        return rc;
    }
    p->court = mapping->va;
    wait_queue_init(&p->queue);
    port = event_bind_interdomain(peer, address->port, on_pong, p);
    if (port < 0) {
        grant_unmap(mapping);
        return (int)port;
    }
    p->port = (uint32_t)port;
    return 0;
}

static int run_client(unsigned peer, const struct address *known, uint64_t rounds)
{
    struct player client = {0};
    struct grant_mapping mapping;
    struct address address;
    int rc = -1;

    /* The listener may not be there yet, and there is nothing to wait on until there is a channel. */
    for (unsigned i = 0; i < RETRIES && rc != 0; i++) {
        if (known != NULL || find(peer, &address)) {
            rc = connect(&client, peer, known != NULL ? known : &address, &mapping);
        }
        if (rc != 0) {
            thread_sleep_ns(RETRY_NS);
        }
    }
    if (rc != 0) {
        printf("pingpong: domain %u does not listen (%s): give ref= and port= as it prints them\n",
               peer, strerror(-rc));
        return 1;
    }
    rc = play(&client, rounds);
    event_close(client.port);
    grant_unmap(&mapping);
    return rc;
}

static int usage(void)
{
    puts(
        "usage: pingpong self [n=N] | listen peer=DOMID | connect peer=DOMID [ref=R port=P] [n=N]");
    return 2;
}

int main(int argc, char **argv)
{
    uint64_t rounds = cmdline_number("n", 20000);
    unsigned peer = (unsigned)cmdline_number("peer", ~0u);
    const char *role = argc > 1 ? argv[1] : "";
    struct player listener = {0};
    struct address address;
    int self;

    if (rounds == 0) {
        return usage();
    }
    if (strcmp(role, "connect") == 0 && peer != ~0u) {
        return run_client(peer, NULL, rounds);
    }
    if (strcmp(role, "listen") == 0 && peer != ~0u) {
        if (serve(&listener, peer, &address) != 0) {
            return 1;
        }
        wait_until(&listener.queue, load(&listener.court->done) != 0, 0);
        printf("pingpong: answered %lu pings\n", load(&listener.court->pong));
        return 0;
    }
    if (strcmp(role, "self") == 0) {
        self = domain_id();
        if (self < 0 || serve(&listener, (unsigned)self, &address) != 0) {
            return 1;
        }
        return run_client((unsigned)self, &address, rounds);
    }
    return usage();
}
