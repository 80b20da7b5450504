/* SPDX-License-Identifier: MIT */
/*
 * Decoder for the instructions that a PV guest may legitimately fault on: privileged ones that a guest kernel executes in
 * ring 3, int n, and stores to read-only page tables. Pure: it sees only the bytes that it is given and touches no guest.
 * Encodings: Intel SDM vol. 2 appendix A, AMD APM vol. 3. What is not listed in enum emul_op is refused, never guessed.
 */
#ifndef PV_EMUL_DECODE_H
#define PV_EMUL_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/compiler.h"

/* The architectural limit of an instruction's length; no more bytes are ever looked at. */
#define EMUL_MAX_INSN_BYTES 15

/* Width of the code segment that the guest runs in; 16-bit segments are not emulated. */
enum emul_mode {
    EMUL_MODE_64,
    EMUL_MODE_32,
};

enum emul_op {
    EMUL_OP_NONE = 0,
    /* Privileged or sensitive: the effects are those of emul_priv.c. */
    EMUL_OP_IN,
    EMUL_OP_OUT,
    EMUL_OP_INS,
    EMUL_OP_OUTS,
    EMUL_OP_INT,
    EMUL_OP_HLT,
    EMUL_OP_CLI,
    EMUL_OP_STI,
    EMUL_OP_CLTS,
    EMUL_OP_INVD,
    EMUL_OP_WBINVD,
    EMUL_OP_MOV_FROM_CR,
    EMUL_OP_MOV_TO_CR,
    EMUL_OP_MOV_FROM_DR,
    EMUL_OP_MOV_TO_DR,
    EMUL_OP_LMSW,
    EMUL_OP_SMSW,
    EMUL_OP_INVLPG,
    EMUL_OP_WRMSR,
    EMUL_OP_RDMSR,
    EMUL_OP_RDTSC,
    EMUL_OP_RDTSCP,
    EMUL_OP_RDPMC,
    EMUL_OP_CPUID,
    EMUL_OP_CPUID_FORCED,
    EMUL_OP_XGETBV,
    EMUL_OP_XSETBV,
    /* Stores to memory, as kernels make them to page tables (docs/adr/0007): emul_alu.c computes the result. */
    EMUL_OP_MOV,
    EMUL_OP_STOS,
    EMUL_OP_OR,
    EMUL_OP_AND,
    EMUL_OP_XOR,
    EMUL_OP_BTS,
    EMUL_OP_BTR,
    EMUL_OP_BTC,
    EMUL_OP_XCHG,
    EMUL_OP_CMPXCHG,
    EMUL_OP_NR,
};

enum emul_result {
    EMUL_DECODED,
    EMUL_TRUNCATED, /* more bytes are needed; never the answer to EMUL_MAX_INSN_BYTES of them */
    EMUL_REFUSED,   /* not an instruction that is emulated, or not an instruction at all */
};

/* Where the operand that is not the destination comes from. */
enum emul_src {
    EMUL_SRC_NONE,
    EMUL_SRC_REG,
    EMUL_SRC_IMM,
};

enum emul_rep {
    EMUL_REP_NONE,
    EMUL_REP_E, /* f3: rep, repe */
    EMUL_REP_NE, /* f2 */
};

/* Segment registers in the order of their encoding. */
enum emul_seg {
    EMUL_SEG_ES,
    EMUL_SEG_CS,
    EMUL_SEG_SS,
    EMUL_SEG_DS,
    EMUL_SEG_FS,
    EMUL_SEG_GS,
    EMUL_SEG_NR,
};

/* General registers are numbered as the hardware encodes them: rax rcx rdx rbx rsp rbp rsi rdi r8 ... r15. */
#define EMUL_NR_GPRS 16
#define EMUL_GPR_RAX 0
#define EMUL_GPR_RCX 1
#define EMUL_GPR_RDX 2
#define EMUL_GPR_RBX 3
#define EMUL_GPR_RSP 4
#define EMUL_GPR_RBP 5
#define EMUL_GPR_RSI 6
#define EMUL_GPR_RDI 7
#define EMUL_REG_RIP 0xfe /* as base: the address of the next instruction */
#define EMUL_REG_NONE 0xff

struct emul_mem {
    uint8_t seg;
    uint8_t base;
    uint8_t index;
    uint8_t scale; /* 1, 2, 4 or 8 */
    int64_t disp;
};

struct emul_insn {
    enum emul_op op;
    enum emul_src src;
    enum emul_rep rep;
    uint8_t length;     /* bytes, 1..15 */
    uint8_t op_bytes;   /* width of the operation: 1, 2, 4 or 8 */
    uint8_t addr_bytes; /* width of addresses and of the rep count: 4 or 8 */
    uint8_t reg;        /* the register operand, wherever there is one */
    bool reg_high;      /* reg means ah, ch, dh, bh for 0..3 */
    uint8_t special;    /* number of the control or debug register */
    bool lock;
    bool has_mem;
    struct emul_mem mem;
    uint64_t imm; /* sign-extended, cut to op_bytes by the user; port number and vector are plain */
};

/* Decodes the instruction at bytes[0..nr_bytes). *insn is zeroed first and complete only for EMUL_DECODED. */
enum emul_result emul_decode(const uint8_t *bytes, unsigned int nr_bytes, enum emul_mode mode,
                             struct emul_insn *insn) __must_check;

/* Whether op stores to memory (the second group of enum emul_op). */
bool emul_op_is_store(enum emul_op op);

/* The value cut to nr_bytes (1..8). */
static inline uint64_t emul_cut(uint64_t value, unsigned int nr_bytes)
{
    return nr_bytes >= 8 ? value : value & ((UINT64_C(1) << (8 * nr_bytes)) - 1);
}

#endif
