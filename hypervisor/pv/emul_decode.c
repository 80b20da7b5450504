/* SPDX-License-Identifier: MIT */
/*
 * Instruction decoder for PV emulation: prefixes, one of two opcode tables, then one small function an operand form.
 * Invariant: the cursor is the only reader of the bytes, it never passes their end, and a decode that ran out of bytes
 * answers EMUL_TRUNCATED whatever else it thought. Pure: no state, no guest access.
 */
#include "emul_decode.h"

/* Operand forms. "Byte by bit 0": the opcode's lowest bit clear means that the operation is one byte wide. */
enum form {
    FORM_NONE = 0,
    FORM_PLAIN,     /* no operands */
    FORM_PORT_IMM,  /* al/eax and an immediate port, byte by bit 0 */
    FORM_PORT_DX,   /* al/eax and dx, byte by bit 0 */
    FORM_STRING,    /* ins, outs, stos, byte by bit 0 */
    FORM_VECTOR,    /* an immediate interrupt vector */
    FORM_STORE,     /* memory, register; byte by bit 0 */
    FORM_STORE_IMM, /* memory, immediate, modrm.reg must be 0; byte by bit 0 */
    FORM_ALU_IMM,   /* modrm.reg selects the operation; byte by bit 0, 83 has a byte immediate */
    FORM_BIT_REG,   /* memory bit string, register; never a byte */
    FORM_BIT_IMM,   /* memory, immediate bit number; modrm.reg selects */
    FORM_SPECIAL,   /* control and debug register moves */
    FORM_GROUP_0F01,
    FORM_UD2,
};

struct opcode {
    uint8_t op;
    uint8_t form;
};

static const struct opcode one_byte[256] = {
    [0x08 ... 0x09] = {EMUL_OP_OR, FORM_STORE},
    [0x20 ... 0x21] = {EMUL_OP_AND, FORM_STORE},
    [0x30 ... 0x31] = {EMUL_OP_XOR, FORM_STORE},
    [0x6c ... 0x6d] = {EMUL_OP_INS, FORM_STRING},
    [0x6e ... 0x6f] = {EMUL_OP_OUTS, FORM_STRING},
    [0x80 ... 0x81] = {EMUL_OP_NONE, FORM_ALU_IMM},
    [0x83] = {EMUL_OP_NONE, FORM_ALU_IMM},
    [0x86 ... 0x87] = {EMUL_OP_XCHG, FORM_STORE},
    [0x88 ... 0x89] = {EMUL_OP_MOV, FORM_STORE},
    [0xaa ... 0xab] = {EMUL_OP_STOS, FORM_STRING},
    [0xc6 ... 0xc7] = {EMUL_OP_MOV, FORM_STORE_IMM},
    [0xcd] = {EMUL_OP_INT, FORM_VECTOR},
    [0xe4 ... 0xe5] = {EMUL_OP_IN, FORM_PORT_IMM},
    [0xe6 ... 0xe7] = {EMUL_OP_OUT, FORM_PORT_IMM},
    [0xec ... 0xed] = {EMUL_OP_IN, FORM_PORT_DX},
    [0xee ... 0xef] = {EMUL_OP_OUT, FORM_PORT_DX},
    [0xf4] = {EMUL_OP_HLT, FORM_PLAIN},
    [0xfa] = {EMUL_OP_CLI, FORM_PLAIN},
    [0xfb] = {EMUL_OP_STI, FORM_PLAIN},
};

static const struct opcode two_byte[256] = {
    [0x01] = {EMUL_OP_NONE, FORM_GROUP_0F01},
    [0x06] = {EMUL_OP_CLTS, FORM_PLAIN},
    [0x08] = {EMUL_OP_INVD, FORM_PLAIN},
    [0x09] = {EMUL_OP_WBINVD, FORM_PLAIN}, /* with f3 it is wbnoinvd, which may flush as well */
    [0x0b] = {EMUL_OP_CPUID_FORCED, FORM_UD2},
    [0x20] = {EMUL_OP_MOV_FROM_CR, FORM_SPECIAL},
    [0x21] = {EMUL_OP_MOV_FROM_DR, FORM_SPECIAL},
    [0x22] = {EMUL_OP_MOV_TO_CR, FORM_SPECIAL},
    [0x23] = {EMUL_OP_MOV_TO_DR, FORM_SPECIAL},
    [0x30] = {EMUL_OP_WRMSR, FORM_PLAIN},
    [0x31] = {EMUL_OP_RDTSC, FORM_PLAIN},
    [0x32] = {EMUL_OP_RDMSR, FORM_PLAIN},
    [0x33] = {EMUL_OP_RDPMC, FORM_PLAIN},
    [0xa2] = {EMUL_OP_CPUID, FORM_PLAIN},
    [0xab] = {EMUL_OP_BTS, FORM_BIT_REG},
    [0xb0 ... 0xb1] = {EMUL_OP_CMPXCHG, FORM_STORE},
    [0xb3] = {EMUL_OP_BTR, FORM_BIT_REG},
    [0xba] = {EMUL_OP_NONE, FORM_BIT_IMM},
    [0xbb] = {EMUL_OP_BTC, FORM_BIT_REG},
};

#define REX_W 8u
#define REX_R 4u
#define REX_X 2u
#define REX_B 1u

/* The state of one decode. Once `out` is set every further byte reads as 0 and the answer is decided. */
struct decode {
    const uint8_t *bytes;
    unsigned int nr_bytes;
    unsigned int at;
    bool out;
    enum emul_mode mode;
    bool opsize;  /* 66 */
    bool addrsize; /* 67 */
    bool has_rex;
    uint8_t rex;
    uint8_t seg_override; /* enum emul_seg, or EMUL_SEG_NR for none */
    uint8_t opcode;
    uint8_t mod;
    uint8_t reg; /* three bits, without REX.R */
    uint8_t rm;  /* three bits, without REX.B */
    struct emul_insn *insn;
};

static uint8_t next_byte(struct decode *dec)
{
    if (dec->at >= dec->nr_bytes) {
        dec->out = true;
        return 0;
    }
    return dec->bytes[dec->at++];
}

/* Little-endian, 1 to 8 bytes, sign-extended to 64 bits. */
static uint64_t next_signed(struct decode *dec, unsigned int nr)
{
    uint64_t value = 0;
    unsigned int i;

    for (i = 0; i < nr; i++) {
        value |= (uint64_t)next_byte(dec) << (8 * i);
    }
    if (nr < 8 && (value >> (8 * nr - 1)) & 1) {
        value |= ~UINT64_C(0) << (8 * nr);
    }
    return value;
}

static uint8_t rex_bit(const struct decode *dec, unsigned int bit)
{
    return dec->rex & bit ? 8 : 0;
}

/*
 * Consumes prefixes and answers the first byte that is none. A REX prefix counts only directly before the opcode, so any
 * legacy prefix behind it cancels it (SDM vol. 2, 2.2.1).
 */
static uint8_t read_prefixes(struct decode *dec)
{
    for (;;) {
        uint8_t byte = next_byte(dec);

        if (dec->out) {
            return 0;
        }
        if (dec->mode == EMUL_MODE_64 && (byte & 0xf0) == 0x40) {
            dec->has_rex = true;
            dec->rex = byte & 0xf;
            continue;
        }
        switch (byte) {
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e:
            /* In 64-bit mode these four select nothing, and they do not cancel an fs or gs before them. */
            if (dec->mode != EMUL_MODE_64) {
                dec->seg_override = (byte >> 3) & 3;
            }
            break;
        case 0x64:
        case 0x65:
            dec->seg_override = byte & 7;
            break;
        case 0x66:
            dec->opsize = true;
            break;
        case 0x67:
            dec->addrsize = true;
            break;
        case 0xf0:
            dec->insn->lock = true;
            break;
        case 0xf2:
            dec->insn->rep = EMUL_REP_NE;
            break;
        case 0xf3:
            dec->insn->rep = EMUL_REP_E;
            break;
        default:
            return byte;
        }
        dec->has_rex = false;
        dec->rex = 0;
    }
}

static uint8_t segment_or(const struct decode *dec, enum emul_seg by_default)
{
    return dec->seg_override != EMUL_SEG_NR ? dec->seg_override : (uint8_t)by_default;
}

static void read_modrm(struct decode *dec)
{
    uint8_t modrm = next_byte(dec);

    dec->mod = modrm >> 6;
    dec->reg = (modrm >> 3) & 7;
    dec->rm = modrm & 7;
}

/* Reads what follows a ModRM byte with a memory operand. False: 16-bit addressing, which is not emulated. */
static bool read_mem(struct decode *dec)
{
    struct emul_mem *mem = &dec->insn->mem;
    bool no_base = false;

    if (dec->insn->addr_bytes == 2) {
        return false;
    }
    mem->index = EMUL_REG_NONE;
    mem->scale = 1;
    if (dec->rm == 4) {
        uint8_t sib = next_byte(dec);
        uint8_t index = (uint8_t)(((sib >> 3) & 7) | rex_bit(dec, REX_X));

        if (index != 4) {
            mem->index = index;
            mem->scale = (uint8_t)(1u << (sib >> 6));
        }
        mem->base = (uint8_t)((sib & 7) | rex_bit(dec, REX_B));
        no_base = dec->mod == 0 && (sib & 7) == 5;
        if (no_base) {
            mem->base = EMUL_REG_NONE;
        }
    } else if (dec->mod == 0 && dec->rm == 5) {
        no_base = true;
        mem->base = dec->mode == EMUL_MODE_64 ? EMUL_REG_RIP : EMUL_REG_NONE;
    } else {
        mem->base = (uint8_t)(dec->rm | rex_bit(dec, REX_B));
    }
    if (no_base || dec->mod == 2) {
        mem->disp = (int64_t)next_signed(dec, 4);
    } else if (dec->mod == 1) {
        mem->disp = (int64_t)next_signed(dec, 1);
    }
    mem->seg = segment_or(dec, mem->base == EMUL_GPR_RSP || mem->base == EMUL_GPR_RBP
                                   ? EMUL_SEG_SS
                                   : EMUL_SEG_DS);
    dec->insn->has_mem = true;
    return true;
}

/* ModRM that must name memory: a register destination cannot have caused the fault. */
static bool read_modrm_mem(struct decode *dec)
{
    read_modrm(dec);
    return dec->mod != 3 && read_mem(dec);
}

static void set_reg(struct decode *dec, uint8_t reg)
{
    struct emul_insn *insn = dec->insn;

    insn->src = EMUL_SRC_REG;
    insn->reg = reg;
    if (insn->op_bytes == 1 && !dec->has_rex && reg >= 4) {
        insn->reg = (uint8_t)(reg - 4);
        insn->reg_high = true;
    }
}

static void byte_by_bit0(struct decode *dec)
{
    if (!(dec->opcode & 1)) {
        dec->insn->op_bytes = 1;
    }
}

/* An immediate of the operation's width, but never more than four bytes. */
static void read_imm(struct decode *dec)
{
    dec->insn->src = EMUL_SRC_IMM;
    dec->insn->imm = next_signed(dec, dec->insn->op_bytes < 4 ? dec->insn->op_bytes : 4);
}

/* Ports are at most four bytes wide: REX.W has no effect on them. */
static void port_width(struct decode *dec)
{
    if (dec->insn->op_bytes > 4) {
        dec->insn->op_bytes = 4;
    }
}

static bool decode_port(struct decode *dec, bool immediate)
{
    struct emul_insn *insn = dec->insn;

    byte_by_bit0(dec);
    port_width(dec);
    insn->reg = EMUL_GPR_RDX;
    if (immediate) {
        insn->src = EMUL_SRC_IMM;
        insn->imm = next_byte(dec);
    } else {
        insn->src = EMUL_SRC_REG;
    }
    return true;
}

static bool decode_string(struct decode *dec)
{
    struct emul_insn *insn = dec->insn;

    if (insn->addr_bytes == 2) {
        return false;
    }
    byte_by_bit0(dec);
    insn->has_mem = true;
    insn->mem = (struct emul_mem){EMUL_SEG_ES, EMUL_GPR_RDI, EMUL_REG_NONE, 1, 0};
    if (insn->op == EMUL_OP_INS || insn->op == EMUL_OP_OUTS) {
        port_width(dec);
        insn->reg = EMUL_GPR_RDX;
        insn->src = EMUL_SRC_REG;
    }
    if (insn->op == EMUL_OP_OUTS) {
        insn->mem.seg = segment_or(dec, EMUL_SEG_DS);
        insn->mem.base = EMUL_GPR_RSI;
    } else if (insn->op == EMUL_OP_STOS) {
        insn->src = EMUL_SRC_REG;
        insn->reg = EMUL_GPR_RAX;
    }
    return true;
}

/* Memory, register; bit strings have no byte form. */
static bool decode_store(struct decode *dec, bool may_be_byte)
{
    if (may_be_byte) {
        byte_by_bit0(dec);
    }
    if (!read_modrm_mem(dec)) {
        return false;
    }
    set_reg(dec, (uint8_t)(dec->reg | rex_bit(dec, REX_R)));
    return true;
}

static bool decode_store_imm(struct decode *dec)
{
    byte_by_bit0(dec);
    if (!read_modrm_mem(dec) || dec->reg != 0) {
        return false;
    }
    read_imm(dec);
    return true;
}

static bool decode_alu_imm(struct decode *dec)
{
    static const uint8_t by_reg[8] = {[1] = EMUL_OP_OR, [4] = EMUL_OP_AND, [6] = EMUL_OP_XOR};

    byte_by_bit0(dec);
    if (!read_modrm_mem(dec)) {
        return false;
    }
    dec->insn->op = by_reg[dec->reg];
    if (dec->opcode == 0x83) {
        dec->insn->src = EMUL_SRC_IMM;
        dec->insn->imm = next_signed(dec, 1);
    } else {
        read_imm(dec);
    }
    return dec->insn->op != EMUL_OP_NONE;
}

static bool decode_bit_imm(struct decode *dec)
{
    static const uint8_t by_reg[8] = {[5] = EMUL_OP_BTS, [6] = EMUL_OP_BTR, [7] = EMUL_OP_BTC};

    if (!read_modrm_mem(dec)) {
        return false;
    }
    dec->insn->op = by_reg[dec->reg];
    dec->insn->src = EMUL_SRC_IMM;
    dec->insn->imm = next_byte(dec);
    return dec->insn->op != EMUL_OP_NONE;
}

/* The mod field is ignored: the operand is always a register. Other numbers do not exist (SDM vol. 2, MOV CRn, DRn). */
static bool decode_special(struct decode *dec)
{
    bool control = !(dec->opcode & 1);

    read_modrm(dec);
    dec->insn->op_bytes = dec->mode == EMUL_MODE_64 ? 8 : 4;
    dec->insn->special = (uint8_t)(dec->reg | rex_bit(dec, REX_R));
    dec->insn->src = EMUL_SRC_REG;
    dec->insn->reg = (uint8_t)(dec->rm | rex_bit(dec, REX_B));
    return dec->insn->special <= 8 && ((control ? 0x11du : 0xffu) >> dec->insn->special) & 1;
}

static bool decode_group_0f01(struct decode *dec)
{
    struct emul_insn *insn = dec->insn;

    read_modrm(dec);
    if (dec->mod != 3) {
        insn->op = EMUL_OP_INVLPG;
        return dec->reg == 7 && read_mem(dec);
    }
    if (dec->reg == 4 || dec->reg == 6) {
        insn->op = dec->reg == 4 ? EMUL_OP_SMSW : EMUL_OP_LMSW;
        if (insn->op == EMUL_OP_LMSW) {
            insn->op_bytes = 2;
        }
        set_reg(dec, (uint8_t)(dec->rm | rex_bit(dec, REX_B)));
        return true;
    }
    if (dec->reg == 7 && dec->rm == 1) {
        insn->op = EMUL_OP_RDTSCP;
        return true;
    }
    /* xgetbv and xsetbv: a 66, f2 or f3 before them makes other instructions. */
    insn->op = dec->rm == 0 ? EMUL_OP_XGETBV : EMUL_OP_XSETBV;
    return dec->reg == 2 && dec->rm <= 1 && !dec->opsize && insn->rep == EMUL_REP_NONE;
}

/* The ABI's forced-emulation prefix: ud2, the letters "xen", then a plain cpuid. */
static bool decode_ud2(struct decode *dec)
{
    static const uint8_t rest[] = {'x', 'e', 'n', 0x0f, 0xa2};
    unsigned int i;

    if (dec->at != 2) {
        return false; /* a prefixed ud2 is just an invalid instruction */
    }
    for (i = 0; i < ARRAY_SIZE(rest); i++) {
        uint8_t byte = next_byte(dec);

        if (!dec->out && byte != rest[i]) {
            return false;
        }
    }
    return true;
}

static bool decode_form(struct decode *dec, enum form form)
{
    switch (form) {
    case FORM_PLAIN:
        return true;
    case FORM_PORT_IMM:
        return decode_port(dec, true);
    case FORM_PORT_DX:
        return decode_port(dec, false);
    case FORM_STRING:
        return decode_string(dec);
    case FORM_VECTOR:
        dec->insn->src = EMUL_SRC_IMM;
        dec->insn->imm = next_byte(dec);
        return true;
    case FORM_STORE:
        return decode_store(dec, true);
    case FORM_STORE_IMM:
        return decode_store_imm(dec);
    case FORM_ALU_IMM:
        return decode_alu_imm(dec);
    case FORM_BIT_REG:
        return decode_store(dec, false);
    case FORM_BIT_IMM:
        return decode_bit_imm(dec);
    case FORM_SPECIAL:
        return decode_special(dec);
    case FORM_GROUP_0F01:
        return decode_group_0f01(dec);
    case FORM_UD2:
        return decode_ud2(dec);
    case FORM_NONE:
        break;
    }
    return false;
}

bool emul_op_is_store(enum emul_op op)
{
    return op >= EMUL_OP_MOV && op < EMUL_OP_NR;
}

/* Lock is an error on everything but read-modify-write of memory (SDM vol. 2, LOCK). */
static bool lock_is_legal(const struct emul_insn *insn)
{
    return insn->op >= EMUL_OP_OR && insn->op < EMUL_OP_NR && insn->has_mem;
}

enum emul_result emul_decode(const uint8_t *bytes, unsigned int nr_bytes, enum emul_mode mode,
                             struct emul_insn *insn)
{
    struct decode dec = {
        .bytes = bytes,
        .nr_bytes = MIN(nr_bytes, (unsigned int)EMUL_MAX_INSN_BYTES),
        .mode = mode,
        .seg_override = EMUL_SEG_NR,
        .insn = insn,
    };
    struct opcode opcode;
    bool decoded;

    *insn = (struct emul_insn){.mem = {.base = EMUL_REG_NONE, .index = EMUL_REG_NONE, .scale = 1}};
    dec.opcode = read_prefixes(&dec);
    opcode = one_byte[dec.opcode];
    if (dec.opcode == 0x0f) {
        dec.opcode = next_byte(&dec);
        opcode = two_byte[dec.opcode];
    }
    insn->op_bytes = dec.rex & REX_W ? 8 : dec.opsize ? 2 : 4;
    insn->addr_bytes = mode == EMUL_MODE_64 ? (dec.addrsize ? 4 : 8) : (dec.addrsize ? 2 : 4);
    insn->op = (enum emul_op)opcode.op;

    decoded = !dec.out && decode_form(&dec, (enum form)opcode.form);
    if (dec.out) {
        return dec.nr_bytes < EMUL_MAX_INSN_BYTES ? EMUL_TRUNCATED : EMUL_REFUSED;
    }
    if (!decoded || (insn->lock && !lock_is_legal(insn))) {
        return EMUL_REFUSED;
    }
    insn->length = (uint8_t)dec.at;
    return EMUL_DECODED;
}
