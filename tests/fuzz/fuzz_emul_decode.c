/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the PV instruction decoder against an independent disassembler: byte 0 chooses the mode, the rest is code. Each
 * input is also decoded cut to every shorter length, in a buffer of exactly that size, so that a read too far is seen.
 */
/* SOURCES: hypervisor/pv/emul_decode.c hypervisor/pv/emul_alu.c */
/* LIBS: Zydis */
#include <stdio.h>
#include <stdlib.h>

#include "pv/emul_alu.h"
#include "tests/unit/emul_decode_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Operands and results of whatever was decoded must be computable without undefined behaviour. */
static void use_operands(const uint8_t *bytes, unsigned int nr, enum emul_mode mode)
{
    static const uint64_t seg_base[EMUL_SEG_NR] = {[EMUL_SEG_GS] = 0xffff888000000000};
    uint64_t gpr[EMUL_NR_GPRS];
    uint64_t old = 0x8000000000000027;
    uint64_t rflags = 0x246;
    struct emul_outcome outcome;
    struct emul_insn insn;
    unsigned int i;

    if (emul_decode(bytes, nr, mode, &insn) != EMUL_DECODED) {
        return;
    }
    for (i = 0; i < EMUL_NR_GPRS; i++) {
        gpr[i] = 0xfedcba9876543210 * (i + 1);
    }
    (void)emul_mem_address(&insn, mode, gpr, 0xffffffff81000000, seg_base);
    if (emul_op_is_store(insn.op) && emul_alu(&insn, old, gpr, rflags, &outcome)) {
        emul_alu_commit(&insn, &outcome, gpr, &rflags);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum emul_mode mode;
    unsigned int nr, total;

    if (size < 1) {
        return 0;
    }
    mode = data[0] & 1 ? EMUL_MODE_32 : EMUL_MODE_64;
    total = size - 1 > EMUL_MAX_INSN_BYTES ? EMUL_MAX_INSN_BYTES : (unsigned int)(size - 1);
    for (nr = 0; nr <= total; nr++) {
        uint8_t *copy = malloc(nr ? nr : 1);
        const char *why;

        memcpy(copy, data + 1, nr);
        why = oracle_compare(copy, nr, mode);
        if (why) {
            fprintf(stderr, "%u bytes: %s\n", nr, why);
            abort();
        }
        use_operands(copy, nr, mode);
        free(copy);
    }
    return 0;
}
