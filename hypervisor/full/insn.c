/* SPDX-License-Identifier: MIT */
/*
 * The decoder, see insn.h. A cursor over the bytes: reading past their end makes the whole answer "refused".
 */
#include "full/insn.h"

struct cursor {
    const uint8_t *bytes;
    unsigned int nr, at;
    bool beyond;
    unsigned int mode;
    bool operand16, address_other; /* prefixes 66 and 67 */
    uint8_t rex;
};

static uint8_t next(struct cursor *c)
{
    if (c->at >= c->nr) {
        c->beyond = true;
        return 0;
    }
    return c->bytes[c->at++];
}

static uint64_t next_number(struct cursor *c, unsigned int bytes)
{
    uint64_t v = 0;

    for (unsigned int i = 0; i < bytes; i++) {
        v |= (uint64_t)next(c) << 8 * i;
    }
    return v;
}

static uint8_t prefixes(struct cursor *c)
{
    for (;;) {
        uint8_t b = next(c);

        switch (b) {
        case 0x66:
            c->operand16 = true;
            break;
        case 0x67:
            c->address_other = true;
            break;
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e:
        case 0x64:
        case 0x65:
        case 0xf0:
        case 0xf2:
        case 0xf3:
            break;
        default:
            if (c->mode == 64 && (b & 0xf0) == 0x40) { /* counts only right before the opcode */
                c->rex = b;
                b = next(c);
                if ((b & 0xf0) != 0x40) {
                    return b;
                }
                c->at--;
                break;
            }
            return b;
        }
        c->rex = 0;
        if (c->beyond) {
            return 0;
        }
    }
}

static unsigned int address_bits(const struct cursor *c)
{
    switch (c->mode) {
    case 64:
        return c->address_other ? 32 : 64;
    case 32:
        return c->address_other ? 16 : 32;
    default:
        return c->address_other ? 32 : 16;
    }
}

static unsigned int operand_bytes(const struct cursor *c)
{
    if (c->rex & 8) {
        return 8;
    }
    return (c->mode == 16) != c->operand16 ? 2 : 4;
}

/* Goes over ModRM, SIB and displacement; true if it names memory. *reg: the register field. */
static bool modrm(struct cursor *c, uint8_t *reg)
{
    uint8_t m = next(c), mod = m >> 6, rm = m & 7;

    *reg = (uint8_t)((m >> 3 & 7) | (c->rex & 4) << 1);
    if (mod == 3) {
        return false;
    }
    if (address_bits(c) == 16) {
        next_number(c, mod == 2 || (mod == 0 && rm == 6) ? 2 : mod);
        return true;
    }
    if (rm == 4) {
        uint8_t base = next(c) & 7;

        if (mod == 0 && base == 5) {
            next_number(c, 4);
        }
    } else if (mod == 0 && rm == 5) {
        next_number(c, 4);
    }
    next_number(c, mod == 1 ? 1 : mod == 2 ? 4 : 0);
    return true;
}

static bool move(struct cursor *c, struct full_insn *i, enum full_insn_kind kind,
                 unsigned int bytes)
{
    i->kind = kind;
    i->bytes = i->reg_bytes = (uint8_t)bytes;
    if (!modrm(c, &i->reg)) {
        return false;
    }
    if (bytes == 1 && !c->rex && i->reg >= 4) {
        i->reg -= 4;
        i->reg_high = true;
    }
    return true;
}

static bool move_extended(struct cursor *c, struct full_insn *i, unsigned int bytes, bool sign)
{
    if (!move(c, i, INSN_LOAD, 4)) { /* its register is none of the high bytes */
        return false;
    }
    i->bytes = (uint8_t)bytes;
    i->reg_bytes = (uint8_t)operand_bytes(c);
    i->sign = sign;
    return true;
}

static bool move_immediate(struct cursor *c, struct full_insn *i, unsigned int bytes)
{
    if (!move(c, i, INSN_STORE, bytes) || (i->reg & 7)) {
        return false;
    }
    i->immediate = true;
    i->reg_high = false;
    if (bytes == 8) {
        i->imm = (uint64_t)(int64_t)(int32_t)next_number(c, 4);
    } else {
        i->imm = next_number(c, bytes);
    }
    return true;
}

/* The accumulator and memory at an address in the instruction. */
static bool move_offset(struct cursor *c, struct full_insn *i, enum full_insn_kind kind,
                        unsigned int bytes)
{
    i->kind = kind;
    i->bytes = i->reg_bytes = (uint8_t)bytes;
    next_number(c, address_bits(c) / 8);
    return true;
}

static bool two_bytes(struct cursor *c, struct full_insn *i)
{
    uint8_t op = next(c), reg;

    i->opcode = (uint16_t)(0x0f00 | op);
    switch (op) {
    case 0x01: /* an instruction in the place of ModRM: VMMCALL, XSETBV, MONITOR … */
        return !modrm(c, &reg);
    case 0x08: /* INVD, WBINVD */
    case 0x09:
    case 0x30: /* WRMSR, RDMSR, RDPMC */
    case 0x32:
    case 0x33:
    case 0xa2: /* CPUID */
        return true;
    case 0x20 ... 0x23: /* moves to and from control and debug registers: mod is ignored */
        i->reg = next(c);
        return true;
    case 0xb6:
    case 0xb7:
        return move_extended(c, i, op & 1 ? 2 : 1, false);
    case 0xbe:
    case 0xbf:
        return move_extended(c, i, op & 1 ? 2 : 1, true);
    default:
        return false;
    }
}

static bool one_byte(struct cursor *c, uint8_t op, struct full_insn *i)
{
    unsigned int bytes = op & 1 ? operand_bytes(c) : 1;

    i->opcode = op;
    switch (op) {
    case 0x0f:
        return two_bytes(c, i);
    case 0x88:
    case 0x89:
        return move(c, i, INSN_STORE, bytes);
    case 0x8a:
    case 0x8b:
        return move(c, i, INSN_LOAD, bytes);
    case 0xa0:
    case 0xa1:
        return move_offset(c, i, INSN_LOAD, bytes);
    case 0xa2:
    case 0xa3:
        return move_offset(c, i, INSN_STORE, bytes);
    case 0xc6:
    case 0xc7:
        return move_immediate(c, i, bytes);
    case 0xf4: /* HLT */
        return true;
    default:
        return false;
    }
}

bool full_insn_decode(const uint8_t *bytes, unsigned int nr, unsigned int mode,
                      struct full_insn *insn)
{
    struct cursor c = {
        .bytes = bytes, .nr = nr < INSN_MAX_BYTES ? nr : INSN_MAX_BYTES, .mode = mode};
    uint8_t op = prefixes(&c);

    *insn = (struct full_insn){.kind = INSN_OTHER};
    if (c.beyond || !one_byte(&c, op, insn) || c.beyond) {
        return false;
    }
    insn->length = (uint8_t)c.at;
    return true;
}
