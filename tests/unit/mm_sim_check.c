/* SPDX-License-Identifier: MIT */
/*
 * The oracle of the simulated machine: from the tables' contents alone it counts who refers to
 * what, and compares. It uses the words' layout from page.h and page_type.h, but none of their
 * functions that decide.
 */
#include <stdio.h>
#include <string.h>

#include "mm/heap.h"
#include "tests/unit/mm_sim.h"

struct expect {
    uint32_t refs;
    uint32_t types;
    enum page_type type;
};
static struct expect expect[SIM_FRAMES];

static uint32_t refs_of(unsigned int f)
{
    return (uint32_t)page_of_idx(f)->refs;
}

static unsigned int owner_of(unsigned int f)
{
    return (unsigned int)((page_of_idx(f)->refs >> 32) & 0xffff) -
           1; /* domain number, or out of range */
}

static enum page_type type_of(unsigned int f)
{
    return (enum page_type)(page_of_idx(f)->type >> 61);
}

static uint32_t count_of(unsigned int f)
{
    return (uint32_t)(page_of_idx(f)->type >> 32) & 0xffffff;
}

static bool ram(unsigned long long f)
{
    return f >= 1 && f < SIM_IO_RW;
}

bool sim_entry_legal(unsigned int dom, unsigned int level, uint64_t entry)
{
    uint64_t frame = (entry >> 12) & 0xffffffffffull;
    bool cache = entry & 0x18 || (level == 1 && entry & 0x80);

    if ((entry >> SIM_PHYS_BITS) & 0xfff) {
        return false; /* reserved address bits */
    }
    if (!(entry & 4) || (entry & 0x100)) {
        return false; /* not user, or global */
    }
    if (level > 1) {
        return !(entry & 0x98) && ram(frame) && refs_of((unsigned int)frame) &&
               owner_of((unsigned int)frame) == dom;
    }
    if (ram(frame)) {
        if (cache || !refs_of((unsigned int)frame)) {
            return false;
        }
        return owner_of((unsigned int)frame) == dom ||
               (dom == SIM_A && owner_of((unsigned int)frame) == SIM_B);
    }
    if (dom != SIM_A) {
        return false;
    }
    return frame == SIM_IO_RW || frame == SIM_IO_FAR || (frame == SIM_IO_RO && !(entry & 2));
}

static void hold(unsigned int frame, enum page_type type, const char *who, unsigned int by)
{
    struct expect *e = &expect[frame];

    e->refs++;
    if (type == PAGE_NONE) {
        return;
    }
    if (e->types && e->type != type) {
        sim_fail("frame %u is used as type %d and, by %s %u, as type %d", frame, e->type, who, by,
                 type);
    }
    e->type = type;
    e->types++;
}

/* The first `nr` entries of a table hold what they refer to. */
static void count_entries(unsigned int table, unsigned int nr)
{
    unsigned int level = (unsigned int)type_of(table) - PAGE_L1 + 1;
    unsigned int i;

    for (i = 0; i < SIM_SLOTS && sim_slots[i] < nr; i++) {
        uint64_t entry = sim_table(table)[sim_slots[i]];
        uint64_t frame = (entry >> 12) & 0xffffffffffull;

        if (level == 4 && sim_slots[i] >= 256 && sim_slots[i] < 272) {
            if ((page_of_idx(table)->type & PGT_VALID) && entry != 0xfeed000ull + sim_slots[i]) {
                sim_fail("L4 %u: slot %u is not the hypervisor's", table, sim_slots[i]);
            }
            continue;
        }
        if (!(entry & 1)) {
            continue;
        }
        if (!sim_entry_legal(owner_of(table), level, entry)) {
            sim_fail("level %u table %u of domain %u: slot %u holds %llx", level, table,
                     owner_of(table), sim_slots[i], (unsigned long long)entry);
        }
        if (level > 1) {
            hold((unsigned int)frame, (enum page_type)(PAGE_L1 + level - 2), "table", table);
        } else if (ram(frame)) {
            hold((unsigned int)frame, (entry & 2) ? PAGE_WRITABLE : PAGE_NONE, "L1 table", table);
        }
    }
}

static void count_all(void)
{
    unsigned int f, i;

    memset(expect, 0, sizeof(expect));
    for (f = 1; f < SIM_IO_RW; f++) {
        uint64_t refs = page_of_idx(f)->refs;
        uint64_t type = page_of_idx(f)->type;
        bool table = type_of(f) >= PAGE_L1 && type_of(f) <= PAGE_L4;

        expect[f].refs += !!(refs & PGR_ALLOCATED);
        if (refs & PGR_SHARED && refs_of(f)) {
            expect[f].types++;
            expect[f].type = type_of(f);
            if (table || type_of(f) == PAGE_SEGDESC) {
                sim_fail("lent frame %u has type %d", f, type_of(f));
            }
        }
        if ((type & (PGT_PINNED | PGT_HELD)) && !table) {
            sim_fail("frame %u: pinned or held, but no table", f);
        }
        if (type & PGT_PINNED) {
            hold(f, type_of(f), "pin", f);
        }
        if (type & PGT_HELD) {
            hold(f, type_of(f), "hand-over", f);
        }
        if (table && (type & PGT_VALID)) {
            count_entries(f, PT_ENTRIES);
        } else if (table && count_of(f)) {
            hold(f, type_of(f), "open work", f);
            count_entries(f, page_of_idx(f)->nr_held);
        }
    }
    for (i = 0; i < SIM_CPUS; i++) {
        if (sim.cpu[i].dom >= 0) {
            hold(sim.cpu[i].root, PAGE_L4, "CPU", i);
            if (!(page_of_idx(sim.cpu[i].root)->type & PGT_VALID) ||
                owner_of(sim.cpu[i].root) != (unsigned int)sim.cpu[i].dom) {
                sim_fail("CPU %u runs on frame %u, which is no checked L4 of its domain", i,
                         sim.cpu[i].root);
            }
        }
    }
    for (i = 0; i < sim.nr_desc; i++) {
        unsigned int s;

        hold(sim.desc[i], PAGE_SEGDESC, "descriptor table", i);
        for (s = 0; s < PT_ENTRIES; s++) {
            if ((sim_table(sim.desc[i])[s] & 0xff) == 0xee) {
                sim_fail("descriptor frame %u holds an illegal descriptor", sim.desc[i]);
            }
        }
    }
}

static void compare(void)
{
    unsigned int f;

    for (f = 1; f < SIM_IO_RW; f++) {
        if (refs_of(f) != expect[f].refs) {
            sim_fail("frame %u (type %d): %u references counted, %u are there", f, type_of(f),
                     refs_of(f), expect[f].refs);
        }
        if (count_of(f) != expect[f].types) {
            sim_fail("frame %u (type %d): type count %u, but %u uses", f, type_of(f), count_of(f),
                     expect[f].types);
        }
        if (expect[f].types && type_of(f) != expect[f].type) {
            sim_fail("frame %u: has type %d, is used as %d", f, type_of(f), expect[f].type);
        }
    }
}

/* Every open table is on its owner's list, once. */
static void check_work(void)
{
    unsigned int listed = 0, open = 0, d, f;

    for (d = 0; d < SIM_DOMS; d++) {
        uint32_t heads[2] = {sim.dom[d].promote_top, sim.dom[d].dismiss_top};
        unsigned int h;

        for (h = 0; h < 2; h++) {
            uint32_t idx;

            for (idx = heads[h]; idx != PAGE_IDX_NONE; idx = page_of_idx(idx)->work_next) {
                if (owner_of(idx) != d || (page_of_idx(idx)->type & PGT_VALID) ||
                    ++listed > SIM_FRAMES) {
                    sim_fail("frame %u is on a work list of domain %u", idx, d);
                }
            }
        }
    }
    for (f = 1; f < SIM_IO_RW; f++) {
        open += type_of(f) >= PAGE_L1 && type_of(f) <= PAGE_L4 && count_of(f) &&
                !(page_of_idx(f)->type & PGT_VALID);
    }
    if (open != listed) {
        sim_fail("%u tables are open, %u on lists", open, listed);
    }
}

/* No CPU can reach through an old translation what it must not. */
static void check_translations(void)
{
    unsigned int c, i;

    for (c = 0; c < SIM_CPUS; c++) {
        const struct sim_cpu *cpu = &sim.cpu[c];

        for (i = 0; i < SIM_TLB; i++) {
            const struct sim_translation *t = &cpu->tlb[i];
            unsigned int f = t->frame;

            if (!t->used || !ram(f)) {
                continue;
            }
            if (refs_of(f) == 0) {
                /* free: then the heap must know that it has to flush before it gives it out */
                if (!(page_of_idx(f)->refs & PGR_DIRTY)) {
                    sim_fail("CPU %u has a translation to free frame %u that counts as clean", c,
                             f);
                }
                continue;
            }
            if (owner_of(f) != (unsigned int)cpu->dom &&
                !(cpu->dom == SIM_A && owner_of(f) == SIM_B)) {
                sim_fail("CPU %u running domain %d has a translation to frame %u of domain %u", c,
                         cpu->dom, f, owner_of(f));
            }
            if (t->level > 0 && type_of(f) != (enum page_type)(PAGE_L1 + t->level - 1)) {
                sim_fail("CPU %u walks frame %u as a level %u table, its type is %d", c, f,
                         t->level, type_of(f));
            }
            if (t->level == 0 && t->writable && type_of(f) != PAGE_WRITABLE) {
                sim_fail("CPU %u can write frame %u of type %d", c, f, type_of(f));
            }
        }
    }
}

static void check_lists(void)
{
    unsigned int d, f, n_free = 0;

    for (d = 0; d < SIM_DOMS; d++) {
        const struct mm_owner *o = &sim.dom[d];
        uint32_t heads[3] = {o->page_list_head, o->released_list_head, o->xen_list_head};
        unsigned int h, n[3] = {0}, in_use = 0;

        for (h = 0; h < 3; h++) {
            uint32_t idx;

            for (idx = heads[h]; idx != PAGE_IDX_NONE; idx = page_of_idx(idx)->next) {
                bool shared = page_of_idx(idx)->refs & PGR_SHARED;
                bool allocated = page_of_idx(idx)->refs & PGR_ALLOCATED;

                if (owner_of(idx) != d || ++n[h] > SIM_FRAMES || shared != (h == 2) ||
                    (h == 1 && allocated) || (h == 0 && !allocated && !o->dying)) {
                    sim_fail("frame %u is on list %u of domain %u", idx, h, d);
                }
            }
        }
        for (f = 1; f < SIM_IO_RW; f++) {
            in_use += refs_of(f) && owner_of(f) == d;
        }
        if (n[0] + n[1] != o->tot_pages || n[0] + n[1] + n[2] != in_use) {
            sim_fail("domain %u has %u + %u + %u frames listed, %llu counted, %u in use", d, n[0],
                     n[1], n[2], (unsigned long long)o->tot_pages, in_use);
        }
    }
    for (f = 1; f < SIM_IO_RW; f++) {
        if (refs_of(f) == 0) {
            n_free++;
            if (!(page_of_idx(f)->refs & PGR_DIRTY) && sim_table(f)[f % PT_ENTRIES]) {
                sim_fail("free frame %u counts as clean, but is not zero", f);
            }
        }
    }
    if (n_free != frames_free()) {
        sim_fail("%u frames are free, the heap says %llu", n_free,
                 (unsigned long long)frames_free());
    }
}

void sim_check(void)
{
    count_all();
    compare();
    check_work();
    check_translations();
    check_lists();
}
