/* SPDX-License-Identifier: MIT */
/*
 * The guest's memory as its own instructions address it, for what is emulated. Invariant: what is written here is seen by the
 * shadow tables as a write of the guest's would be.
 */
#include "common/errno.h"
#include "full/trap/trap.h"

/* What a CPU would do for an access that failed; where no memory is, reads give ones and writes go nowhere. */
static bool failed(struct vcpu *v, int rc, const struct full_walk *w)
{
    if (rc == -EFAULT) {
        trap_raise_fault(v, w);
        return true;
    }
    return false;
}

bool trap_read(struct vcpu *v, uint64_t linear, void *to, uint32_t bytes, uint32_t user)
{
    struct full_walk w;
    int rc = full_virt_access(v, linear, to, bytes, user, &w);

    if (rc == -ENXIO) {
        for (uint32_t i = 0; i < bytes; i++) {
            ((uint8_t *)to)[i] = 0xff;
        }
    }
    return !failed(v, rc, &w);
}

bool trap_write(struct vcpu *v, uint64_t linear, const void *from, uint32_t bytes, uint32_t user)
{
    struct full_walk w;
    int rc;

    /* one that crosses pages must not stop half-way */
    rc = full_walk(v, linear + bytes - 1, user | PFEC_W, &w);
    if (rc == 0) {
        rc = full_virt_access(v, linear, (void *)(uintptr_t)from, bytes, user | PFEC_W, &w);
    }
    if (failed(v, rc, &w)) {
        return false;
    }
    trap_shadow_written(v, w.gpa);
    if (linear % PAGE_SIZE + bytes > PAGE_SIZE && full_walk(v, linear, user | PFEC_W, &w) == 0) {
        trap_shadow_written(v, w.gpa);
    }
    return true;
}

uint32_t trap_user(const struct vcpu *v)
{
    return trap_cpl(trap_of(v)) == 3 ? PFEC_U : 0;
}

static uint64_t cut(uint64_t value, unsigned int bytes)
{
    return bytes >= 8 ? value : value & ((1ul << 8 * bytes) - 1);
}

/* An offset in a segment. */
uint64_t trap_linear(const struct vcpu *v, unsigned int segment, uint64_t offset)
{
    struct trap_vcpu *t = trap_of(v);
    bool is64 = trap_code_bits(t) == 64;

    trap_bases_sync(t);
    if (!is64 || segment >= SEG_NR_FS) {
        offset += t->s.seg[segment].base;
    }
    return is64 ? offset : (uint32_t)offset;
}

uint64_t trap_operand(const struct vcpu *v, const struct full_insn *i)
{
    struct vcpu *regs = (struct vcpu *)(uintptr_t)v;
    uint64_t at = (uint64_t)i->disp;

    if (i->base == INSN_RIP) {
        at += v->regs.rip + i->length;
    } else if (i->base != INSN_NO_REG) {
        at += *full_register(regs, i->base);
    }
    if (i->index != INSN_NO_REG) {
        at += *full_register(regs, i->index) << i->scale;
    }
    return trap_linear(v, i->segment, cut(at, i->address_bytes));
}

static unsigned int stack_bytes(const struct trap_vcpu *t)
{
    return trap_code_bits(t) == 64 ? 8 : t->s.seg[SEG_NR_SS].attr & SEG_ATTR_DB ? 4 : 2;
}

uint64_t trap_stack(const struct vcpu *v, int64_t offset)
{
    return trap_linear(v, SEG_NR_SS, cut(v->regs.rsp + (uint64_t)offset, stack_bytes(trap_of(v))));
}

void trap_stack_move(struct vcpu *v, int64_t by)
{
    unsigned int bytes = stack_bytes(trap_of(v));
    uint64_t moved = cut(v->regs.rsp + (uint64_t)by, bytes);

    v->regs.rsp = bytes == 2 ? (v->regs.rsp & ~0xfffful) | moved : moved;
}
