/* SPDX-License-Identifier: MIT */
/* SOURCES: dom0-tools/device-model/dm.c dom0-tools/device-model/ata.c dom0-tools/device-model/uart.c */
/* SOURCES: dom0-tools/device-model/cmos.c dom0-tools/libxeno/error.c common/format.c common/string.c */
/*
 * The device model is killed before each of its stores, and another one takes over: the guest has the same answers and interrupts,
 * the console the same bytes and the disk the same contents as without. All that outlives a device model lies in memory that may not be
 * written to while it runs: each store is a fault, whose handler lets a successor go on from what it finds there, puts everything back
 * as it was, and has the store made.
 */
#define _GNU_SOURCE /* names of registers */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <xen/hvm/dm_op.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "common/ioreq_state.h"
#include "device-model/dm.h"

#define VCPUS      2u
#define SECTORS    3u
#define MAX_ROUNDS 440u
#define ROOM       3u /* of the console's ring at first: the rest is text that nobody has read yet */
#define COM1       0x3f8u
#define ATA        0x1f0u

/*
 * What the two CPUs ask at the same time, and what is typed; an access of no bytes is none, and one of many elements is INS or OUTS,
 * which writes the same value again and again.
 */
struct access {
    uint16_t port;
    uint8_t bytes;
    bool write;
    uint32_t value, count;
};
struct round {
    struct access of[VCPUS];
    const char *typed;
    bool killed; /* in here */
};

static struct round rounds[MAX_ROUNDS];
static unsigned int nr_rounds;

/* What the guest and the console see. */
struct seen {
    uint64_t answer[MAX_ROUNDS][VCPUS]; /* of INS: a sum of the elements */
    uint16_t lines[MAX_ROUNDS];
    char console[4096];
    uint32_t console_length;
    uint8_t medium[SECTORS][BLOCK_SECTOR];
};

/* All but the device model's own memory. */
struct world {
    struct dm_devices devices;
    struct xencons_interface ring;
    struct ioreq page[DM_MAX_VCPUS];
    struct seen seen;
    struct {
        bool out, notified;
        uint16_t number;
    } vcpu[VCPUS];
    unsigned int round;
    uint16_t lines;
    bool used, typed, told;
};

static struct world *world;
static bool killing; /* a device model runs that is killed */

static struct handler {
    void (*fn)(void *arg);
    void *arg;
} handler[VCPUS];

static void world_protect(bool on)
{
    ck_assert_int_eq(mprotect(world, sizeof(*world), on ? PROT_READ : PROT_READ | PROT_WRITE), 0);
}

/* ---- the hypervisor ---- */

/* Behind the slots, a sector for each vCPU. */
static uint32_t elements_at(unsigned int v)
{
    return VCPUS * (uint32_t)sizeof(struct ioreq) + v * BLOCK_SECTOR;
}

static void fill(unsigned int v)
{
    const struct access *a = &rounds[world->round].of[v];
    struct ioreq *slot = &world->page[v];

    *slot = (struct ioreq){.addr = a->port, .data = a->value, .count = 1, .size = a->bytes};
    if (a->count > 1) {
        slot->count = a->count;
        slot->data = elements_at(v);
        for (uint32_t i = 0; a->write && i < a->count; i++) {
            memcpy((uint8_t *)world->page + slot->data + (size_t)i * a->bytes, &a->value, a->bytes);
        }
    }
    ioreq_number_set(slot, world->vcpu[v].number);
    world->vcpu[v].notified = false;
    ioreq_state_set(slot, STATE_IOREQ_READY, a->write ? IOREQ_WRITE : IOREQ_READ);
}

static long do_dm_op(struct xen_dm_op *op)
{
    switch (op->op) {
    case XEN_DMOP_create_ioreq_server:
        if (world->used) {
            return -ENOSPC;
        }
        world->used = true;
        memset(world->page, 0, VCPUS * sizeof(struct ioreq));
        return 0;
    case XEN_DMOP_destroy_ioreq_server:
        world->used = false;
        return 0;
    case XEN_DMOP_set_ioreq_server_state:
        for (unsigned int v = 0; v < VCPUS; v++) {
            if (world->vcpu[v].out) {
                fill(v);
            }
        }
        return 0;
    case XEN_DMOP_nr_vcpus:
        op->u.nr_vcpus.vcpus = VCPUS;
        return 0;
    case XEN_DMOP_set_isa_irq_level:
        world->lines = (uint16_t)((world->lines & ~(1u << op->u.set_isa_irq_level.isa_irq)) |
                                  op->u.set_isa_irq_level.level << op->u.set_isa_irq_level.isa_irq);
        return 0;
    case XENOLITH_DMOP_send:
        world->told = true;
        return 0;
    default:
        return 0;
    }
}

static long dm_op(void *ctx, uint32_t domid, void *op, size_t size)
{
    long rc;

    (void)ctx;
    (void)domid;
    (void)size;
    world_protect(false);
    rc = do_dm_op(op);
    world_protect(killing);
    return rc;
}

static void *map_resource(void *ctx, uint32_t domid, uint32_t type, uint32_t id, uint64_t frame)
{
    (void)ctx;
    (void)domid;
    (void)type;
    (void)id;
    (void)frame;
    return world->page;
}

static void *map_foreign(void *ctx, uint32_t domid, const uint64_t *mfns, size_t nr)
{
    (void)ctx;
    (void)domid;
    (void)mfns;
    (void)nr;
    return &world->ring;
}

static void unmap_foreign(void *ctx, void *va, size_t nr)
{
    (void)ctx;
    (void)va;
    (void)nr;
}

static long event_bind(void *ctx, uint32_t domid, uint32_t remote_port, void (*fn)(void *arg),
                       void *arg)
{
    const struct dm_vcpu *v = arg;

    (void)ctx;
    (void)domid;
    (void)remote_port;
    handler[v->id].fn = fn;
    handler[v->id].arg = arg;
    return v->id + 1;
}

static void event_unbind(void *ctx, uint32_t port)
{
    (void)ctx;
    (void)port;
}

static void event_notify(void *ctx, uint32_t port)
{
    (void)ctx;
    world_protect(false);
    world->vcpu[port - 1].notified = true;
    world_protect(killing);
}

static const struct xeno_transport transport = {.dm_op = dm_op,
                                                .map_resource = map_resource,
                                                .map_foreign = map_foreign,
                                                .unmap_foreign = unmap_foreign,
                                                .event_bind = event_bind,
                                                .event_unbind = event_unbind,
                                                .event_notify = event_notify};

/* ---- the disk, which may be left half written ---- */

static int disk_read(void *ctx, uint64_t first, uint32_t nr, void *to)
{
    (void)ctx;
    memcpy(to, world->seen.medium[first], (size_t)nr * BLOCK_SECTOR);
    return 0;
}

static int disk_write(void *ctx, uint64_t first, uint32_t nr, const void *from)
{
    (void)ctx;
    memcpy(world->seen.medium[first], from, (size_t)nr * BLOCK_SECTOR);
    return 0;
}

static int disk_flush(void *ctx)
{
    (void)ctx;
    return 0;
}

static const struct block disk = {
    .sectors = SECTORS, .read = disk_read, .write = disk_write, .flush = disk_flush};

static uint64_t wall_seconds(void)
{
    return 0;
}

static void model_start(struct dm *dm)
{
    static struct xeno x = {.t = &transport};
    const struct dm_config cfg = {
        .domid = 1, .wall_seconds = wall_seconds, .disk = {&disk}, .devices = &world->devices};
    struct xeno_error err;

    ck_assert_int_eq(dm_start(dm, &x, &cfg, &err), 0);
}

/* ---- the guest's CPUs, and who reads the console ---- */

static void take_over(void);

static void model_runs(unsigned int v, bool killed)
{
    killing = killed;
    world_protect(killing);
    handler[v].fn(handler[v].arg);
    killing = false;
    world_protect(false);
    if (killed) {
        take_over();
    }
}

static void console_reads(void)
{
    struct xencons_interface *ring = &world->ring;
    struct seen *seen = &world->seen;

    while (world->told) {
        world->told = false;
        for (; ring->out_cons != ring->out_prod; ring->out_cons++) {
            ck_assert(seen->console_length < sizeof(seen->console));
            seen->console[seen->console_length++] = ring->out[ring->out_cons % sizeof(ring->out)];
        }
        model_runs(0, false);
    }
}

static void ask(const struct round *r)
{
    struct xencons_interface *ring = &world->ring;

    for (unsigned int v = 0; v < VCPUS; v++) {
        if (r->of[v].bytes && !world->vcpu[v].out) {
            world->vcpu[v].out = true;
            world->vcpu[v].number++;
            fill(v);
        }
    }
    for (const char *c = world->typed ? NULL : r->typed; c && *c; c++) {
        ring->in[ring->in_prod++ % sizeof(ring->in)] = *c;
    }
    world->typed = true;
}

static uint64_t result_of(const struct access *a, unsigned int v)
{
    const uint8_t *byte = (const uint8_t *)world->page + elements_at(v);
    uint64_t sum = 0;

    for (uint32_t i = 0; a->count > 1 && i < a->count * a->bytes; i++) {
        sum = sum * 31 + byte[i];
    }
    return a->count > 1 ? sum : world->page[v].data;
}

static void take_answers(const struct round *r)
{
    for (unsigned int v = 0; v < VCPUS; v++) {
        if (r->of[v].bytes) {
            ck_assert_msg(world->vcpu[v].notified &&
                              ioreq_state(&world->page[v]) == STATE_IORESP_READY,
                          "round %u: vCPU %u is not answered", world->round, v);
            world->seen.answer[world->round][v] = r->of[v].write ? 0 : result_of(&r->of[v], v);
            ioreq_state_set(&world->page[v], STATE_IOREQ_NONE, 0);
            world->vcpu[v].out = false;
        }
    }
}

static void play(bool killed)
{
    while (world->round < nr_rounds) {
        const struct round *r = &rounds[world->round];

        ask(r);
        for (unsigned int v = 0; v < VCPUS; v++) {
            model_runs(v, killed && r->killed);
        }
        take_answers(r);
        world->seen.lines[world->round] = world->lines;
        console_reads();
        world->typed = false;
        world->round++;
    }
}

/* ---- the kills ---- */

static void world_make(void)
{
    memset(world, 0, sizeof(*world));
    for (unsigned int i = 0; i < sizeof(world->seen.medium); i++) {
        world->seen.medium[i / BLOCK_SECTOR][i % BLOCK_SECTOR] = (uint8_t)(i * 7);
    }
    world->ring.out_cons = ROOM - (uint32_t)sizeof(world->ring.out);
}

static struct seen right; /* without a kill */
static unsigned int nr_kills;

/* The device model is killed now: does its successor bring the world to the same end? */
static void take_over(void)
{
    static struct world here;
    static struct dm successor;
    struct handler were[VCPUS];

    here = *world;
    memcpy(were, handler, sizeof(were));
    nr_kills++;
    model_start(&successor);
    play(false);
    ck_assert_msg(world->seen.console_length == right.console_length &&
                      memcmp(world->seen.console, right.console, right.console_length) == 0,
                  "killed in round %u: the console saw other bytes: %u of %u", here.round,
                  world->seen.console_length, right.console_length);
    for (unsigned int i = 0; i < nr_rounds; i++) {
        ck_assert_msg(memcmp(world->seen.answer[i], right.answer[i], sizeof(right.answer[i])) == 0,
                      "killed in round %u: other answers in round %u", here.round, i);
        ck_assert_msg(world->seen.lines[i] == right.lines[i],
                      "killed in round %u: other interrupts in round %u: %x, not %x", here.round, i,
                      world->seen.lines[i], right.lines[i]);
    }
    ck_assert_mem_eq(world->seen.medium, right.medium, sizeof(right.medium));
    *world = here;
    memcpy(handler, were, sizeof(were));
}

#define TRAP_FLAG 0x100

static void before_store(int signal, siginfo_t *info, void *context)
{
    ucontext_t *at = context;

    (void)signal;
    ck_assert_msg(killing && (char *)info->si_addr - (char *)world >= 0 &&
                      (char *)info->si_addr - (char *)world < (long)sizeof(*world),
                  "a store to %p", info->si_addr);
    killing = false;
    world_protect(false);
    take_over();
    at->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void behind_store(int signal, siginfo_t *info, void *context)
{
    ucontext_t *at = context;

    (void)signal;
    (void)info;
    at->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
    killing = true;
    world_protect(true);
}

/* All of it without a kill, and with one at each place. */
static void kill_everywhere(void)
{
    static const struct sigaction before = {.sa_sigaction = before_store,
                                            .sa_flags = SA_SIGINFO | SA_NODEFER},
                                  behind = {.sa_sigaction = behind_store, .sa_flags = SA_SIGINFO};
    static struct dm dm;

    model_start(&dm);
    play(false);
    right = world->seen;
    world_make();
    ck_assert(sigaction(SIGSEGV, &before, NULL) == 0 && sigaction(SIGTRAP, &behind, NULL) == 0);
    model_start(&dm);
    play(true);
    ck_assert_mem_eq(&world->seen, &right, sizeof(right));
}

static void add(struct access first, struct access second, const char *typed, bool killed)
{
    ck_assert_uint_lt(nr_rounds, MAX_ROUNDS);
    rounds[nr_rounds++] = (struct round){{first, second}, typed, killed};
}

static void setup(void)
{
    world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(world != MAP_FAILED);
    nr_rounds = nr_kills = 0;
    world_make();
}

#define NONE            ((struct access){0})
#define GET(port)       ((struct access){port, 1, false, 0, 1})
#define PUT(port, byte) ((struct access){port, 1, true, byte, 1})

START_TEST(serial_port_clock_and_power)
{
    add(PUT(COM1 + 4, 0x0b), PUT(0x70, 0x40), NULL, true);
    add(PUT(COM1 + 1, 3), PUT(0x71, 0x5a), NULL, true);
    add(GET(COM1 + 2), NONE, NULL, true); /* there is room, which is told once */
    add(GET(COM1 + 2), GET(0x71), NULL, true);
    add(PUT(COM1, 'a'), PUT(COM1, 'b'), NULL, true);
    add(PUT(COM1, 'c'), PUT(0xe9, 'd'), NULL, true);
    add(PUT(COM1, 'e'), GET(COM1 + 2), NULL, true);
    add(NONE, GET(COM1 + 5), "xyz", true);
    add(GET(COM1), GET(COM1), NULL, true);
    add(GET(COM1 + 5), GET(COM1), "0123456789abcdefghij", true); /* more than the FIFO takes */
    add(GET(COM1), GET(COM1 + 2), NULL, true);
    add(GET(COM1), GET(COM1), NULL, true);
    add(PUT(0xb002, 1), GET(0xb000), NULL, true);
    kill_everywhere();
    ck_assert_uint_eq(right.console_length, sizeof(world->ring.out) - ROOM + 5);
    ck_assert(memcmp(right.console + right.console_length - 5, "abcde", 5) == 0);
    ck_assert(right.answer[2][0] == 2 && right.answer[3][0] == 1 && right.answer[3][1] == 0x5a);
    ck_assert(right.answer[8][0] == 'x' && right.answer[8][1] == 'y' && right.answer[9][1] == 'z');
    ck_assert(right.answer[11][0] == '1' && right.answer[11][1] == '2');
    ck_assert_uint_gt(nr_kills, 500);
}
END_TEST

static void command(uint8_t what, uint8_t first, uint8_t nr)
{
    add(PUT(ATA + 6, 0xe0), PUT(COM1, 'd'), NULL, false);
    add(PUT(ATA + 2, nr), NONE, NULL, true);
    add(PUT(ATA + 3, first), NONE, NULL, false);
    add(PUT(ATA + 4, 0), NONE, NULL, false);
    add(PUT(ATA + 5, 0), NONE, NULL, false);
    add(PUT(ATA + 7, what), NONE, NULL, true);
    add(GET(ATA + 7), NONE, NULL, true);
}

START_TEST(disk_transfers)
{
    const unsigned int words = BLOCK_SECTOR / 4;
    unsigned int first_data;

    command(0x20, 0, 2);
    first_data = nr_rounds;
    for (unsigned int i = 0; i < 2 * words; i++) {
        add((struct access){ATA, 4, false, 0, 1}, NONE, NULL, i % words == words - 1);
    }
    command(0x30, 1, 1);
    for (unsigned int i = 0; i < words; i++) {
        add((struct access){ATA, 4, true, i * 0x01010101u, 1}, NONE, NULL, i % words == words - 1);
    }
    command(0x20, 0, 2);
    add((struct access){ATA, 2, false, 0, 3}, (struct access){COM1, 1, true, 's', 200}, NULL, true);
    add((struct access){ATA, 4, false, 0, 128}, NONE, NULL, true); /* across the sector's end */
    add((struct access){ATA, 2, false, 0, 253}, NONE, NULL, true);
    command(0x30, 2, 1);
    add((struct access){ATA, 2, true, 0x5aa5, 256}, NONE, NULL, true);
    kill_everywhere();
    ck_assert(right.medium[2][0] == 0xa5 && right.medium[2][511] == 0x5a);
    for (unsigned int i = 0; i < 2 * words; i++) {
        ck_assert_uint_eq(right.answer[first_data + i][0] & 0xff, (i * 4 * 7) & 0xff);
    }
    ck_assert(right.medium[0][4] == 28 && right.medium[1][4] == 1 && right.medium[1][511] == 127);
    ck_assert_uint_gt(nr_kills, 500);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dm_kill");
    TCase *tc = tcase_create("dm_kill");
    SRunner *r;
    int failed;

    tcase_set_timeout(tc, 300);
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_test(tc, serial_port_clock_and_power);
    tcase_add_test(tc, disk_transfers);
    suite_add_tcase(s, tc);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
