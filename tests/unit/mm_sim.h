/* SPDX-License-Identifier: MIT */
/*
 * A tiny machine for the shipped page-table code: 64 frames, two domains, two CPUs with translation
 * caches that forget nothing until they are flushed. sim_step() performs one operation chosen by
 * bytes; sim_check() recomputes from scratch who maps what, and compares every counter, type,
 * translation and list with it.
 */
#ifndef TESTS_MM_SIM_H
#define TESTS_MM_SIM_H

#include <stddef.h>
#include <stdint.h>

#include "mm/map.h"
#include "mm/pt_pin.h"
#include "mm/pt_update.h"

#define SIM_FRAMES 64u
#define SIM_CPUS   2u
#define SIM_A      0u /* privileged, with I/O rights: may map B's frames */
#define SIM_B      1u
#define SIM_DOMS   2u
#define SIM_TLB    24u
#define SIM_DESCS  8u

/*
 * Slots that the simulation uses of each table: the oracle looks at these alone, the shipped code
 * at all 512.
 */
#define SIM_SLOTS 12u
extern const uint16_t sim_slots[SIM_SLOTS];

/* Frames that are not RAM. */
#define SIM_IO_RW     60u
#define SIM_IO_RO     61u
#define SIM_IO_FAR    100u /* above the frame table, writable */
#define SIM_PHYS_BITS 40u

/* Where operations take their choices from; zero when used up. */
struct sim_input {
    const uint8_t *data;
    size_t len;
    size_t pos;
};

/*
 * What a CPU's page walker remembers: a leaf (level 0) or a pointer to a table of `level` (1..3).
 */
struct sim_translation {
    uint32_t frame;
    uint8_t level;
    bool writable;
    bool used;
};

struct sim_cpu {
    int dom; /* -1: none loaded */
    uint32_t root;
    struct sim_translation tlb[SIM_TLB];
    unsigned int next; /* the entry to be replaced next */
};

/*
 * How many operations of each outcome there were: a test that never succeeds at anything proves
 * nothing.
 */
struct sim_stats {
    uint64_t steps, pins, refused, restarts, stores, walks, guest_writes, flushes, teardowns,
        foreign_maps, segdescs, finds, frees, compares, exchanges, scrubs;
};

struct sim {
    struct mm_owner dom[SIM_DOMS];
    struct sim_cpu cpu[SIM_CPUS];
    uint32_t desc[SIM_DESCS]; /* frames with a descriptor reference, and whose */
    unsigned int nr_desc;
    void *shared[SIM_DOMS][2]; /* lent frames: writable, read-only */
    struct sim_input *in;      /* for preempt_pending() */
    bool preempt;              /* the machine preempts at some points */
    struct sim_stats stats;
};
extern struct sim sim;

void sim_start(void);
/* One operation. False when the input is used up. */
bool sim_step(struct sim_input *in);
/* All invariants; prints what is wrong and aborts. */
void sim_check(void);
/* Tear both domains down; every frame must be free again. */
void sim_end(void);

void sim_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/*
 * The rules again, written from the documents: may this present entry be in a live table of `dom`?
 */
bool sim_entry_legal(unsigned int dom, unsigned int level, uint64_t entry);

/* ---- between the parts of the simulation ---- */

/* Choices from the input; frames are mostly such as domain d has. */
uint8_t sim_byte(struct sim_input *in);
uint16_t sim_slot(struct sim_input *in);
uint64_t sim_frame(struct sim_input *in, unsigned int d);
uint64_t sim_entry(struct sim_input *in, unsigned int d);

/* A slot of the table that has an entry, if there is one. */
uint16_t sim_present_slot(struct sim_input *in, uint32_t table);

/*
 * Hardware walks from a table of `level`: sets accessed and dirty bits and caches what it sees,
 * checking nothing else.
 */
void sim_walk(struct sim_cpu *cpu, uint32_t table, unsigned int level, bool write,
              struct sim_input *in);
/* Another root, or none, is loaded: the translations go. */
void sim_cpu_unload(struct sim_cpu *cpu);

/* These CPUs forget what they know. */
void sim_flush(unsigned int cpus);

extern struct page_info host_frame_table[SIM_FRAMES];
extern unsigned char host_frames[SIM_FRAMES * PAGE_SIZE];
extern unsigned int sim_levels_held; /* of locks */

static inline uint64_t *sim_table(uint32_t frame)
{
    return (uint64_t *)(void *)(host_frames + (uint64_t)frame * PAGE_SIZE);
}

#endif
