/* SPDX-License-Identifier: MIT */
/*
 * What two hostile domains do on the simulated machine (see mm_sim.h): one function an operation,
 * its choices taken from the input's bytes, and the table that picks among them.
 */
#include "tests/unit/mm_sim.h"

#include <stdlib.h>
#include <string.h>

#include "mm/frame_ref.h"
#include "mm/heap.h"
#include "mm/m2p.h"
#include "mm/page_info.h"

/* ---- CPUs ---- */

static void op_load_root(struct sim_input *in)
{
    struct sim_cpu *cpu = &sim.cpu[sim_byte(in) % SIM_CPUS];
    unsigned int d = sim_byte(in) % (SIM_DOMS + 1);
    uint64_t root = sim_frame(in, d % SIM_DOMS) % SIM_FRAMES;
    unsigned int i;
    int rc;

    for (i = 0; i < SIM_FRAMES && pgt_type(host_frame_table[root].type) != PAGE_L4; i++) {
        root = (root + 1) % SIM_FRAMES;
    }
    if (d == SIM_DOMS) {
        sim_cpu_unload(cpu);
        return;
    }
    if (sim.dom[d].dying) {
        return;
    }
    rc = pt_root_get(&sim.dom[d], mfn_make(root));
    if (rc == 0) {
        sim_cpu_unload(cpu);
        sim.dom[d].running_cpus |= 1ull << (cpu - sim.cpu);
        cpu->dom = (int)d;
        cpu->root = (uint32_t)root;
    }
    sim.stats.restarts += rc == -ERESTART;
}

static void op_walk(struct sim_input *in)
{
    struct sim_cpu *cpu = &sim.cpu[sim_byte(in) % SIM_CPUS];
    const struct sim_translation *t = &cpu->tlb[sim_byte(in) % SIM_TLB];
    bool write = sim_byte(in) & 1;

    if (t->used && t->level > 0) {
        sim_walk(cpu, t->frame, t->level, write, in);
    } else if (cpu->dom >= 0) {
        sim_walk(cpu, cpu->root, 4, write, in);
    }
}

/* The guest stores through whatever translation its CPU still has. */
static void op_guest_write(struct sim_input *in)
{
    const struct sim_cpu *cpu = &sim.cpu[sim_byte(in) % SIM_CPUS];
    const struct sim_translation *t;
    unsigned int start = sim_byte(in), i = 0;
    uint16_t slot = sim_slot(in);
    uint64_t value = sim_entry(in, cpu->dom >= 0 ? (unsigned int)cpu->dom : 0);

    do {
        t = &cpu->tlb[(start + i) % SIM_TLB];
    } while (!(t->used && t->level == 0 && t->writable) && ++i < SIM_TLB);
    if (i < SIM_TLB && page_of_idx(t->frame)->refs & PGR_RAM) {
        sim_table(t->frame)[slot] = value;
        sim.stats.guest_writes++;
    }
}

/* ---- operations of domains ---- */

/* Contents written by the control domain or a grant copy: only with a writable reference. */
static void op_fill(struct sim_input *in)
{
    unsigned int d = sim_byte(in) % SIM_DOMS;
    uint64_t frame = sim_frame(in, d);
    unsigned int n = sim_byte(in) % 4 + 1;

    if (pt_walk_settle(&sim.dom[d]) != 0 || frame_get_writable(&sim.dom[d], mfn_make(frame)) != 0) {
        return;
    }
    if (n == 4) {
        memset(sim_table((uint32_t)frame), 0, PAGE_SIZE);
    }
    while (n--) {
        uint16_t slot = sim_slot(in);

        sim_table((uint32_t)frame)[slot] = sim_entry(in, d);
    }
    frame_put_writable(mfn_make(frame));
}

/*
 * A whole tree, as a guest's fork or a domain builder makes one, in whatever frames the bytes say.
 */
static void op_tree(struct sim_input *in)
{
    unsigned int d = sim_byte(in) % SIM_DOMS;
    uint64_t frame[5];
    unsigned int i, level;
    uint16_t slot;
    uint8_t flags;

    if (pt_walk_settle(&sim.dom[d]) != 0) {
        return;
    }
    flags = sim_byte(in);
    frame[0] = sim_frame(in, d) % SIM_FRAMES;
    for (level = 1; level <= 4; level++) {
        /* the next frame of the domain that is in no use as a table, or any as the bytes say */
        frame[level] = (frame[level - 1] + 1 + (flags & 3)) % SIM_FRAMES;
        for (i = 0; i < SIM_FRAMES; i++) {
            const struct page_info *pg = &host_frame_table[frame[level]];

            if (page_owner_id(pg) == sim.dom[d].id && (uint32_t)pg->refs &&
                !(pg->refs & PGR_SHARED) && !pgt_count(pg->type)) {
                break;
            }
            frame[level] = (frame[level] + 1) % SIM_FRAMES;
        }
    }
    for (level = 4; level >= 1; level--) {
        slot = sim_slots[sim_byte(in) % 3];
        if (frame_get_writable(&sim.dom[d], mfn_make(frame[level])) == 0) {
            if (flags & 4) {
                memset(sim_table((uint32_t)frame[level]), 0, PAGE_SIZE);
            }
            sim_table((uint32_t)frame[level])[slot] =
                frame[level - 1] << PAGE_SHIFT | PTE_P | PTE_US | PTE_RW;
            frame_put_writable(mfn_make(frame[level]));
        }
    }
    if (flags & 8) {
        int rc = pt_pin(&sim.dom[d], mfn_make(frame[4]), 4);

        sim.stats.pins += rc == 0;
        sim.stats.restarts += rc == -ERESTART;
    }
}

static void op_pin(struct sim_input *in)
{
    unsigned int d = sim_byte(in) % SIM_DOMS;
    unsigned int level = sim_byte(in) % 4 + 1;
    int rc = pt_pin(&sim.dom[d], mfn_make(sim_frame(in, d)), level);

    sim.stats.pins += rc == 0;
    sim.stats.restarts += rc == -ERESTART;
}

static void op_unpin(struct sim_input *in)
{
    unsigned int d = sim_byte(in) % SIM_DOMS;

    if (pt_unpin(&sim.dom[d], mfn_make(sim_frame(in, d))) == -ERESTART) {
        sim.stats.restarts++;
    }
}

/*
 * Table slots where something is likely: found by looking, as a guest that knows its tables would.
 */
static uint64_t table_slot(struct sim_input *in, unsigned int d)
{
    uint64_t f = sim_frame(in, d);
    unsigned int i;

    for (i = 0; i < SIM_FRAMES &&
                (f >= SIM_FRAMES || !page_type_is_table(pgt_type(host_frame_table[f].type)) ||
                 page_owner_id(&host_frame_table[f]) != sim.dom[d].id);
         i++) {
        f = (f + 1) % SIM_FRAMES;
    }
    return f * PAGE_SIZE + sim_slot(in) * 8u;
}

/* A batch of stores; A may work on B's tables, and map B's frames in its own. */
static void op_stores(struct sim_input *in)
{
    static const uint8_t pairs[4][2] = {
        {SIM_A, SIM_A}, {SIM_B, SIM_B}, {SIM_A, SIM_B}, {SIM_B, SIM_B}};
    const uint8_t *pair = pairs[sim_byte(in) % 4];
    unsigned int n = sim_byte(in) % 6 + 1;
    struct pt_update u;
    int rc = pt_update_begin(&u, &sim.dom[pair[0]], &sim.dom[pair[1]]);

    if (rc != 0) {
        sim.stats.restarts += rc == -ERESTART;
        return;
    }
    while (n-- && rc != -ERESTART) {
        uint8_t kind = sim_byte(in);
        uint64_t where = (kind & 4) ? sim_frame(in, pair[0]) * PAGE_SIZE + sim_slot(in) * 8u
                                    : table_slot(in, pair[0]);
        uint64_t entry = sim_entry(in, pair[1]);

        if (kind & 0x80) {
            uint64_t expected =
                where / PAGE_SIZE < SIM_FRAMES
                    ? sim_table((uint32_t)(where / PAGE_SIZE))[where % PAGE_SIZE / 8]
                    : 0;

            expected ^= (kind & 0x40) ? PTE_A : 0;
            rc = pt_update_compare(&u, maddr_make(where), &expected, entry);
            sim.stats.compares += rc == 0;
            if ((kind & 0x40) && rc == 0) {
                sim_fail("a comparison with another value was taken for equal");
            }
        } else {
            rc = pt_update_store(&u, maddr_make(where), entry,
                                 (kind & 1) ? PT_STORE_KEEP_AD : PT_STORE_NORMAL);
            sim.stats.stores += rc == 0;
        }
        sim.stats.foreign_maps += rc == 0 && pair[0] != pair[1];
    }
    sim.stats.restarts += rc == -ERESTART;
    pt_update_end(&u);
}

static void op_alloc(struct sim_input *in)
{
    unsigned int order = sim_byte(in) % 3;
    bool limit;
    struct page_info *pg = page_alloc_for(&sim.dom[sim_byte(in) % SIM_DOMS], order, 32, &limit);
    unsigned int i, j;

    for (i = 0; pg && i < (1u << order); i++) {
        for (j = 0; j < PT_ENTRIES; j++) {
            if (sim_table(page_idx(pg) + i)[j]) {
                sim_fail("frame %u is not zero when it is given out", page_idx(pg) + i);
            }
        }
        m2p_set(page_mfn(pg + i), j);
    }
}

static void op_release(struct sim_input *in)
{
    unsigned int d = sim_byte(in) % SIM_DOMS;
    mfn_t mfn = mfn_make(sim_frame(in, d));

    if (pt_walk_settle(&sim.dom[d]) == 0 && frame_get(&sim.dom[d], mfn) == 0) {
        if (!(page_of_mfn(mfn)->refs & PGR_SHARED)) {
            sim.stats.frees += page_release(page_of_mfn(mfn));
        }
        frame_put(mfn);
    }
}

static void op_segdesc(struct sim_input *in)
{
    unsigned int d = sim_byte(in) % SIM_DOMS;
    uint64_t frame = sim_frame(in, d);
    struct page_info *pg = page_of_mfn(mfn_make(frame));

    if (sim_byte(in) & 1 && sim.nr_desc > 0) {
        uint32_t old = sim.desc[--sim.nr_desc];

        pt_walk_put(&sim.dom[0], page_of_idx(old));
        return;
    }
    if (sim.nr_desc < SIM_DESCS && pg && !sim.dom[d].dying && page_get(pg, sim.dom[d].id, false)) {
        if (page_type_get_segdesc(pg) == PT_OK) {
            sim.desc[sim.nr_desc++] = (uint32_t)frame;
            sim.stats.segdescs++;
        } else {
            page_put(pg);
        }
    }
}

/* One store by the short way, perhaps after an exchange by it, which has to agree with the long one in everything. */
static void op_single(struct sim_input *in)
{
    unsigned int d = sim_byte(in) % SIM_DOMS;
    uint8_t kind = sim_byte(in);
    uint64_t where =
        (kind & 4) ? sim_frame(in, d) * PAGE_SIZE + sim_slot(in) * 8u : table_slot(in, d);
    uint64_t entry = sim_entry(in, d);
    int rc;

    if ((kind & 8) && where / PAGE_SIZE < SIM_FRAMES) {
        const uint64_t *slot = &sim_table((uint32_t)(where / PAGE_SIZE))[where % PAGE_SIZE / 8];
        uint64_t before = *slot, was = 0;

        if (pt_update_exchange(&sim.dom[d], maddr_make(where), entry, &was) ? was != before
                                                                            : *slot != before) {
            sim_fail("an exchange gives another value than was there, or half of one happened");
        }
        sim.stats.exchanges += was == before && before != 0;
    }
    rc = pt_update_single(&sim.dom[d], maddr_make(where), entry,
                          (kind & 1) ? PT_STORE_KEEP_AD : PT_STORE_NORMAL);
    sim.stats.stores += rc == 0;
    sim.stats.restarts += rc == -ERESTART;
}

/* The entry behind an address, as update_va_mapping finds and stores it. */
static void op_va(struct sim_input *in)
{
    const struct sim_cpu *cpu = &sim.cpu[sim_byte(in) % SIM_CPUS];
    unsigned int d = cpu->dom >= 0 ? (unsigned int)cpu->dom : 0;
    uint64_t va = 0, entry = sim_entry(in, d);
    unsigned int level;
    uint32_t table;
    maddr_t where;
    int rc;

    if (cpu->dom < 0) {
        return;
    }
    table = cpu->root;
    for (level = 4; level >= 1; level--) {
        uint64_t slot = sim_present_slot(in, table);

        va |= slot << (PAGE_SHIFT + 9 * (level - 1));
        if (level > 1) {
            if (!(sim_table(table)[slot] & PTE_P) || !pt_slot_is_guest(level, (unsigned int)slot)) {
                break;
            }
            table = (uint32_t)((sim_table(table)[slot] & PTE_ADDR) >> PAGE_SHIFT);
        }
    }
    if (pt_update_find(&sim.dom[d], mfn_make(cpu->root), gva_make(va), &where) == 0) {
        sim.stats.finds++;
    }
    rc = pt_update_va(&sim.dom[d], mfn_make(cpu->root), gva_make(va), entry);
    sim.stats.stores += rc == 0;
    sim.stats.restarts += rc == -ERESTART;
}

static bool emptied[SIM_DOMS];

static void on_emptied(struct mm_owner *o)
{
    emptied[o - sim.dom] = true;
}

static void dom_lend(unsigned int d)
{
    unsigned int i;

    for (i = 0; i < 2; i++) {
        uint32_t idx = heap_alloc(NULL, 0, 32);

        if (idx == PAGE_IDX_NONE) {
            sim.shared[d][i] = NULL;
            continue;
        }
        sim.shared[d][i] = sim_table(idx);
        if (hv_frame_share(&sim.dom[d], sim.shared[d][i], i == 0) != 0) {
            sim_fail("hv_frame_share");
        }
    }
}

static void dom_create(unsigned int d)
{
    unsigned int i;
    bool limit;

    if (mm_owner_init(&sim.dom[d], (uint16_t)(d + 1), d == SIM_A, d == SIM_A) != 0) {
        sim_fail("mm_owner_init");
    }
    sim.dom[d].max_pages = 30;
    emptied[d] = false;
    dom_lend(d);
    for (i = 0; i < 14; i++) {
        (void)page_alloc_for(&sim.dom[d], 0, 32, &limit);
    }
}

static void dom_kill(unsigned int d, struct sim_input *in)
{
    unsigned int i, n;

    for (i = 0; i < SIM_CPUS; i++) {
        if (sim.cpu[i].dom == (int)d) {
            sim_cpu_unload(&sim.cpu[i]);
        }
    }
    for (i = n = 0; i < sim.nr_desc; i++) {
        if (page_owner_id(page_of_idx(sim.desc[i])) == sim.dom[d].id) {
            pt_walk_put(&sim.dom[d], page_of_idx(sim.desc[i]));
        } else {
            sim.desc[n++] = sim.desc[i];
        }
    }
    sim.nr_desc = n;
    for (i = 0; i < 2; i++) {
        if (sim.shared[d][i]) {
            hv_frame_unshare(sim.shared[d][i]);
            sim.shared[d][i] = NULL;
        }
    }
    while (mm_owner_relinquish(&sim.dom[d]) == -ERESTART) {
        sim_check();
        /* the other domain goes on meanwhile */
        if (in && in->pos < in->len && (sim_byte(in) & 1)) {
            op_stores(in);
            sim_check();
        }
    }
    sim.stats.teardowns++;
}

/* A new domain in the place of one that has gone altogether. */
static void op_revive(struct sim_input *in)
{
    unsigned int d;

    (void)in;
    for (d = 0; d < SIM_DOMS; d++) {
        if (emptied[d]) {
            mm_owner_retire(&sim.dom[d]);
            dom_create(d);
        }
    }
}

static void op_kill(struct sim_input *in)
{
    unsigned int d = sim_byte(in) % SIM_DOMS;

    if (!sim.dom[d].dying && sim_byte(in) < 0x60) {
        dom_kill(d, in);
        emptied[d] = mm_owner_when_empty(&sim.dom[d], on_emptied) || emptied[d];
    }
}

static void op_misc(struct sim_input *in)
{
    uint8_t b = sim_byte(in);

    if (b & 1) {
        sim_flush(b & 6);
    } else if (b & 8) {
        sim.preempt = b & 16;
    } else if (b & 32) {
        sim.stats.scrubs += heap_scrub();
    } else {
        (void)!pt_walk_settle(&sim.dom[(b >> 1) & 1]);
    }
}

bool sim_step(struct sim_input *in)
{
    /* the most useful ones come several times */
    static void (*const ops[])(struct sim_input *) = {
        op_stores,      op_stores,    op_stores, op_single, op_single,  op_tree,
        op_tree,        op_tree,      op_fill,   op_pin,    op_unpin,   op_unpin,
        op_load_root,   op_load_root, op_walk,   op_walk,   op_walk,    op_guest_write,
        op_guest_write, op_alloc,     op_alloc,  op_alloc,  op_release, op_segdesc,
        op_va,          op_va,        op_misc,   op_misc,   op_revive,
    };
    uint8_t b;

    if (in->pos >= in->len) {
        return false;
    }
    sim.in = in;
    sim.stats.steps++;
    b = sim_byte(in);
    if (b == 0xff) {
        op_kill(in);
    } else {
        ops[b % (sizeof(ops) / sizeof(ops[0]))](in);
    }
    if (sim_levels_held) {
        sim_fail("a lock is still held");
    }
    return true;
}

void sim_start(void)
{
    static struct sim_input none;

    memset(&sim, 0, sizeof(sim));
    memset(host_frame_table, 0, sizeof(host_frame_table));
    memset(host_frames, 0x5a, sizeof(host_frames));
    sim.in = &none;
    sim.cpu[0].dom = sim.cpu[1].dom = -1;
    heap_init(SIM_FRAMES);
    heap_add(1, SIM_IO_RW - 1);
    dom_create(SIM_A);
    dom_create(SIM_B);
}

void sim_end(void)
{
    unsigned int d;

    for (d = 0; d < SIM_DOMS; d++) {
        if (!sim.dom[d].dying) {
            dom_kill(d, NULL);
            sim_check();
        }
    }
    for (d = 0; d < SIM_DOMS; d++) {
        if (!mm_owner_when_empty(&sim.dom[d], on_emptied)) {
            sim_fail("domain %u keeps frames at the end", d);
        }
        mm_owner_retire(&sim.dom[d]);
    }
    if (frames_free() != frames_total()) {
        sim_fail("%llu of %llu frames are free at the end", (unsigned long long)frames_free(),
                 (unsigned long long)frames_total());
    }
}
