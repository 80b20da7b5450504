/* SPDX-License-Identifier: MIT */
/*
 * INS and OUTS: elements between a port and memory, of which a device model may take several at once. What one exit or one
 * request moves ends at the page, so a fault comes at its element, and an interrupt between two rounds.
 * Invariant: memory is found, with the right to use it, before the port is touched, and then used where it was found, as a CPU does that
 * has the translation; the registers show what has been moved, and the instruction is at rip until all is.
 */
#include <xen/hvm/ioreq.h>

#include "common/errno.h"
#include "common/string.h"
#include "full/full.h"
#include "mm/pt_check.h"
#include "x86/cpu.h"
#include "x86/traps.h"

#define OPCODE_OUT   2u
#define REG_RCX      1u
#define REG_RSI      6u
#define REG_RDI      7u
#define ATTR_PRESENT 0x80u
#define ATTR_CODE    0x08u
#define ATTR_DOWN    0x04u /* of data: expands down */
#define ATTR_RW      0x02u /* code: readable, data: writable */
#define BOARD_MOST   16u   /* elements at once without a device model */

static uint64_t register_get(struct vcpu *v, const struct full_insn *i, unsigned int nr)
{
    uint64_t value = *full_register(v, nr);

    return i->address_bytes == 8 ? value : value & ((1ul << 8 * i->address_bytes) - 1);
}

/* Elements of r between memory and the buffer. What is not there reads as ones and takes nothing. */
static void move(struct vcpu *v, const struct full_request *r, uint8_t *elements)
{
    uint32_t bytes = r->insn.bytes * r->count, unit = r->down ? r->insn.bytes : bytes;
    uint32_t first = MIN(unit, PAGE_SIZE - (uint32_t)(r->gpa % PAGE_SIZE));

    for (uint32_t at = 0; at < bytes; at += unit) {
        if (r->write) {
            memset(elements + at, 0xff, unit);
            (void)!full_phys_read(v, r->gpa - at, elements + at, first);
            (void)!full_phys_read(v, r->gpa2, elements + at + first, unit - first);
        } else {
            (void)!full_phys_write(v, r->gpa - at, elements + at, first);
            (void)!full_phys_write(v, r->gpa2, elements + at + first, unit - first);
        }
    }
}

void full_string_load(struct vcpu *v, const struct full_request *r, void *elements)
{
    move(v, r, elements);
}

void full_string_finish(struct vcpu *v, const struct full_request *r, const void *elements)
{
    const struct full_engine *engine = v->domain->full->engine;
    const struct full_insn *i = &r->insn, part = {.length = 0};
    unsigned int pointer = r->write ? REG_RSI : REG_RDI;
    uint64_t left = register_get(v, i, REG_RCX) - r->count, moved = (uint64_t)r->count * i->bytes;

    if (!r->write) {
        move(v, r, (void *)(uintptr_t)elements);
        if (engine->written) {
            engine->written(v, r->gpa);
            engine->written(v, r->gpa2);
        }
    }
    full_register_set(v, pointer, i->address_bytes,
                      *full_register(v, pointer) + (r->down ? -moved : moved));
    if (i->rep) {
        full_register_set(v, REG_RCX, i->address_bytes, left);
    }
    if (!i->rep || left == 0) {
        engine->behind(v, i);
    } else {
        engine->behind(v, &part);
        v->regs.rflags |= FLAG_RF; /* a breakpoint on it has been seen */
    }
}

/* Where the first element is; false: the guest has been given a fault of its segment. */
static bool address(struct vcpu *v, const struct full_request *r, const struct full_paging *p,
                    uint64_t *linear)
{
    const struct full_engine *engine = v->domain->full->engine;
    unsigned int segment = r->write ? r->insn.segment : SEG_NR_ES;
    uint64_t off = register_get(v, &r->insn, r->write ? REG_RSI : REG_RDI), end;
    struct full_state s;
    const struct full_seg *seg = &s.seg[segment];
    bool ok, down;

    engine->state_get(v, &s);
    *linear = off + (p->code_bits == 64 && segment < SEG_NR_FS ? 0 : seg->base);
    end = off + r->insn.bytes - 1;
    if (p->code_bits == 64) {
        ok = (uint64_t)((int64_t)(*linear << 16) >> 16) == *linear;
    } else {
        *linear = (uint32_t)*linear;
        down = (seg->attr & (ATTR_CODE | ATTR_DOWN)) == ATTR_DOWN;
        ok = seg->attr & ATTR_PRESENT && (down ? off > seg->limit : end <= seg->limit) &&
             (r->write ? seg->attr & ATTR_RW || !(seg->attr & ATTR_CODE)
                       : (seg->attr & (ATTR_CODE | ATTR_RW)) == ATTR_RW);
    }
    if (!ok) {
        engine->exception(v, segment == SEG_NR_SS ? VEC_SS : VEC_GP, true, 0);
    }
    return ok;
}

/* The memory of the first elements, found and marked as used; their number. 0: a fault, or the tables are being changed. */
static uint32_t find(struct vcpu *v, struct full_request *r, const struct full_paging *p,
                     uint64_t linear)
{
    uint32_t bytes = r->insn.bytes, off = (uint32_t)(linear % PAGE_SIZE);
    bool cut = off + bytes > PAGE_SIZE, single = v->regs.rflags & FLAG_TF;

    for (unsigned int n = 0; n < (cut ? 2 : 1); n++) {
        uint64_t at = n ? linear - off + PAGE_SIZE : linear;
        struct full_walk w;

        if (full_walk(v, at, (p->user ? PFEC_U : 0) | (r->write ? 0 : PFEC_W), &w)) {
            v->domain->full->engine->page_fault(v, &w);
            return 0;
        }
        if (!full_walk_mark(v, &w, !r->write)) {
            return 0;
        }
        r->gpa2 = w.gpa;
        r->gpa = n ? r->gpa : w.gpa;
    }
    /* Registers and limits that end where an address does are looked at element by element. */
    if (cut || single || p->code_bits != 64 || r->insn.address_bytes != 8) {
        return 1;
    }
    return r->down ? off / bytes + 1 : ((uint32_t)PAGE_SIZE - off) / bytes;
}

void full_string(struct vcpu *v, const struct full_insn *i)
{
    uint64_t count = i->rep ? register_get(v, i, REG_RCX) : 1, linear;
    struct full_request r = {.type = IOREQ_TYPE_PIO,
                             .addr = (uint16_t)v->regs.rdx,
                             .write = i->opcode & OPCODE_OUT,
                             .down = v->regs.rflags & FLAG_DF,
                             .insn = *i};
    uint8_t elements[BOARD_MOST * sizeof(uint32_t)] = {0};
    struct full_paging p;

    r.insn.bytes = !(i->opcode & 1) ? 1 : i->operand_bytes == 2 ? 2 : 4;
    if (count == 0) {
        v->domain->full->engine->behind(v, i);
        return;
    }
    v->domain->full->engine->paging_get(v, &p);
    if (!address(v, &r, &p, &linear)) {
        return;
    }
    r.count = (uint32_t)MIN(count, (uint64_t)find(v, &r, &p, linear));
    if (r.count == 0 || full_request_send(v, &r)) {
        return;
    }
    r.count = MIN(r.count, BOARD_MOST);
    if (r.write) {
        full_string_load(v, &r, elements);
    }
    for (uint32_t n = 0; n < r.count; n++) {
        uint32_t value = 0;

        memcpy(&value, elements + n * r.insn.bytes, r.insn.bytes);
        value = full_board_port(v, (uint16_t)r.addr, r.insn.bytes, r.write, value);
        memcpy(elements + n * r.insn.bytes, &value, r.insn.bytes);
    }
    full_string_finish(v, &r, elements);
}
