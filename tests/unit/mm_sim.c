/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine (see mm_sim.h): memory, CPUs with their translation caches, and what the
 * hypervisor gives to mm/: locks with level checks, flushes, preemption points.
 */
#include "tests/unit/mm_sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "debug/panic.h"
#include "mm/frame_ref.h"
#include "mm/heap.h"
#include "mm/m2p.h"
#include "mm/page_info.h"
#include "x86/cpu.h"
#include "x86/entry.h"
#include "x86/fpu.h"
#include "x86/ipi.h"
#include "x86/percpu.h"
#include "x86/tlb.h"

struct sim sim;
struct page_info host_frame_table[SIM_FRAMES];
unsigned char host_frames[SIM_FRAMES * PAGE_SIZE] __attribute__((aligned(4096)));
uint64_t host_m2p[SIM_FRAMES];
struct cpu_features cpu_features = {.phys_bits = SIM_PHYS_BITS};
uint64_t cpus_online = (1u << SIM_CPUS) - 1;
uint32_t nr_cpus = SIM_CPUS;

const uint16_t sim_slots[SIM_SLOTS] = {0, 1, 2, 3, 63, 64, 255, 256, 271, 272, 510, 511};

void sim_fail(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fprintf(stderr, "sim: step %llu: ", (unsigned long long)sim.stats.steps);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

/* ---- what the hypervisor gives ---- */

void panic(const char *fmt, ...)
{
    (void)fmt;
    sim_fail("panic: %s", fmt);
}

unsigned int sim_levels_held;

void spin_init(struct spinlock *lock, const char *name, enum lock_level level)
{
    *lock = (struct spinlock){.name = name, .level = (uint8_t)level};
}

void spin_lock(struct spinlock *lock)
{
    if (lock->owner_ticket) {
        sim_fail("lock %s taken twice", lock->name);
    }
    if (sim_levels_held >> lock->level) {
        sim_fail("lock %s out of order (%x)", lock->name, sim_levels_held);
    }
    lock->owner_ticket = 1;
    sim_levels_held |= 1u << lock->level;
}

void spin_unlock(struct spinlock *lock)
{
    lock->owner_ticket = 0;
    sim_levels_held &= ~(1u << lock->level);
}

void ipi_poll(void)
{
    sim_fail("one CPU waits for another, which the simulation never makes it do");
}

void fpu_zero_page(void *page)
{
    memset(page, 0, PAGE_SIZE);
}

/* As x86/tlb.h promises, and no better: only these flushes are remembered, and the clock starts just before it wraps. */
uint64_t tlb_flush_clock = 0xfffffff0ull;
static uint64_t flushed_at[SIM_CPUS];

void sim_flush(unsigned int cpus)
{
    unsigned int c;

    tlb_flush_clock++;
    for (c = 0; c < SIM_CPUS; c++) {
        if (cpus & (1u << c)) {
            memset(sim.cpu[c].tlb, 0, sizeof(sim.cpu[c].tlb));
            flushed_at[c] = tlb_flush_clock;
            sim.stats.flushes++;
        }
    }
}

void tlb_flush_stale(uint64_t cpus, uint32_t reading)
{
    uint64_t since = tlb_flush_clock - (uint32_t)((uint32_t)tlb_flush_clock - reading);
    unsigned int c, stale = 0;

    for (c = 0; c < SIM_CPUS; c++) {
        stale |= ((cpus >> c) & 1 && flushed_at[c] <= since) ? 1u << c : 0;
    }
    if (stale) {
        sim_flush(stale);
    }
}

bool tlb_flush_disturbs(uint32_t reading)
{
    uint64_t since = tlb_flush_clock - (uint32_t)((uint32_t)tlb_flush_clock - reading);
    unsigned int c;

    for (c = 0; c < SIM_CPUS && !(sim.cpu[c].dom >= 0 && flushed_at[c] <= since); c++) {
    }
    return c < SIM_CPUS;
}

void *hv_alloc(size_t bytes)
{
    return calloc(1, bytes);
}

void hv_free(void *p)
{
    free(p);
}

void hv_charge(int64_t bytes)
{
    (void)bytes;
}

mfn_t mfn_of_hv(const void *p)
{
    return mfn_make((uint64_t)((const unsigned char *)p - host_frames) >> PAGE_SHIFT);
}

void mm_report_fault(const struct mm_owner *o, const struct pt_fault *fault)
{
    (void)o;
    if (fault->reason == PT_OK || !pt_reason_text(fault->reason)[0]) {
        sim_fail("a refusal without a reason");
    }
    sim.stats.refused++;
}

void mm_fill_hv_slots(uint64_t *l4)
{
    unsigned int i;

    for (i = PT_L4_HV_FIRST; i <= PT_L4_HV_LAST; i++) {
        l4[i] = 0xfeed000ull + i;
    }
}

/* The stand-in for the descriptor rules: no descriptor has 0xee as its lowest byte. */
bool mm_segdesc_ok(void *frame)
{
    const uint64_t *desc = frame;
    unsigned int i;

    for (i = 0; i < PT_ENTRIES; i++) {
        if ((desc[i] & 0xff) == 0xee) {
            return false;
        }
    }
    return true;
}

enum io_access mm_io_access(const struct mm_owner *o, mfn_t mfn)
{
    if (!o->io_access) {
        return IO_NONE;
    }
    if (mfn_raw(mfn) == SIM_IO_RW || mfn_raw(mfn) == SIM_IO_FAR) {
        return IO_WRITE;
    }
    return mfn_raw(mfn) == SIM_IO_RO ? IO_READ : IO_NONE;
}

/* ---- choices ---- */

uint8_t sim_byte(struct sim_input *in)
{
    return in->pos < in->len ? in->data[in->pos++] : 0;
}

int preempt_pending(void)
{
    return sim.preempt && (sim_byte(sim.in) & 1);
}

uint16_t sim_slot(struct sim_input *in)
{
    return sim_slots[sim_byte(in) % SIM_SLOTS];
}

/* Mostly a frame that domain d has, sometimes any, sometimes one that is not there. */
uint64_t sim_frame(struct sim_input *in, unsigned int d)
{
    uint8_t b = sim_byte(in);
    unsigned int f, i;

    if (b >= 0xf8) {
        return b < 0xfa   ? SIM_IO_FAR
               : b < 0xfc ? SIM_IO_RW
               : b < 0xfe ? SIM_IO_RO
               : b < 0xff ? 5000
                          : 1ull << 36;
    }
    f = b % SIM_FRAMES;
    for (i = 0; b < 0xd0 && i < SIM_FRAMES; i++) {
        if ((uint32_t)host_frame_table[f].refs &&
            page_owner_id(&host_frame_table[f]) == sim.dom[d].id) {
            break;
        }
        f = (f + 1) % SIM_FRAMES;
    }
    return f;
}

uint64_t sim_entry(struct sim_input *in, unsigned int d)
{
    /* the plain entry comes most often; the rest takes any combination of flags */
    uint8_t kind = sim_byte(in);
    uint64_t entry = sim_frame(in, d) << PAGE_SHIFT;

    if (kind < 0xa0) {
        return entry | PTE_P | PTE_US | ((kind & 1) ? PTE_RW : 0) | ((kind & 2) ? PTE_A : 0);
    }
    if (kind < 0xb0) {
        return 0;
    }
    entry |= sim_byte(in) | (uint64_t)(sim_byte(in) & 0xf) << 8 | (uint64_t)sim_byte(in) << 56;
    return kind < 0xf0 ? entry | PTE_P : entry;
}

/* ---- CPUs ---- */

static void remember(struct sim_cpu *cpu, uint32_t frame, unsigned int level, bool writable)
{
    cpu->tlb[cpu->next] = (struct sim_translation){frame, (uint8_t)level, writable, true};
    cpu->next = (cpu->next + 1) % SIM_TLB;
}

/* A guest knows which of its addresses are mapped. */
uint16_t sim_present_slot(struct sim_input *in, uint32_t table)
{
    unsigned int start = sim_byte(in), i;

    for (i = 0; i < SIM_SLOTS; i++) {
        uint16_t slot = sim_slots[(start + i) % SIM_SLOTS];

        if ((sim_table(table)[slot] & PTE_P) && (slot < PT_L4_HV_FIRST || slot > PT_L4_HV_LAST)) {
            return slot;
        }
    }
    return sim_slots[start % SIM_SLOTS];
}

/*
 * Hardware walks from a table of `level`: sets accessed and dirty bits and caches what it sees,
 * checking nothing else.
 */
void sim_walk(struct sim_cpu *cpu, uint32_t table, unsigned int level, bool write,
              struct sim_input *in)
{
    bool writable = true;

    sim.stats.walks++;
    for (; level >= 1; level--) {
        uint16_t slot = sim_present_slot(in, table);
        uint64_t *entry = &sim_table(table)[slot];
        uint64_t frame;

        if (level == 4 && !pt_slot_is_guest(4, slot)) {
            return; /* the hypervisor's half: not modelled */
        }
        if (!(*entry & PTE_P)) {
            return;
        }
        frame = (*entry & PTE_ADDR) >> PAGE_SHIFT;
        writable = writable && (*entry & PTE_RW);
        if (level == 1) {
            if (write && !writable) {
                return;
            }
            *entry |= PTE_A | (write ? PTE_D : 0);
            if (frame < SIM_FRAMES) {
                remember(cpu, (uint32_t)frame, 0, writable);
            }
            return;
        }
        *entry |= PTE_A;
        if (frame >= SIM_FRAMES) {
            sim_fail("the walker follows an entry of level %u to frame %llx", level,
                     (unsigned long long)frame);
        }
        table = (uint32_t)frame;
        /*
         * rights of the upper levels are lost here, to the guest's advantage: a stricter test than
         * the real machine
         */
        writable = true;
        remember(cpu, table, level - 1, true);
    }
}

void sim_cpu_unload(struct sim_cpu *cpu)
{
    unsigned int c = (unsigned int)(cpu - sim.cpu);

    if (cpu->dom >= 0) {
        struct mm_owner *o = &sim.dom[cpu->dom];

        memset(cpu->tlb, 0, sizeof(cpu->tlb)); /* another CR3 is loaded */
        o->running_cpus &= ~(1ull << c);
        pt_root_put(o, mfn_make(cpu->root));
        cpu->dom = -1;
    }
}
