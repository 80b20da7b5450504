/* SPDX-License-Identifier: MIT */
/*
 * A plugin of QEMU (TCG) that counts how often each instruction of kernels and hypervisors is executed; all of user mode is
 * one number. A program marks what is to be counted by instructions that do nothing (MARK_BEGIN, MARK_END, as in
 * tests/bench/linux/bench.h); without a first mark counting begins with the machine. Each end of a window prints its counts.
 * Invariant: a counter's address stays for good, for translated code adds to it. One CPU.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is used of QEMU's plugin interface, version 1. */
typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum {
    INLINE_ADD_U64 = 0
};
enum {
    NO_REGISTERS = 0
};
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t nr);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int op,
                                                void *counter, uint64_t more);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
                                            void (*fn)(unsigned int, void *), int flags,
                                            void *data);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
                                           void (*fn)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_atexit_cb(plugin_id id, void (*fn)(plugin_id, void *), void *data);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

/* nopl MARK(%rax): the displacement tells which. */
#define MARK_BYTES 7
static const uint8_t mark[3] = {0x0f, 0x1f, 0x80};
#define MARK_BEGIN 0x62656730u
#define MARK_END   0x62656731u

#define USER_END   (UINT64_C(1) << 47)
#define BUCKETS    (1u << 16)
#define CHUNK      4096u

struct counter {
    struct counter *next;   /* of its bucket */
    struct counter *older;  /* all of them */
    uint64_t address;       /* 0: all of user mode, and of what runs before a kernel */
    uint64_t total, before; /* before the window */
};

static struct counter *buckets[BUCKETS], *newest;
static FILE *out;
static bool open_window = true;

static struct counter *counter_of(uint64_t address)
{
    static struct counter *chunk;
    static unsigned int left;
    struct counter **head, *c;

    address = address < USER_END ? 0 : address;
    head = &buckets[(address ^ address >> 16) % BUCKETS];
    for (c = *head; c; c = c->next) {
        if (c->address == address) {
            return c;
        }
    }
    if (!left) {
        chunk = calloc(CHUNK, sizeof(*chunk));
        if (!chunk) {
            abort();
        }
        left = CHUNK;
    }
    c = &chunk[--left];
    c->address = address;
    c->next = *head;
    *head = c;
    c->older = newest;
    newest = c;
    return c;
}

static void begin(unsigned int cpu, void *unused)
{
    (void)cpu;
    (void)unused;
    for (struct counter *c = newest; c; c = c->older) {
        c->before = c->total;
    }
    open_window = true;
}

static void end(unsigned int cpu, void *unused)
{
    (void)cpu;
    (void)unused;
    if (!open_window) {
        return;
    }
    open_window = false;
    fprintf(out, "window\n");
    for (struct counter *c = newest; c; c = c->older) {
        if (c->total != c->before) {
            fprintf(out, "%" PRIx64 " %" PRIu64 "\n", c->address, c->total - c->before);
        }
    }
    fflush(out);
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        const uint8_t *bytes = qemu_plugin_insn_data(insn);
        uint32_t which = 0;

        qemu_plugin_register_vcpu_insn_exec_inline(
            insn, INLINE_ADD_U64, &counter_of(qemu_plugin_insn_vaddr(insn))->total, 1);
        if (qemu_plugin_insn_size(insn) == MARK_BYTES && !memcmp(bytes, mark, sizeof(mark))) {
            memcpy(&which, bytes + sizeof(mark), sizeof(which));
        }
        if (which == MARK_BEGIN || which == MARK_END) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, which == MARK_BEGIN ? begin : end,
                                                   NO_REGISTERS, NULL);
        }
    }
}

static void machine_ends(plugin_id id, void *unused)
{
    (void)id;
    end(0, unused);
    fclose(out);
}

/* Argument out=FILE; the rest is QEMU's description of itself, which is not looked at. */
__attribute__((visibility("default"))) int qemu_plugin_install(plugin_id id, const void *info,
                                                               int argc, char **argv)
{
    (void)info;
    if (argc != 1 || strncmp(argv[0], "out=", 4)) {
        fprintf(stderr, "count: one argument, out=FILE\n");
        return -1;
    }
    out = fopen(argv[0] + 4, "w");
    if (!out) {
        perror(argv[0] + 4);
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, machine_ends, NULL);
    return 0;
}
