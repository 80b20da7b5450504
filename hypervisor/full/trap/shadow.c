/* SPDX-License-Identifier: MIT */
/*
 * Shadow page tables: for each table of the guest that is walked, one of ours with the same entries, filled by faults, its frames
 * instead of the guest's numbers and the rights that ring 3 needs. One lock (the domain's) is over all of it.
 * Invariants: while a shadow has entries, no shadow maps the guest's table writable, so they agree; a frame that is mapped
 * executable to the guest's kernel has been scanned and is mapped writable nowhere; what is mapped is in the guest-physical map.
 */
#include "common/compiler.h"
#include "common/errno.h"
#include "common/string.h"
#include "full/trap/shadow.h"
#include "mm/hv_alloc.h"
#include "mm/map.h"
#include "mm/pt_check.h"
#include "x86/percpu.h"
#include "x86/pgtable.h"
#include "x86/tlb.h"

#define LEVELS       4u
#define SLOTS_LEAST  48u
#define PAGES_A_SLOT 32u /* of guest memory: what the pool grows by */
#define TABLE        (PTE_P | PTE_US | PTE_A | PTE_D)
#define FILL_TRIES   64u

/* Who looks through a shadow. A direct one shows memory as it is: where paging is off, and below the guest's large pages. */
enum view {
    VIEW_USER,
    VIEW_KERNEL,
    VIEW_KERNEL_NO_WP, /* writes to read-only pages are allowed */
    VIEW_DIRECT
};

static uint64_t key_of(uint64_t gfn, unsigned int level, enum view view)
{
    return gfn << 8 | level << 4 | view << 1 | 1;
}

static unsigned int bucket_of(uint64_t gfn)
{
    return (unsigned int)((gfn ^ gfn >> 8) % SHADOW_BUCKETS);
}

static unsigned int index_at(uint64_t linear, unsigned int level)
{
    return linear >> (PAGE_SHIFT + 9 * (level - 1)) & (PT_ENTRIES - 1);
}

static uint64_t pa_of(const void *page)
{
    return maddr_raw(maddr_of_mfn(mfn_of_hv(page)));
}

/* ---- the pool ---- */

static bool is_root(const struct shadows *sh, unsigned int slot)
{
    return (sh->slot[slot].key >> 4 & 15) == LEVELS;
}

/* Nothing of the guest is mapped through it any more; the hypervisor's own slots of a root stay, for CPUs may be running on it. */
static void empty(struct shadows *sh, unsigned int slot)
{
    uint64_t *page = sh->slot[slot].page;

    if (is_root(sh, slot)) {
        memset(page, 0, HV_L4_FIRST * sizeof(*page));
        memset(page + HV_L4_LAST + 1, 0, (PT_ENTRIES - HV_L4_LAST - 1) * sizeof(*page));
    } else {
        memset(page, 0, PAGE_SIZE);
    }
}

static bool in_use(const struct shadows *sh, unsigned int slot)
{
    const struct vcpu *v;
    unsigned int i;

    for_each_vcpu (sh->fd->d, v, i) {
        if (v->full && (trap_of(v)->root == slot || trap_of(v)->root_loaded == slot)) {
            return true;
        }
    }
    return false;
}

/* Give all up but the roots that vCPUs have. Called with CPUs that may be walking: they have forgotten all when this returns. */
void trap_shadow_reset(struct shadows *sh)
{
    unsigned int freed = 0;

    sh->generation++;
    memset(sh->bucket, 0, sizeof(sh->bucket));
    for (unsigned int i = 1; i < sh->nr; i++) {
        if (sh->slot[i].page && is_root(sh, i)) {
            empty(sh, i);
        }
    }
    tlb_flush_cpus(READ_ONCE(sh->fd->d->mm.running_cpus));
    for (unsigned int i = 1; i < sh->nr; i++) {
        struct shadow *s = &sh->slot[i];
        uint64_t gfn = s->key >> 8;

        if (!s->page) {
            continue;
        }
        if (is_root(sh, i) && in_use(sh, i)) {
            s->next = sh->bucket[bucket_of(gfn)];
            sh->bucket[bucket_of(gfn)] = (uint16_t)i;
        } else {
            hv_free_pages(s->page, 1);
            *s = (struct shadow){0};
            freed++;
        }
    }
    trap_code_reset(sh);
    sh->used -= freed;
    sh->hint = 1;
}

static unsigned int find(const struct shadows *sh, uint64_t key)
{
    for (unsigned int i = sh->bucket[bucket_of(key >> 8)]; i; i = sh->slot[i].next) {
        if (sh->slot[i].key == key) {
            return i;
        }
    }
    return 0;
}

/* 0: no memory. Where the pool is empty it is reset, and the generation changes. */
static unsigned int get(struct shadows *sh, uint64_t key)
{
    unsigned int slot = find(sh, key), b = bucket_of(key >> 8);
    uint64_t *page;

    if (slot) {
        return slot;
    }
    if (sh->used + 1 >= sh->nr) {
        trap_shadow_reset(sh);
    }
    page = hv_alloc_pages(1);
    if (!page) {
        return 0;
    }
    for (slot = sh->hint; sh->slot[slot].page; slot = slot + 1 < sh->nr ? slot + 1 : 1) {
    }
    sh->hint = slot + 1 < sh->nr ? slot + 1 : 1;
    sh->used++;
    sh->slot[slot] = (struct shadow){.key = key, .page = page, .next = sh->bucket[b]};
    sh->bucket[b] = (uint16_t)slot;
    if (is_root(sh, slot)) {
        hv_l4_fill(page);
        page[HV_L4_FIRST] = 0; /* the table of all frames is for PV guests */
    }
    return slot;
}

/* ---- which frames may be written ---- */

/* Take write access to a frame out of one shadow of level 1; true: there was some. */
static bool writable_drop(const struct shadow *s, uint64_t frame)
{
    bool found = false;

    for (unsigned int i = 0; i < PT_ENTRIES; i++) {
        uint64_t e = s->page[i];

        if ((e & (PTE_P | PTE_RW)) == (PTE_P | PTE_RW) && (e & PTE_ADDR) == frame) {
            WRITE_ONCE(s->page[i], e & ~(uint64_t)PTE_RW);
            found = true;
        }
    }
    return found;
}

/* No shadow maps the frame writable when this returns, and no CPU. */
void trap_write_protect(struct shadows *sh, uint64_t *leaf)
{
    uint64_t frame = *leaf & PTE_ADDR, tag = *leaf;
    bool found = false;

    for (unsigned int i = 1; tag & TAG_WRITABLE && i < sh->nr; i++) {
        const struct shadow *s = &sh->slot[i];

        if (s->page && (s->key >> 4 & 15) == 1 && (tag & TAG_MANY || TAG_SLOT(tag) == i)) {
            found |= writable_drop(s, frame);
        }
    }
    *leaf &= ~(TAG_WRITABLE | TAG_MANY);
    if (found) {
        tlb_flush_cpus(READ_ONCE(sh->fd->d->mm.running_cpus));
    }
}

static void note_writable(uint64_t *leaf, unsigned int slot)
{
    if (*leaf & TAG_WRITABLE && TAG_SLOT(*leaf) != slot) {
        *leaf |= TAG_MANY;
    } else {
        *leaf = (*leaf & ~TAG_SLOT_MASK) | TAG_WRITABLE | TAG_OF_SLOT(slot);
    }
}

/* The guest writes one of its tables: what is shadowed of it is forgotten, and it is a page like others until it is walked again. */
static void table_release(struct shadows *sh, uint64_t gfn, uint64_t *leaf)
{
    for (unsigned int i = sh->bucket[bucket_of(gfn)]; i; i = sh->slot[i].next) {
        if (sh->slot[i].key >> 8 == gfn && (sh->slot[i].key >> 1 & 7) != VIEW_DIRECT) {
            empty(sh, i);
        }
    }
    *leaf &= ~TAG_TABLE;
}

void trap_protection_end(struct shadows *sh, uint64_t gfn, uint64_t *leaf)
{
    if (*leaf & TAG_TABLE) {
        table_release(sh, gfn, leaf);
    }
    if (*leaf & TAG_CODE) {
        trap_code_forget(sh, gfn, leaf);
    }
}

void trap_shadow_written(struct vcpu *v, uint64_t gpa)
{
    struct full_domain *fd = v->domain->full;
    uint64_t *leaf;

    spin_lock(&fd->lock);
    leaf = physmap_leaf(fd, gpa >> PAGE_SHIFT);
    if (leaf) {
        trap_protection_end(fd->engine_data, gpa >> PAGE_SHIFT, leaf);
    }
    spin_unlock(&fd->lock);
}

/* ---- roots ---- */

static enum view view_of(const struct trap_vcpu *t)
{
    if (!(t->s.cr0 & CR0_PG)) {
        return VIEW_DIRECT;
    }
    return trap_cpl(t) == 3 ? VIEW_USER : t->s.cr0 & CR0_WP ? VIEW_KERNEL : VIEW_KERNEL_NO_WP;
}

/* Lock held. */
static unsigned int root_get(struct vcpu *v)
{
    struct shadows *sh = v->domain->full->engine_data;
    struct trap_vcpu *t = trap_of(v);
    enum view view = view_of(t);
    uint64_t gfn = view == VIEW_DIRECT ? 0 : (t->s.cr3 & PTE_ADDR) >> PAGE_SHIFT;
    uint64_t key = key_of(gfn, LEVELS, view);

    if (!t->root || sh->slot[t->root].key != key) {
        t->root = (uint16_t)get(sh, key);
    }
    return t->root;
}

uint64_t trap_shadow_root(struct vcpu *v)
{
    struct full_domain *fd = v->domain->full;
    const struct shadows *sh = fd->engine_data;
    unsigned int slot;
    uint64_t pa;

    spin_lock(&fd->lock);
    slot = root_get(v);
    pa = slot ? pa_of(sh->slot[slot].page) : 0;
    spin_unlock(&fd->lock);
    return pa;
}

/* ---- a fault ---- */

struct fill {
    struct vcpu *v;
    struct shadows *sh;
    struct full_walk *w;
    uint64_t linear;
    enum view view;
    bool write, fetch;
    bool scanned; /* what is executed through this view is scanned first */
};

/* All tables of the walk are protected from now on. False: one was not until now, so it has to be read again. */
static bool tables_protect(const struct fill *f)
{
    bool all = true;

    for (unsigned int level = f->w->top; level && level >= f->w->level; level--) {
        uint64_t *leaf = physmap_leaf(f->sh->fd, f->w->at[level] >> PAGE_SHIFT);

        if (!leaf) {
            return false;
        }
        if (!(*leaf & TAG_TABLE)) {
            trap_protection_end(f->sh, f->w->at[level] >> PAGE_SHIFT, leaf);
            trap_write_protect(f->sh, leaf);
            *leaf |= TAG_TABLE;
            all = false;
        }
    }
    return all;
}

/* What an entry of ours at this level takes over from the guest's. */
static uint64_t rights_at(const struct fill *f, unsigned int level)
{
    const struct full_walk *w = f->w;
    uint64_t entry = w->entry[level], rights;

    if (!w->top || level < w->level) { /* direct */
        return TABLE | PTE_RW;
    }
    rights = TABLE | (entry & PTE_NX);
    if (entry & PTE_RW || f->view == VIEW_KERNEL_NO_WP) {
        rights |= level > w->level || entry & PTE_D ? PTE_RW : 0;
    }
    return rights;
}

/* The shadow below this level's entry. */
static uint64_t child_key(const struct fill *f, unsigned int level)
{
    const struct full_walk *w = f->w;
    uint64_t span = 1ul << 9 * (level - 1);

    if (!w->top || level <= w->level) {
        return key_of((w->gpa >> PAGE_SHIFT) & ~(span - 1), level - 1, VIEW_DIRECT);
    }
    return key_of((w->entry[level] & PTE_ADDR) >> PAGE_SHIFT, level - 1, f->view);
}

/* Down to level 1: its slot; 0: no memory, or (generation) start again. */
static unsigned int descend(const struct fill *f)
{
    struct shadows *sh = f->sh;
    unsigned int slot = root_get(f->v);

    for (unsigned int level = LEVELS; slot && level > 1; level--) {
        uint64_t generation = sh->generation;
        uint64_t *e = &sh->slot[slot].page[index_at(f->linear, level)], fresh;

        slot = get(sh, child_key(f, level));
        if (!slot || sh->generation != generation) {
            return 0;
        }
        fresh = pa_of(sh->slot[slot].page) | rights_at(f, level);
        if (*e != fresh) {
            WRITE_ONCE(*e, fresh);
        }
    }
    return slot;
}

/* Is the frame one of the tables that the walk went through? */
static bool is_own_table(const struct fill *f, uint64_t gfn)
{
    for (unsigned int level = f->w->top; level && level >= f->w->level; level--) {
        if (f->w->at[level] >> PAGE_SHIFT == gfn) {
            return true;
        }
    }
    return false;
}

/*
 * What the access means for the frame's use. A table that maps itself cannot be released and mapped at once: it is written by
 * one instruction at a time. So is code that changes the page that it runs on.
 */
static enum trap_fault frame_prepare(struct fill *f, uint64_t *leaf)
{
    uint64_t gfn = f->w->gpa >> PAGE_SHIFT;

    if (f->write && *leaf & TAG_TABLE && is_own_table(f, gfn)) {
        return TRAP_FAULT_TABLE;
    }
    if (f->write && *leaf & TAG_CODE && trap_runs_on(f->v, gfn)) {
        return TRAP_FAULT_SELF;
    }
    if (f->write) {
        trap_protection_end(f->sh, gfn, leaf);
    }
    if (f->fetch && f->scanned && !trap_code_ensure(f->v, f->linear, gfn, leaf)) {
        return TRAP_FAULT_NO_MEMORY;
    }
    return TRAP_FAULT_DONE;
}

static void leaf_set(const struct fill *f, unsigned int slot, uint64_t *leaf)
{
    uint64_t rights = rights_at(f, 1), frame = *leaf & PTE_ADDR;

    if (*leaf & (TAG_TABLE | TAG_CODE)) {
        rights &= ~(uint64_t)PTE_RW;
    }
    if (f->scanned && f->fetch) {
        frame = trap_code_frame(f->sh, f->w->gpa >> PAGE_SHIFT, frame, slot);
    } else if (f->scanned) {
        rights |= PTE_NX;
    }
    if (rights & PTE_RW) {
        note_writable(leaf, slot);
    }
    WRITE_ONCE(f->sh->slot[slot].page[index_at(f->linear, 1)], frame | rights);
}

/* For one instruction: writable although it is protected. */
static void leaf_open(const struct fill *f, unsigned int slot, const uint64_t *leaf)
{
    struct trap_vcpu *t = trap_of(f->v);
    uint64_t rights = rights_at(f, 1) | (f->scanned ? PTE_NX : 0);

    WRITE_ONCE(f->sh->slot[slot].page[index_at(f->linear, 1)], (*leaf & PTE_ADDR) | rights);
    t->step.active = true;
    t->step.write = f->linear | 1;
    t->step.gfn = f->w->gpa >> PAGE_SHIFT;
}

/* TRAP_FAULT_SELF and _TABLE: the page is open for the next instruction. */
static enum trap_fault fill(struct fill *f, uint32_t access)
{
    for (unsigned int i = 0; i < FILL_TRIES; i++) {
        enum trap_fault answer;
        uint64_t *leaf;
        unsigned int slot;

        if (full_walk(f->v, f->linear, access, f->w)) {
            return TRAP_FAULT_GUEST;
        }
        f->linear = f->w->linear;
        if (f->w->top && f->w->top != LEVELS) {
            return TRAP_FAULT_NO_MEMORY; /* 32-bit page tables: no kernel that ends in long mode keeps them */
        }
        if (!full_walk_mark(f->v, f->w, f->write)) {
            continue;
        }
        leaf = physmap_leaf(f->sh->fd, f->w->gpa >> PAGE_SHIFT);
        if (!leaf) {
            return TRAP_FAULT_DEVICE;
        }
        if (!tables_protect(f)) {
            continue;
        }
        answer = frame_prepare(f, leaf);
        if (answer == TRAP_FAULT_NO_MEMORY) {
            return answer;
        }
        slot = descend(f);
        if (slot && answer == TRAP_FAULT_DONE) {
            leaf_set(f, slot, leaf);
        } else if (slot) {
            leaf_open(f, slot, leaf);
        }
        if (slot) {
            return answer;
        }
    }
    return TRAP_FAULT_NO_MEMORY;
}

enum trap_fault trap_shadow_fault(struct vcpu *v, uint64_t linear, uint32_t code,
                                  struct full_walk *w)
{
    struct full_domain *fd = v->domain->full;
    uint32_t access = code & (PFEC_W | PFEC_U | PFEC_I);
    struct fill f = {.v = v,
                     .sh = fd->engine_data,
                     .w = w,
                     .linear = linear,
                     .view = view_of(trap_of(v)),
                     .write = code & PFEC_W,
                     .fetch = code & PFEC_I};
    enum trap_fault answer;

    f.scanned = f.sh->scan && f.view != VIEW_USER;

    if (linear >= HV_VIRT_START && linear < HV_VIRT_END) {
        return full_walk(v, linear, access, w) ? TRAP_FAULT_GUEST : TRAP_FAULT_SPACE;
    }
    spin_lock(&fd->lock);
    answer = fill(&f, access);
    spin_unlock(&fd->lock);
    return answer;
}

/* The level 1 entry for an address under the vCPU's root, or NULL. Lock held. */
uint64_t *trap_shadow_entry(struct vcpu *v, uint64_t linear)
{
    const struct shadows *sh = v->domain->full->engine_data;
    uint64_t *table = sh->slot[trap_of(v)->root].page;

    for (unsigned int level = LEVELS; table && level > 1; level--) {
        uint64_t e = table[index_at(linear, level)];

        if (!(e & PTE_P)) {
            return NULL;
        }
        table = map_frame(mfn_make((e & PTE_ADDR) >> PAGE_SHIFT));
    }
    return table ? &table[index_at(linear, 1)] : NULL;
}

/* ---- a domain's ---- */

/* The lock is held, and the frame's owner will make the CPUs forget it. */
void trap_shadow_unmapped(struct full_domain *fd)
{
    trap_shadow_reset(fd->engine_data);
}

void trap_shadow_drop_code(struct full_domain *fd)
{
    spin_lock(&fd->lock);
    trap_shadow_reset(fd->engine_data);
    spin_unlock(&fd->lock);
}

int trap_shadow_init(struct full_domain *fd, bool scan)
{
    struct shadows *sh = hv_alloc_pages(SHADOWS_PAGES);

    fd->engine_data = sh;
    if (!sh) {
        return -ENOMEM;
    }
    sh->fd = fd;
    sh->scan = scan;
    sh->nr = SHADOW_SLOTS;
    sh->hint = 1;
    return 0;
}

void trap_shadow_free(struct full_domain *fd)
{
    struct shadows *sh = fd->engine_data;

    if (!sh) {
        return;
    }
    trap_code_reset(sh);
    for (unsigned int i = 1; i < sh->nr; i++) {
        if (sh->slot[i].page) {
            hv_free_pages(sh->slot[i].page, 1);
        }
    }
    hv_free_pages(sh, SHADOWS_PAGES);
    fd->engine_data = NULL;
}
