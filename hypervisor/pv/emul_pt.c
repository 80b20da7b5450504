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
#include "mm/map.h"
#include "mm/page.h"
#include "mm/pt_update.h"
#include "pv/emul.h"
#include "pv/emul_alu.h"
#include "x86/cpu.h"

/* Other CPUs may change the entry meanwhile; after so many lost races the guest executes the instruction again. */
#define MAX_RACES 16u

/* SDM vol. 2: two instructions of the form REX.W op r/m64, r64; the first byte lowest. */
#define REX_RXB   0x07u
#define XCHG_RM_R 0x8748u
#define MOV_RM_R  0x8948u

/* Machine address of the byte at `va` if its page is mapped and may not be written. */
static bool find_byte(const struct vcpu *v, uint64_t va, maddr_t *where)
{
    uint64_t *slots, entry;
    maddr_t at;

    if (pt_update_find(&v->domain->mm, v->pv.kernel_root, gva_make(va), &at)) {
        return false;
    }
    slots = map_frame(mfn_of_maddr(at));
    entry = READ_ONCE(slots[(maddr_raw(at) % PAGE_SIZE) / sizeof(*slots)]);
    unmap_frame(slots);
    *where = maddr_make((entry & PTE_ADDR) | va % PAGE_SIZE);
    return (entry & (PTE_P | PTE_RW)) == PTE_P;
}

/* In an L1 table of the domain? If not, the fault is an ordinary one. */
static bool is_l1_slot(const struct vcpu *v, maddr_t where)
{
    const struct page_info *pg = page_of_mfn(mfn_of_maddr(where));
    uint64_t type;

    if (!pg || page_owner_id(pg) != v->domain->id) {
        return false;
    }
    type = READ_ONCE(pg->type);
    return pgt_type(type) == PAGE_L1 && pgt_count(type) != 0;
}

/* rdi and rcx after one element of stos; true: more of them are to come. */
static bool string_step(struct emul *e)
{
    emul_string_advance(e, EMUL_GPR_RDI);
    if (e->insn.rep == EMUL_REP_NONE) {
        return false;
    }
    emul_address_add(e, EMUL_GPR_RCX, -1);
    return emul_cut(e->gpr[EMUL_GPR_RCX], e->insn.addr_bytes) != 0;
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
        if (!emul_alu(&e->insn, (entry & mask) >> shift, e->gpr, e->rflags, &outcome)) {
            return EMUL_NOT_OURS;
        }
        if (!outcome.store) {
            rc = 0;
            break;
        }
        rc = pt_update_compare(u, slot, &entry, (entry & ~mask) | (outcome.value << shift));
    }
    if (rc == -EAGAIN || rc == -ERESTART) {
        return EMUL_RETRY;
    }
    if (rc) {
        return EMUL_NOT_OURS;
    }
    emul_alu_commit(&e->insn, &outcome, e->gpr, &e->rflags);
    return e->insn.op == EMUL_OP_STOS && string_step(e) ? EMUL_AGAIN : EMUL_DONE;
}

/* How kernels write most of their entries: mov or xchg of a 64-bit register at [register + displacement]. */
static bool store_register(struct vcpu *v, uint64_t address, maddr_t where)
{
    uint64_t *reg, code, at, was, start = rdtsc();
    unsigned int op, mod, rm, length = 3;

    if (!emul_peek(v, &code)) {
        return false;
    }
    op = (unsigned int)code & 0xffff & ~REX_RXB;
    mod = code >> 22 & 3;
    rm = code >> 16 & 7;
    if ((op != XCHG_RM_R && op != MOV_RM_R) || mod == 3 || rm == 4 || (mod == 0 && rm == 5)) {
        return false; /* something else; a register, a scaled index, relative to rip */
    }
    at = *emul_gpr(v, rm | ((unsigned int)code & 1) << 3);
    reg = emul_gpr(v, (code >> 19 & 7) | ((unsigned int)code & 4) << 1);
    if (mod == 1) {
        at += (uint64_t)(int64_t)(int8_t)(code >> 24);
        length = 4;
    } else if (mod == 2) {
        at += (uint64_t)(int64_t)(int32_t)(code >> 24);
        length = 7;
    }
    if (at != address || at % sizeof(*reg) || !pt_update_exchange(&v->domain->mm, where, *reg, &was)) {
        return false;
    }
    if (op == XCHG_RM_R) {
        *reg = was;
    }
    emul_step(v, length, COUNT_EMUL_PTE, start);
    return true;
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

    if (!find_byte(v, address, &where)) {
        return false;
    }
    if (store_register(v, address, where)) {
        return true;
    }
    if (!is_l1_slot(v, where) || !emul_fetch(&e, v) || e.mode != EMUL_MODE_64 || !emul_op_is_store(e.insn.op)) {
        return false;
    }
    at = emul_operand_address(&e);
    /* The fault names the first byte that could not be written: the operand's own, inside one entry. */
    if (at != address || at % sizeof(uint64_t) + e.insn.op_bytes > sizeof(uint64_t)) {
        return false;
    }
    emul_count(&e, COUNT_EMUL_PTE);
    rc = pt_update_begin(&u, mm, mm);
    if (rc) {
        return rc == -ERESTART; /* again after other work; -ESRCH: it is being destroyed */
    }
    status = store(&e, &u, where);
    pt_update_end(&u);
    return emul_finish(&e, status);
}
