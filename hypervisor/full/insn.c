/* SPDX-License-Identifier: MIT */
/*
 * The decoder, see insn.h: prefixes, an attribute for each opcode, ModRM and what follows it. A cursor over the bytes: reading
 * past their end makes the whole answer "refused".
 */
#include "full/insn.h"

/* What follows an opcode. */
#define M  0x01u /* ModRM */
#define I1 0x02u /* immediates: a byte */
#define I2 0x04u /* two bytes */
#define IZ 0x08u /* two or four, by the operand's size */
#define J                                                                                          \
    0x10u /* the immediate is a distance; four bytes of IZ in 64-bit mode whatever the prefixes */
#define NO64 0x20u /* not in 64-bit mode */
#define NO   0x40u /* no instruction */
#define X    0x80u /* looked at by itself */

/* clang-format off */
#define ALU   M, M, M, M, I1, IZ, NO64, NO64
#define X8(a) a, a, a, a, a, a, a, a

static const uint8_t one_byte[256] = {
    ALU, ALU, ALU, ALU, ALU, ALU, ALU, ALU,
    X8(0), X8(0), X8(0), X8(0), /* 40: REX in 64-bit mode, and gone over as prefixes then */
    NO64, NO64, X, M, 0, 0, 0, 0, IZ, M | IZ, I1, M | I1, 0, 0, 0, 0, X8(I1 | J), X8(I1 | J),
    M | I1, M | IZ, M | I1 | NO64, M | I1, M, M, M, M, X8(M), X8(0), 0, 0, X, 0, 0, 0, 0, 0,
    X, X, X, X, 0, 0, 0, 0, I1, IZ, 0, 0, 0, 0, 0, 0, X8(I1), X8(X),
    M | I1, M | I1, I2, 0, X, X, M | I1, M | IZ, I1 | I2, 0, I2, 0, 0, I1, NO64, 0,
    M, M, M, M, I1 | NO64, I1 | NO64, NO64, 0, X8(M),
    I1 | J, I1 | J, I1 | J, I1 | J, I1, I1, I1, I1, IZ | J, IZ | J, X, I1 | J, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, X, X, 0, 0, 0, 0, 0, 0, M, M,
};

static const uint8_t two_bytes[256] = {
    M, M, M, M, NO, 0, 0, 0, 0, 0, NO, 0, NO, M, 0, M | I1, X8(M), X8(M),
    X, X, X, X, NO, NO, NO, NO, X8(M), 0, 0, 0, 0, 0, 0, NO, 0, X, NO, X, NO, NO, NO, NO, NO,
    X8(M), X8(M), X8(M), X8(M), X8(M), X8(M),
    M | I1, M | I1, M | I1, M | I1, M, M, M, 0, X, M, NO, NO, M, M, M, M,
    X8(IZ | J), X8(IZ | J), X8(M), X8(M),
    0, 0, 0, M, M | I1, M, M, M, 0, 0, 0, M, M | I1, M, M, M, X8(M), M, M, M | I1, M, M, M, M, M,
    M, M, M | I1, M, M | I1, M | I1, M | I1, M, X8(0), X8(M), X8(M), X8(M), X8(M), X8(M), X8(M),
};
/* clang-format on */

struct cursor {
    const uint8_t *bytes;
    unsigned int nr, at;
    bool beyond;
    unsigned int mode;
    bool operand16, address_other; /* prefixes 66 and 67 */
    uint8_t rex;
    bool has_rex;
    uint8_t segment; /* 0xff: by the base register */
    struct full_insn *i;
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

static int64_t next_signed(struct cursor *c, unsigned int bytes)
{
    unsigned int unused = 64 - 8 * bytes;

    return bytes ? (int64_t)(next_number(c, bytes) << unused) >> unused : 0;
}

/* True: b is a prefix other than REX. */
static bool prefix(struct cursor *c, uint8_t b)
{
    switch (b) {
    case 0x66:
        c->operand16 = true;
        return true;
    case 0x67:
        c->address_other = true;
        return true;
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
        if (c->mode != 64) { /* in 64-bit mode they select nothing */
            c->segment = b >> 3 & 3;
        }
        return true;
    case 0x64:
    case 0x65:
        c->segment = b & 7;
        return true;
    case 0xf0:
        return true;
    case 0xf2:
    case 0xf3:
        c->i->rep = b;
        return true;
    default:
        return false;
    }
}

static uint8_t prefixes(struct cursor *c)
{
    for (;;) {
        uint8_t b = next(c);

        if (c->mode == 64 && (b & 0xf0) == 0x40) { /* counts only right before the opcode */
            c->rex = b;
            c->has_rex = true;
        } else if (prefix(c, b) && !c->beyond) {
            c->rex = 0;
            c->has_rex = false;
        } else {
            return b;
        }
    }
}

static uint8_t address_bytes(const struct cursor *c)
{
    if (c->mode == 64) {
        return c->address_other ? 4 : 8;
    }
    return (c->mode == 32) != c->address_other ? 4 : 2;
}

static uint8_t operand_bytes(const struct cursor *c)
{
    if (c->rex & 8) {
        return 8;
    }
    return (c->mode == 16) != c->operand16 ? 2 : 4;
}

/* The 16-bit forms: bx+si bx+di bp+si bp+di si di bp bx. */
static void memory16(struct cursor *c, uint8_t mod, uint8_t rm)
{
    static const uint8_t base[8] = {3, 3, 5, 5, 6, 7, 5, 3};
    struct full_insn *i = c->i;

    i->base = base[rm];
    i->index = rm < 4 ? (uint8_t)(6 + (rm & 1)) : INSN_NO_REG;
    if (mod == 0 && rm == 6) {
        i->base = INSN_NO_REG;
        mod = 2;
    }
    i->disp = next_signed(c, mod);
}

static void memory(struct cursor *c, uint8_t mod, uint8_t rm)
{
    struct full_insn *i = c->i;
    unsigned int disp = mod == 1 ? 1 : mod == 2 ? 4 : 0;

    i->base = (uint8_t)(rm | (c->rex & 1) << 3);
    if (rm == 4) {
        uint8_t sib = next(c), index = (uint8_t)((sib >> 3 & 7) | (c->rex & 2) << 2);

        i->index = index == 4 ? INSN_NO_REG : index;
        i->scale = sib >> 6;
        i->base = (uint8_t)((sib & 7) | (c->rex & 1) << 3);
    }
    if (mod == 0 && (i->base & 7) == 5) {
        i->base = rm == 5 && c->mode == 64 ? INSN_RIP : INSN_NO_REG;
        disp = 4;
    }
    i->disp = next_signed(c, disp);
}

static void modrm(struct cursor *c)
{
    struct full_insn *i = c->i;
    uint8_t mod, rm;

    i->modrm = next(c);
    mod = i->modrm >> 6;
    rm = i->modrm & 7;
    i->reg = (uint8_t)((i->modrm >> 3 & 7) | (c->rex & 4) << 1);
    if (mod == 3) {
        i->rm = (uint8_t)(rm | (c->rex & 1) << 3);
        return;
    }
    i->mem = true;
    i->index = INSN_NO_REG;
    if (i->address_bytes == 2) {
        memory16(c, mod, rm);
    } else {
        memory(c, mod, rm);
    }
    i->segment = c->segment != 0xff ? c->segment : i->base == 4 || i->base == 5 ? 2 : 3;
}

static void immediates(struct cursor *c, uint8_t what)
{
    struct full_insn *i = c->i;

    if (what & I2) {
        i->imm = next_number(c, 2);
    }
    if (what & I1) {
        i->imm = (uint64_t)next_signed(c, 1);
    } else if (what & IZ) {
        bool two = i->operand_bytes == 2 && !(what & J && c->mode == 64);

        i->imm = (uint64_t)next_signed(c, two ? 2 : 4);
    }
}

/* ---- encodings of vectors: VEX, EVEX, XOP; all of them have ModRM ---- */

static bool vector_map(struct cursor *c, unsigned int map)
{
    struct full_insn *i = c->i;
    uint8_t op = next(c), what;

    i->opcode = (uint16_t)(0xc400 | op);
    switch (map) {
    case 1:
        if (op == 0x77) { /* VZEROUPPER */
            return true;
        }
        what = (two_bytes[op] & I1) | M;
        break;
    case 3:
    case 8:
        what = M | I1;
        break;
    case 10:
        what = M;
        break;
    default:
        what = M;
        break;
    }
    modrm(c);
    if (map == 10) {
        next_number(c, 4);
    } else {
        immediates(c, what);
    }
    return map && (map <= 3 || map == 5 || map == 6 || (map >= 8 && map <= 10));
}

static bool vector(struct cursor *c, uint8_t op)
{
    uint8_t a = next(c), b;

    if (c->operand16 || c->has_rex || c->i->rep) {
        return false;
    }
    if (op == 0xc5) {
        c->rex = (uint8_t)(a & 0x80 ? 0 : 4);
        return vector_map(c, 1);
    }
    b = next(c);
    (void)b;
    c->rex = (uint8_t)(~a >> 5 & 7);
    if (op == 0x62) {
        next(c);
        return vector_map(c, a & 7);
    }
    return vector_map(c, a & 0x1f);
}

/* ---- opcodes with a look of their own ---- */

/* The accumulator and memory at an address in the instruction. */
static bool move_offset(struct cursor *c)
{
    struct full_insn *i = c->i;

    i->mem = true;
    i->base = i->index = INSN_NO_REG;
    i->segment = c->segment != 0xff ? c->segment : 3;
    i->disp = (int64_t)next_number(c, i->address_bytes);
    return true;
}

static bool looked_at(struct cursor *c, uint8_t op)
{
    struct full_insn *i = c->i;
    uint8_t ahead = c->at < c->nr ? c->bytes[c->at] : 0;

    switch (op) {
    case 0x62:
    case 0xc4:
    case 0xc5:
        if (c->at >= c->nr) {
            c->beyond = true;
        }
        if (c->mode == 64 || ahead >= 0xc0) {
            return vector(c, op);
        }
        modrm(c);
        return true;
    case 0x9a:
    case 0xea:
        i->imm = next_number(c, i->operand_bytes == 2 ? 2 : 4);
        i->imm2 = next_number(c, 2);
        return c->mode != 64;
    case 0xa0 ... 0xa3:
        return move_offset(c);
    case 0xb8 ... 0xbf:
        i->imm = next_number(c, i->operand_bytes);
        return true;
    default: /* f6, f7: TEST has an immediate */
        modrm(c);
        immediates(c, INSN_GROUP(i) > 1 ? 0 : op & 1 ? IZ : I1);
        return true;
    }
}

static bool two_byte_opcode(struct cursor *c)
{
    struct full_insn *i = c->i;
    uint8_t op = next(c), what = two_bytes[op];

    i->opcode = (uint16_t)(0x0f00 | op);
    if (what & NO) {
        return false;
    }
    if (what & X) {
        switch (op) {
        case 0x38:
            i->opcode = (uint16_t)(0x3800 | next(c));
            modrm(c);
            return true;
        case 0x3a:
            i->opcode = (uint16_t)(0x3a00 | next(c));
            what = M | I1;
            break;
        case 0x78: /* VMREAD; EXTRQ and INSERTQ have two immediates */
            what = c->operand16 || i->rep == 0xf2 ? M | I1 | I2 : M;
            modrm(c);
            next_number(c, what & I1 ? 2 : 0);
            return true;
        default: /* moves to and from control and debug registers: mod is ignored */
            i->modrm = next(c);
            i->reg = (uint8_t)((i->modrm >> 3 & 7) | (c->rex & 4) << 1);
            i->rm = (uint8_t)((i->modrm & 7) | (c->rex & 1) << 3);
            i->operand_bytes = c->mode == 64 ? 8 : 4;
            return true;
        }
    }
    if (what & M) {
        modrm(c);
    }
    immediates(c, what);
    return true;
}

static bool opcode(struct cursor *c, uint8_t op)
{
    uint8_t what = one_byte[op];

    c->i->opcode = op;
    if (op == 0x0f) {
        return two_byte_opcode(c);
    }
    if (what & NO64 && c->mode == 64) {
        return false;
    }
    if (op == 0x8f && c->at < c->nr &&
        (c->bytes[c->at] & 0x1f) >= 8) { /* XOP, where POP would have a bad ModRM */
        return vector(c, op);
    }
    if (what & X) {
        return looked_at(c, op);
    }
    if (what & M) {
        modrm(c);
    }
    immediates(c, what);
    return true;
}

/* ---- moves, which may meet device memory ---- */

static void move(struct cursor *c, enum full_insn_kind kind, unsigned int bytes)
{
    struct full_insn *i = c->i;

    i->kind = kind;
    i->bytes = i->reg_bytes = (uint8_t)bytes;
    if (bytes == 1 && !c->has_rex && i->reg >= 4) {
        i->reg -= 4;
        i->reg_high = true;
    }
}

static void move_extended(struct cursor *c, unsigned int bytes, bool sign)
{
    move(c, INSN_LOAD, 4); /* its register is none of the high bytes */
    c->i->bytes = (uint8_t)bytes;
    c->i->reg_bytes = c->i->operand_bytes;
    c->i->sign = sign;
}

static void classify(struct cursor *c)
{
    struct full_insn *i = c->i;
    unsigned int bytes = i->opcode & 1 ? i->operand_bytes : 1;

    if (!i->mem) {
        return;
    }
    switch (i->opcode) {
    case 0x88:
    case 0x89:
        move(c, INSN_STORE, bytes);
        break;
    case 0x8a:
    case 0x8b:
        move(c, INSN_LOAD, bytes);
        break;
    case 0xa0:
    case 0xa1:
        move(c, INSN_LOAD, bytes);
        break;
    case 0xa2:
    case 0xa3:
        move(c, INSN_STORE, bytes);
        break;
    case 0xc6:
    case 0xc7:
        if (INSN_GROUP(i) == 0) {
            move(c, INSN_STORE, bytes);
            i->immediate = true;
            i->imm &= ~0ul >> (64 - 8 * bytes);
        }
        break;
    case 0x0fb6:
    case 0x0fb7:
    case 0x0fbe:
    case 0x0fbf:
        move_extended(c, bytes == 1 ? 1 : 2, i->opcode & 8);
        break;
    default:
        break;
    }
}

bool full_insn_decode(const uint8_t *bytes, unsigned int nr, unsigned int mode,
                      struct full_insn *insn)
{
    struct cursor c = {.bytes = bytes,
                       .nr = nr < INSN_MAX_BYTES ? nr : INSN_MAX_BYTES,
                       .mode = mode,
                       .segment = 0xff,
                       .i = insn};
    uint8_t op;

    *insn = (struct full_insn){.kind = INSN_OTHER};
    op = prefixes(&c);
    insn->operand_bytes = operand_bytes(&c);
    insn->address_bytes = address_bytes(&c);
    insn->segment = c.segment != 0xff ? c.segment : 3; /* of string instructions */
    if (c.beyond || !opcode(&c, op) || c.beyond) {
        return false;
    }
    classify(&c);
    insn->length = (uint8_t)c.at;
    return true;
}

bool full_insn_silent(const struct full_insn *i, unsigned int mode)
{
    switch (i->opcode) {
    case 0x06: /* segment registers pushed */
    case 0x0e:
    case 0x16:
    case 0x1e:
        return mode != 64;
    case 0x0fa0:
    case 0x0fa8:
    case 0x8c: /* and read */
    case 0x9c: /* PUSHF, POPF */
    case 0x9d:
    case 0x0f02: /* LAR, LSL */
    case 0x0f03:
    case 0x0fa2: /* CPUID */
        return true;
    case 0x0f00: /* SLDT, STR, VERR, VERW */
        return INSN_GROUP(i) <= 1 || INSN_GROUP(i) == 4 || INSN_GROUP(i) == 5;
    case 0x0f01: /* SGDT, SIDT, SMSW */
        return (i->mem && INSN_GROUP(i) <= 1) || INSN_GROUP(i) == 4;
    default:
        return false;
    }
}

enum full_insn_flow full_insn_flow(const struct full_insn *i)
{
    switch (i->opcode) {
    case 0x70 ... 0x7f:
    case 0xe0 ... 0xe3:
    case 0xe8:
    case 0x0f80 ... 0x0f8f:
        return FLOW_BRANCH;
    case 0xe9:
    case 0xeb:
        return FLOW_JUMP;
    case 0xc2: /* returns, far jumps, undefined instructions */
    case 0xc3:
    case 0xca:
    case 0xcb:
    case 0xcf:
    case 0xea:
    case 0x0f05 + 2:
    case 0x0f0b:
    case 0x0fb9:
    case 0x0fff:
        return FLOW_END;
    case 0xff:
        return INSN_GROUP(i) == 4 || INSN_GROUP(i) == 5 ? FLOW_END : FLOW_NEXT;
    default:
        return FLOW_NEXT;
    }
}
