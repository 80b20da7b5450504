/* SPDX-License-Identifier: MIT */
/*
 * Stores of a guest kernel to its own L1 tables, which it can only map read-only: the instruction is computed on the
 * entry's present value and stored by the memory room's checked compare-and-exchange.
 * Invariant: the stored value was computed from exactly the entry that it replaces, so a store is atomic against other
 * vCPUs and against accessed and dirty bits that the CPU sets, whatever the instruction was.
 */
#include "common/compiler.h"
#include "common/errno.h"
#include "domain/domain.h"
#include "mm/guest_copy.h"
#include "mm/map.h"
#include "mm/page.h"
#include "mm/pt_update.h"
#include "pv/emul.h"
#include "pv/emul_alu.h"
#include "pv/pv.h"
#include "x86/cpu.h"

/* Other CPUs may change the entry meanwhile; after so many lost races the guest executes the instruction again. */
#define MAX_RACES 16u

/* Machine address of the byte at `va` if it lies in an L1 table of the domain; false: an ordinary fault. */
static bool find_l1_slot(struct vcpu *v, uint64_t va, maddr_t *where)
{
    struct page_info *pg;
    uint64_t *slots, entry, type;
    maddr_t at;

    if (pt_update_find(&v->domain->mm, v->pv.kernel_root, gva_make(va), &at)) {
        return false;
    }
    slots = map_frame(mfn_of_maddr(at));
    entry = READ_ONCE(slots[(maddr_raw(at) % PAGE_SIZE) / sizeof(*slots)]);
    unmap_frame(slots);
    if ((entry & (PTE_P | PTE_RW)) != PTE_P) {
        return false;
    }
    pg = page_of_mfn(mfn_make((entry & PTE_ADDR) >> PAGE_SHIFT));
    if (!pg || page_owner_id(pg) != v->domain->id) {
        return false;
    }
    type = READ_ONCE(pg->type);
    if (pgt_type(type) != PAGE_L1 || pgt_count(type) == 0) {
        return false;
    }
    *where = maddr_make(maddr_raw(maddr_of_mfn(page_mfn(pg))) + va % PAGE_SIZE);
    return true;
}

/* rdi, rsi and rcx after one element of stos or movs; true: more of them are to come. */
static bool string_step(struct emul *e)
{
    int64_t step = e->rflags & FLAG_DF ? -(int64_t)e->insn.op_bytes : (int64_t)e->insn.op_bytes;
    struct emul_insn width = {.op_bytes = e->insn.addr_bytes};

    width.reg = EMUL_GPR_RDI;
    emul_reg_write(&width, e->gpr, e->gpr[EMUL_GPR_RDI] + (uint64_t)step);
    if (e->insn.op == EMUL_OP_MOVS) {
        width.reg = EMUL_GPR_RSI;
        emul_reg_write(&width, e->gpr, e->gpr[EMUL_GPR_RSI] + (uint64_t)step);
    }
    if (e->insn.rep == EMUL_REP_NONE) {
        return false;
    }
    width.reg = EMUL_GPR_RCX;
    emul_reg_write(&width, e->gpr, e->gpr[EMUL_GPR_RCX] - 1);
    return emul_reg_value(&width, e->gpr) != 0;
}

/* The source element of movs. */
static bool read_string_source(const struct emul *e, uint64_t *source)
{
    struct emul other = *e;

    other.insn.mem.base = EMUL_GPR_RSI;
    other.insn.mem.seg = e->insn.src_seg;
    *source = 0;
    return guest_read(source, gva_make(emul_operand_address(&other)), e->insn.op_bytes) == 0;
}

/* What the instruction makes of the operand's old value. False: not computable. */
static bool compute(const struct emul *e, uint64_t old, struct emul_outcome *outcome)
{
    const uint64_t operand[2] = {old, 0};
    uint64_t source;

    if (e->insn.op != EMUL_OP_MOVS) {
        return emul_alu(&e->insn, operand, e->gpr, e->rflags, outcome);
    }
    if (!read_string_source(e, &source)) {
        return false;
    }
    *outcome = (struct emul_outcome){.store = true, .value = {source, 0}, .rflags = e->rflags};
    return true;
}

static enum emul_status store(struct emul *e, struct pt_update *u, maddr_t where)
{
    unsigned int shift = 8u * (unsigned int)(maddr_raw(where) % sizeof(uint64_t));
    uint64_t mask = emul_cut(~UINT64_C(0), e->insn.op_bytes) << shift;
    maddr_t slot = maddr_make(maddr_raw(where) & ~(uint64_t)(sizeof(uint64_t) - 1));
    struct emul_outcome outcome;
    uint64_t *slots = map_frame(mfn_of_maddr(slot));
    uint64_t entry = READ_ONCE(slots[(maddr_raw(slot) % PAGE_SIZE) / sizeof(*slots)]);
    unsigned int race;
    int rc = -EAGAIN;

    unmap_frame(slots);
    for (race = 0; race < MAX_RACES && rc == -EAGAIN; race++) {
        if (!compute(e, (entry & mask) >> shift, &outcome)) {
            return EMUL_NOT_OURS;
        }
        if (!outcome.store) {
            rc = 0;
            break;
        }
        rc = pt_update_compare(u, slot, &entry, (entry & ~mask) | (outcome.value[0] << shift));
    }
    if (rc == -EAGAIN || rc == -ERESTART) {
        return EMUL_RETRY;
    }
    if (rc) {
        return EMUL_NOT_OURS;
    }
    emul_alu_commit(&e->insn, &outcome, e->gpr, &e->rflags);
    if (e->insn.op == EMUL_OP_STOS || e->insn.op == EMUL_OP_MOVS) {
        return string_step(e) ? EMUL_AGAIN : EMUL_DONE;
    }
    return EMUL_DONE;
}

bool emul_page_table_write(struct vcpu *v, uint64_t address)
{
    struct mm_owner *mm = &v->domain->mm;
    enum emul_status status;
    struct pt_update u;
    struct emul e;
    uint64_t at;
    maddr_t where;
    int rc;

    if (!find_l1_slot(v, address, &where)) {
        return false;
    }
    if (!emul_fetch(&e, v) || e.mode != EMUL_MODE_64 || !emul_op_is_store(e.insn.op)) {
        return false;
    }
    at = emul_operand_address(&e);
    /* The fault names the first byte that could not be written: the operand's own, inside one entry. */
    if (at != address || e.insn.op_bytes > sizeof(uint64_t) || at % sizeof(uint64_t) + e.insn.op_bytes > sizeof(uint64_t)) {
        return false;
    }
    COUNT(v, event, COUNT_EMUL_PTE);
    rc = pt_update_begin(&u, mm, mm);
    if (rc) {
        return rc == -ERESTART; /* again after other work; -ESRCH: it is being destroyed */
    }
    status = store(&e, &u, where);
    pt_update_end(&u);
    return emul_finish(&e, status);
}
