/* SPDX-License-Identifier: MIT */
/*
 * Measures a xenstore daemon over its socket. For each number of domains on its input it makes that many domains' worth of
 * nodes (30 in a transaction, and one watch each), or, if there are as many already, prints what requests take, as lines
 * 'DOMAINS NAME MICROSECONDS'; then a line 'DOMAINS done'.
 * Invariant: each figure is the best of rounds of the same requests (others use this machine as well), each answered before
 * the next is sent, but for domain-in-one-go.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <xen/io/xs_wire.h>

#define ROUNDS     5
#define NODES      30
#define BATCH_ROOM 16384

static int fd, watcher;
static char reply[XENSTORE_PAYLOAD_MAX + 1];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int connect_to(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int s = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    if (s < 0 || connect(s, (struct sockaddr *)&a, sizeof(a))) {
        die(path);
    }
    return s;
}

static void send_bytes(int s, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = send(s, bytes, len, MSG_NOSIGNAL);

        if (n <= 0) {
            die("send");
        }
        bytes += n;
        len -= (size_t)n;
    }
}

static void receive_bytes(int s, void *bytes, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = recv(s, (char *)bytes + done, len - done, 0);

        if (n <= 0) {
            die("receive");
        }
        done += (size_t)n;
    }
}

static struct xsd_sockmsg receive(int s)
{
    struct xsd_sockmsg head;

    receive_bytes(s, &head, sizeof(head));
    if (head.len > XENSTORE_PAYLOAD_MAX) {
        die("a reply that is too long");
    }
    receive_bytes(s, reply, head.len);
    reply[head.len] = '\0';
    return head;
}

static size_t put(char *to, uint32_t type, uint32_t tx, const char *body, size_t len)
{
    struct xsd_sockmsg head = {.type = type, .tx_id = tx, .len = (uint32_t)len};

    memcpy(to, &head, sizeof(head));
    memcpy(to + sizeof(head), body, len);
    return sizeof(head) + len;
}

static void expect_reply(int s, uint32_t type)
{
    struct xsd_sockmsg head;

    do {
        head = receive(s);
    } while (head.type == XS_WATCH_EVENT && s != watcher);
    if (head.type != type) {
        fprintf(stderr, "request %u: %s\n", type, reply);
        exit(1);
    }
}

static void ask(int s, uint32_t type, uint32_t tx, const char *body, size_t len)
{
    char bytes[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];

    send_bytes(s, bytes, put(bytes, type, tx, body, len));
    expect_reply(s, type);
}

static uint32_t start(void)
{
    ask(fd, XS_TRANSACTION_START, 0, "", 1);
    return (uint32_t)strtoul(reply, NULL, 10);
}

static size_t node(char *body, unsigned int domain, unsigned int i)
{
    size_t len = (size_t)sprintf(body, "/local/domain/%u/device/vif/key-%u", domain, i) + 1;

    return len + (size_t)sprintf(body + len, "value %u", i);
}

static void domain_one_by_one(unsigned int domain)
{
    uint32_t tx = start();
    char body[128];

    for (unsigned int i = 0; i < NODES; i++) {
        ask(fd, XS_WRITE, tx, body, node(body, domain, i));
    }
    ask(fd, XS_TRANSACTION_END, tx, "T", 2);
}

static void domain_in_one_go(unsigned int domain)
{
    uint32_t tx = start();
    char bytes[BATCH_ROOM], body[128];
    size_t len = 0;

    for (unsigned int i = 0; i < NODES; i++) {
        len += put(bytes + len, XS_WRITE, tx, body, node(body, domain, i));
    }
    len += put(bytes + len, XS_TRANSACTION_END, tx, "T", 2);
    send_bytes(fd, bytes, len);
    for (unsigned int i = 0; i < NODES; i++) {
        expect_reply(fd, XS_WRITE);
    }
    expect_reply(fd, XS_TRANSACTION_END);
}

static void forget_domain(unsigned int domain)
{
    char body[64];

    ask(fd, XS_RM, 0, body, (size_t)sprintf(body, "/local/domain/%u", domain) + 1);
}

static void watch_domain(unsigned int domain)
{
    char body[128];
    size_t len = (size_t)sprintf(body, "/local/domain/%u/device", domain) + 1;

    len += (size_t)sprintf(body + len, "t") + 1;
    ask(watcher, XS_WATCH, 0, body, len);
    expect_reply(watcher, XS_WATCH_EVENT);
}

/* ---- the rows ---- */

static unsigned int scratch; /* a domain beside those that stay */

static void row_read(void)
{
    ask(fd, XS_READ, 0, "/local/domain/1/device/vif/key-7", 33);
}

static void row_write(void)
{
    ask(fd, XS_WRITE, 0, "/bench/node\0value", 17);
}

static void row_empty_tx(void)
{
    ask(fd, XS_TRANSACTION_END, start(), "T", 2);
}

static void row_rmw_tx(void)
{
    uint32_t tx = start();

    ask(fd, XS_READ, tx, "/bench/node", 12);
    ask(fd, XS_WRITE, tx, "/bench/node\0other", 17);
    ask(fd, XS_TRANSACTION_END, tx, "T", 2);
}

static void row_watch(void)
{
    char bytes[256];

    send_bytes(fd, bytes, put(bytes, XS_WRITE, 0, "/local/domain/1/device/x\0v", 26));
    expect_reply(watcher, XS_WATCH_EVENT);
    expect_reply(fd, XS_WRITE);
}

static void row_domain(void)
{
    domain_one_by_one(scratch);
}

static void row_domain_in_one_go(void)
{
    domain_in_one_go(scratch);
}

static void row_rm(void)
{
    forget_domain(scratch);
}

static void measure(unsigned int domains, const char *name, unsigned int times, void (*row)(void),
                    void (*before)(void), void (*after)(void))
{
    double best = 0;

    for (int r = 0; r < ROUNDS; r++) {
        double sum = 0;

        for (unsigned int i = 0; i < times; i++) {
            double from;

            if (before) {
                before();
            }
            from = now();
            row();
            sum += now() - from;
            if (after) {
                after();
            }
        }
        best = r == 0 || sum < best ? sum : best;
    }
    printf("%u %s %.2f\n", domains, name, best / times);
    fflush(stdout);
}

static void measure_all(unsigned int domains)
{
    scratch = domains + 1;
    measure(domains, "read", 100, row_read, NULL, NULL);
    measure(domains, "write", 100, row_write, NULL, NULL);
    measure(domains, "empty-transaction", 50, row_empty_tx, NULL, NULL);
    measure(domains, "read-write-transaction", 25, row_rmw_tx, NULL, NULL);
    measure(domains, "watch-fires", 50, row_watch, NULL, NULL);
    measure(domains, "domain-of-30-nodes", 3, row_domain, NULL, row_rm);
    measure(domains, "domain-in-one-go", 3, row_domain_in_one_go, NULL, row_rm);
    measure(domains, "rm-of-a-domain", 3, row_rm, row_domain_in_one_go, NULL);
}

static void done(unsigned int domains)
{
    printf("%u done\n", domains);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    unsigned int wanted, made = 0;

    if (argc != 2) {
        fputs("usage: xenstored_client SOCKET\n", stderr);
        return 2;
    }
    fd = connect_to(argv[1]);
    watcher = connect_to(argv[1]);
    ask(fd, XS_WRITE, 0, "/bench/node\0value", 17);
    while (scanf("%u", &wanted) == 1) {
        double from = now();

        if (wanted <= made) {
            measure_all(wanted);
            done(wanted);
            continue;
        }
        for (unsigned int first = made; made < wanted;) {
            domain_in_one_go(++made);
            watch_domain(made);
            if (made == wanted) {
                printf("%u fill %.2f\n", wanted, (now() - from) / (made - first));
            }
        }
        done(wanted);
    }
    return 0;
}
