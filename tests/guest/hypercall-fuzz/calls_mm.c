/* SPDX-License-Identifier: MIT */
/*
 * Calls about memory: page-table updates, pins, flushes, reservations and grants. What they change for good is a frame of the
 * sandbox, an entry of its window, or the one L4 slot that is put back after the call.
 */
#include <string.h>

#include <xen/errno.h>
#include <xen/memory.h>
#include <xen/xen.h>

#include "common/compiler.h"
#include "framework/hostile.h"
#include "fuzz.h"

#define MAX_BATCH 8u

/* How many a call says that there are: mostly the truth. */
static uint64_t count_of(struct fuzzer *f, unsigned nr)
{
    return one_in(f, 16) ? any_number(f) : nr;
}

void make_mmu_update(struct fuzzer *f, struct call *c)
{
    struct mmu_update reqs[MAX_BATCH];
    unsigned nr = one_in(f, 2) ? 1 : 1 + (unsigned)below(f, MAX_BATCH);
    uint64_t tables = one_in(f, 12) ? (any_domid(f, false) + 1) << 16 : 0;

    for (unsigned i = 0; i < nr; i++) {
        unsigned kind = one_in(f, 6) ? (unsigned)below(f, 8) : MMU_NORMAL_PT_UPDATE;

        if (kind == MMU_MACHPHYS_UPDATE) {
            reqs[i].ptr = any_frame(f, true) << 12 | kind;
            reqs[i].ptr = frame_is_kept(reqs[i].ptr >> 12) ? kind : reqs[i].ptr;
            reqs[i].val = any_number(f);
        } else {
            reqs[i].ptr = any_pte_address(f) | kind;
            reqs[i].val = any_pte(f);
        }
    }
    /* a count beyond the list would have the rest of the page taken for requests */
    *c = (struct call){__HYPERVISOR_mmu_update,
                       {argument(f, reqs, nr * sizeof(reqs[0])),
                        one_in(f, 16) ? below(f, nr + 1) : nr, one_in(f, 2) ? 0 : result_at(f),
                        tables | any_domid(f, false)}};
}

static void make_flush(struct fuzzer *f, struct mmuext_op *op)
{
    op->cmd = MMUEXT_TLB_FLUSH_LOCAL + (unsigned)below(f, 8);
    op->arg1.linear_addr = any_address(f);
    op->arg2.vcpumask.p = (void *)(one_in(f, 2) ? (uint64_t)f->in : any_address(f));
}

static void make_mmuext(struct fuzzer *f, struct mmuext_op *op)
{
    memset(op, 0, sizeof(*op));
    switch (below(f, 12)) {
    case 0:
        make_flush(f, op);
        break;
    case 1:
        /* the only root that this kernel can live with is its own */
        op->cmd = MMUEXT_NEW_BASEPTR;
        op->arg1.mfn = one_in(f, 3) ? sandbox.own_l4 : MFN_BEYOND + below(f, 4);
        break;
    case 2:
        op->cmd = MMUEXT_NEW_USER_BASEPTR;
        op->arg1.mfn = any_frame(f, true);
        f->dirty |= DIRTY_TABLES;
        break;
    case 3:
        op->cmd = MMUEXT_SET_LDT;
        op->arg1.linear_addr = any_address(f);
        op->arg2.nr_ents = (unsigned)any_number(f);
        f->dirty |= DIRTY_TABLES;
        break;
    case 4:
        op->cmd = MMUEXT_CLEAR_PAGE;
        op->arg1.mfn = any_frame(f, true);
        break;
    case 5:
        op->cmd = MMUEXT_COPY_PAGE;
        op->arg1.mfn = any_frame(f, true);
        op->arg2.src_mfn = any_frame(f, false);
        break;
    case 6:
        op->cmd = one_in(f, 2) ? (unsigned)any_number(f) | 32u : 16 + (unsigned)below(f, 8);
        op->arg1.mfn = any_frame(f, true);
        break;
    case 7:
    case 8:
    case 9:
        op->cmd = MMUEXT_UNPIN_TABLE;
        op->arg1.mfn = any_frame(f, true);
        break;
    default:
        op->cmd = MMUEXT_PIN_L1_TABLE + (unsigned)below(f, 4);
        op->arg1.mfn = any_frame(f, true);
        break;
    }
}

void make_mmuext_op(struct fuzzer *f, struct call *c)
{
    struct mmuext_op ops[MAX_BATCH];
    unsigned nr = one_in(f, 2) ? 1 : 1 + (unsigned)below(f, MAX_BATCH);

    for (unsigned i = 0; i < nr; i++) {
        make_mmuext(f, &ops[i]);
    }
    *c =
        (struct call){__HYPERVISOR_mmuext_op,
                      {argument(f, ops, nr * sizeof(ops[0])), one_in(f, 16) ? below(f, nr + 1) : nr,
                       one_in(f, 2) ? 0 : result_at(f), any_domid(f, false)}};
}

void make_update_va_mapping(struct fuzzer *f, struct call *c)
{
    uint64_t flags = one_in(f, 6) ? any_number(f) : below(f, 3);
    uint64_t va = any_address(f);

    if (one_in(f, 4)) {
        flags |= one_in(f, 2) ? (uint64_t)f->in & ~7ul : any_address(f) & ~3ul; /* a set of vCPUs */
    } else {
        flags |= one_in(f, 2) ? UVMF_ALL : 0;
    }
    *c = (struct call){__HYPERVISOR_update_va_mapping, {va, any_pte(f), flags}};
    if (one_in(f, 10)) {
        c->nr = __HYPERVISOR_update_va_mapping_otherdomain;
        c->args[3] = any_domid(f, false);
    }
}

/* ---- reservations ---- */

static uint64_t frame_list(struct fuzzer *f, unsigned nr)
{
    uint64_t list[MAX_BATCH];

    for (unsigned i = 0; i < nr; i++) {
        list[i] = any_frame(f, true);
        for (unsigned k = 0; k < SANDBOX_FRAMES; k++) {
            f->lost |= (uint64_t)(sandbox.mfns[k] == list[i]) << k;
        }
    }
    return argument(f, list, nr * sizeof(list[0]));
}

/* Numbers for lists of nothing but output; a frame is kept if it is among those that follow a changeable one. */
static unsigned any_order(struct fuzzer *f)
{
    return one_in(f, 4) ? (unsigned)any_number(f) : (unsigned)below(f, 2);
}

static void make_reservation(struct fuzzer *f, struct call *c, uint64_t cmd)
{
    unsigned nr = (unsigned)below(f, MAX_BATCH);
    struct xen_memory_reservation r = {
        .nr_extents = count_of(f, nr),
        .extent_order = any_order(f),
        .mem_flags = one_in(f, 4) ? (unsigned)any_number(f) : 0,
        .domid = (domid_t)any_domid(f, false),
    };

    if (cmd == XENMEM_decrease_reservation) {
        r.extent_order = one_in(f, 8) ? 10 + (unsigned)below(f, 60) : 0;
        r.nr_extents = below(f, nr + 1);
        r.extent_start.p = (void *)frame_list(f, nr);
    } else {
        r.extent_start.p = (void *)(one_in(f, 4) ? 0 : result_at(f));
    }
    c->args[1] = argument(f, &r, sizeof(r));
}

static void make_exchange(struct fuzzer *f, struct call *c)
{
    unsigned nr = 1 + (unsigned)below(f, 4);
    uint64_t pfns[MAX_BATCH];
    struct xen_memory_exchange x = {
        .in = {.nr_extents = nr, .domid = DOMID_SELF},
        .out = {.nr_extents = nr, .domid = DOMID_SELF},
        .nr_exchanged = one_in(f, 6) ? any_number(f) : 0,
    };

    for (unsigned i = 0; i < nr; i++) {
        pfns[i] = any_number(f);
    }
    if (one_in(f, 4)) {
        x.out.extent_order = any_order(f);
        x.out.nr_extents = any_number(f);
        x.out.mem_flags = (unsigned)any_number(f);
    }
    if (one_in(f, 8)) {
        x.in.domid = (domid_t)any_domid(f, false);
        x.out.domid = (domid_t)any_domid(f, false);
    }
    x.in.extent_start.p = (void *)frame_list(f, nr);
    x.out.extent_start.p = (void *)argument(f, pfns, nr * sizeof(pfns[0]));
    c->args[1] = argument(f, &x, sizeof(x));
}

void make_memory_op(struct fuzzer *f, struct call *c)
{
    static const uint8_t often[] = {XENMEM_increase_reservation, XENMEM_decrease_reservation,
                                    XENMEM_populate_physmap, XENMEM_exchange};
    uint64_t cmd = one_in(f, 2) ? often[below(f, ARRAY_SIZE(often))] : below(f, 30);
    uint64_t words[8];

    *c = (struct call){__HYPERVISOR_memory_op, {cmd}};
    switch (cmd) {
    case XENMEM_increase_reservation:
    case XENMEM_decrease_reservation:
    case XENMEM_populate_physmap:
        make_reservation(f, c, cmd);
        break;
    case XENMEM_exchange:
        make_exchange(f, c);
        break;
    default:
        for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
            words[i] = one_in(f, 3) ? result_at(f) : any_number(f);
        }
        words[0] = one_in(f, 2) ? any_domid(f, false) : words[0];
        c->args[1] = argument(f, words, sizeof(words));
        break;
    }
    if (one_in(f, 16)) {
        c->args[0] |= any_number(f) << 6; /* as if it had been interrupted */
    }
}

/* ---- grants ---- */

/* Entries of our own table, changed under the hypervisor's eyes. */
static void change_grants(struct fuzzer *f)
{
    static const uint16_t flags[] = {0, GTF_permit_access, GTF_permit_access | GTF_readonly,
                                     GTF_accept_transfer, GTF_transitive};
    struct grant_entry_v1 *e;

    if (sandbox.grants == NULL || !one_in(f, 2)) {
        return;
    }
    e = &sandbox.grants[16 + below(f, 32)];
    e->domid = (domid_t)(one_in(f, 2) ? sandbox.own_domid : any_domid(f, false));
    e->frame = (uint32_t)any_frame(f, true);
    if (frame_is_kept(e->frame)) {
        e->frame = (uint32_t)sandbox.mfns[0];
    }
    e->flags = one_in(f, 8) ? (uint16_t)rnd(f) : flags[below(f, ARRAY_SIZE(flags))];
}

static uint64_t any_ref(struct fuzzer *f)
{
    return one_in(f, 12) ? any_number(f) : 16 + below(f, 32);
}

static void make_map(struct fuzzer *f, struct call *c)
{
    struct gnttab_map_grant_ref ops[4];
    unsigned nr = 1 + (unsigned)below(f, ARRAY_SIZE(ops));

    for (unsigned i = 0; i < nr; i++) {
        bool by_entry = one_in(f, 3);
        uint64_t flags = GNTMAP_host_map | (by_entry ? GNTMAP_contains_pte : 0) |
                         (one_in(f, 2) ? GNTMAP_readonly : 0) |
                         (one_in(f, 4) ? GNTMAP_device_map : 0);

        ops[i] = (struct gnttab_map_grant_ref){
            .host_addr = by_entry ? any_pte_address(f) : any_address(f),
            .flags = (uint32_t)(one_in(f, 8) ? flags ^ 1ul << below(f, 32) : flags),
            .ref = (grant_ref_t)any_ref(f),
            .dom = (domid_t)(one_in(f, 4) ? any_domid(f, false) : sandbox.own_domid),
            .handle = ~0u,
            .status = GNTST_bad_handle,
        };
        /* the slot's entry is no place for a page, and an address is no entry */
        if ((ops[i].flags & GNTMAP_contains_pte) != 0 && !by_entry) {
            ops[i].host_addr = sandbox.window_pte;
        }
    }
    c->args[1] = argument(f, ops, nr * sizeof(ops[0]));
    c->args[2] = nr;
}

static void make_unmap(struct fuzzer *f, struct call *c)
{
    struct gnttab_unmap_grant_ref ops[4];
    unsigned nr = 1 + (unsigned)below(f, ARRAY_SIZE(ops));

    for (unsigned i = 0; i < nr; i++) {
        ops[i] = (struct gnttab_unmap_grant_ref){
            .host_addr = one_in(f, 2) ? any_address(f) : any_pte_address(f),
            .dev_bus_addr = one_in(f, 4) ? any_frame(f, true) << 12 : 0,
            .handle = (grant_handle_t)any_number(f),
        };
        if (f->nr_logged > 0 && !one_in(f, 6)) {
            const struct mapped_grant *m = &f->log[below(f, MIN(f->nr_logged, MAP_LOG))];

            ops[i].host_addr = m->host_addr;
            ops[i].handle = m->handle;
            ops[i].dev_bus_addr = one_in(f, 8) ? any_frame(f, true) << 12 : 0;
        }
    }
    c->args[1] = argument(f, ops, nr * sizeof(ops[0]));
    c->args[2] = nr;
}

static void any_copy_side(struct fuzzer *f, struct gnttab_copy_ptr *side, bool by_ref, bool changed)
{
    memset(side, 0, sizeof(*side));
    if (by_ref) {
        side->u.ref = (grant_ref_t)any_ref(f);
    } else {
        side->u.gmfn = any_frame(f, changed);
    }
    side->domid = (domid_t)(by_ref && !one_in(f, 4) ? sandbox.own_domid : any_domid(f, false));
    side->offset = (uint16_t)any_number(f);
}

static void make_copy(struct fuzzer *f, struct call *c)
{
    struct gnttab_copy ops[4];
    unsigned nr = 1 + (unsigned)below(f, ARRAY_SIZE(ops));

    memset(ops, 0, sizeof(ops));
    for (unsigned i = 0; i < nr; i++) {
        ops[i].flags = (uint16_t)(below(f, 4) | (one_in(f, 8) ? any_number(f) << 2 : 0));
        any_copy_side(f, &ops[i].source, (ops[i].flags & GNTCOPY_source_gref) != 0, false);
        any_copy_side(f, &ops[i].dest, (ops[i].flags & GNTCOPY_dest_gref) != 0, true);
        ops[i].len = (uint16_t)any_number(f);
    }
    c->args[1] = argument(f, ops, nr * sizeof(ops[0]));
    c->args[2] = nr;
}

static void make_grant_rest(struct fuzzer *f, struct call *c)
{
    uint64_t words[4] = {any_domid(f, false), one_in(f, 2) ? below(f, 8) << 32 : any_number(f),
                         result_at(f), any_number(f)};

    c->args[0] = 2 + below(f, 12);
    if (c->args[0] == GNTTABOP_copy || c->args[0] == GNTTABOP_dump_table) {
        c->args[0] = GNTTABOP_query_size;
    }
    if (c->args[0] == GNTTABOP_setup_table) {
        words[0] = (words[0] & 0xffff) | below(f, 6) << 32;
        words[2] = words[1];
        words[1] = one_in(f, 8) ? words[1] : 0;
        words[2] = result_at(f);
    } else if (c->args[0] == GNTTABOP_set_version) {
        words[0] = below(f, 4);
    }
    c->args[1] = argument(f, words, sizeof(words));
    c->args[2] = one_in(f, 8) ? any_number(f) : 1;
}

void make_grant_table_op(struct fuzzer *f, struct call *c)
{
    *c = (struct call){.nr = __HYPERVISOR_grant_table_op};
    change_grants(f);
    switch (below(f, 8)) {
    case 0:
    case 1:
    case 2:
        make_map(f, c);
        c->args[0] = GNTTABOP_map_grant_ref;
        break;
    case 3:
    case 4:
        make_unmap(f, c);
        c->args[0] = GNTTABOP_unmap_grant_ref;
        break;
    case 5:
    case 6:
        make_copy(f, c);
        c->args[0] = GNTTABOP_copy;
        break;
    default:
        make_grant_rest(f, c);
        break;
    }
}

void grants_remember(struct fuzzer *f, const struct call *c, long rc)
{
    const struct gnttab_map_grant_ref *op = (const void *)c->args[1];
    bool readable =
        (const char *)op >= f->in && (const char *)(op + c->args[2]) <= f->in + IN_PAGES * 4096ul;

    if (rc != 0 || c->nr != __HYPERVISOR_grant_table_op || c->args[0] != GNTTABOP_map_grant_ref ||
        c->args[2] > 4 || !readable) {
        return;
    }
    for (unsigned i = 0; i < c->args[2]; i++) {
        if (op[i].status == GNTST_okay) {
            f->log[f->nr_logged++ % MAP_LOG] =
                (struct mapped_grant){op[i].host_addr, op[i].handle, op[i].flags};
        }
    }
}
