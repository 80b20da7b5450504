/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the hypercall fuzzer share: the sandbox, which is all that a call may change for good, and the makers of
 * arguments. Invariant: no argument lets the hypervisor change this kernel's own frames, tables or entry points in a way that
 * is not undone right after the call; whatever else the domain owns is fair game.
 */
#ifndef HYPERCALL_FUZZ_H
#define HYPERCALL_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/grant_table.h>

#define NR_FUZZERS     2u
#define SANDBOX_FRAMES 64u
#define SANDBOX_WINDOW 16u  /* pages of addresses, in one L1 table */
#define SANDBOX_SLOT   300u /* of the running L4: its entry comes and goes */
#define IN_PAGES       8u
#define MAP_LOG        16u
#define KEPT_PORTS     64u /* ports below may be the kernel's */
#define VCPU_BOUNCED   2u  /* goes up and down; those above are initialised and never started */
#define VCPU_SPARE     3u
#define VCPU_NUMBERS   8u

/* What a call may have changed of the running vCPU, to be put back after it. */
enum {
    DIRTY_SEGMENTS = 1u << 0,
    DIRTY_ENTRIES = 1u << 1, /* trap table, callbacks, stack, iopl, TS */
    DIRTY_TABLES = 1u << 2,  /* GDT, LDT, user root */
    DIRTY_DEBUG = 1u << 3,
    DIRTY_TIMER = 1u << 4,
    DIRTY_AREAS = 1u << 5,
    DIRTY_SLOT = 1u << 6,
};

struct call {
    uint64_t nr;
    uint64_t args[6];
};

/* A mapping of a grant that worked: what it takes to undo it. */
struct mapped_grant {
    uint64_t host_addr;
    uint32_t handle;
    uint32_t flags;
};

/* One per vCPU that makes calls; nothing in it is shared. */
struct fuzzer {
    uint64_t rng;
    unsigned cpu;
    unsigned dirty;
    bool in_multicall;
    char *in;       /* arguments: IN_PAGES pages, nothing is mapped behind them */
    size_t in_used; /* bytes of this call's arguments */
    bool end_used;  /* one of them lies at the end */
    char *out;      /* results: a page, nothing is mapped behind it */
    struct mapped_grant log[MAP_LOG];
    unsigned nr_logged;
    uint64_t lost; /* bit i: frame i of the sandbox may be gone */
    uint64_t nr_calls;
};

struct sandbox {
    char *pages[SANDBOX_FRAMES];
    uint64_t mfns[SANDBOX_FRAMES];
    char *window;
    uint64_t window_pte; /* machine address of the entry of its first page */
    uint64_t slot;       /* machine address of the entry SANDBOX_SLOT of the L4 */
    struct grant_entry_v1 *grants;
    uint64_t own_l4;
    unsigned own_domid;
    uint64_t kept_ports;
};
extern struct sandbox sandbox;

/* Frames of ours outside the sandbox: not to be written by a call. */
bool frame_is_kept(uint64_t mfn);
void frame_keep(uint64_t mfn, bool keep);

uint64_t rnd(struct fuzzer *f);
uint64_t below(struct fuzzer *f, uint64_t limit);
bool one_in(struct fuzzer *f, unsigned n);

/* A number: small, at the edge of a width, or any. */
uint64_t any_number(struct fuzzer *f);

/* A frame; changeable: one that this kernel does not need. A page-table entry. An entry's machine address. */
uint64_t any_frame(struct fuzzer *f, bool changeable);
uint64_t any_pte(struct fuzzer *f);
uint64_t any_pte_address(struct fuzzer *f);

/* A domain, never this one if `others`. */
uint64_t any_domid(struct fuzzer *f, bool others);
uint64_t any_port(struct fuzzer *f);
uint64_t any_vcpu(struct fuzzer *f);

/* An address that a call may map, write or read: in the sandbox, or no good at all. An address that no guest may use. */
uint64_t any_address(struct fuzzer *f);
uint64_t bad_address(struct fuzzer *f);

/* Where a result may go. The address of a copy of an argument, mostly good. */
uint64_t result_at(struct fuzzer *f);
uint64_t argument(struct fuzzer *f, const void *what, size_t size);

/* Makers of one call each: the memory calls, the grant calls, all others. */
void make_mmu_update(struct fuzzer *f, struct call *c);
void make_mmuext_op(struct fuzzer *f, struct call *c);
void make_update_va_mapping(struct fuzzer *f, struct call *c);
void make_memory_op(struct fuzzer *f, struct call *c);
void make_grant_table_op(struct fuzzer *f, struct call *c);
void make_cpu_call(struct fuzzer *f, struct call *c);
void make_event_channel_op(struct fuzzer *f, struct call *c);
void make_vcpu_op(struct fuzzer *f, struct call *c);
void make_plain_call(struct fuzzer *f, struct call *c);
void make_garbage(struct fuzzer *f, struct call *c);

/* After a call: remember the grant mappings that its results tell of. */
void grants_remember(struct fuzzer *f, const struct call *c, long rc);

#endif
