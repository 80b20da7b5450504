/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the decoder of full/ against an independent disassembler: byte 0 chooses the mode, the rest is code, cut to every
 * shorter length as well, in buffers of exactly that size.
 */
/* SOURCES: hypervisor/full/insn.c */
/* LIBS: Zydis */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/full_insn_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned long compared = 0;
    unsigned int mode, total;

    if (size < 1) {
        return 0;
    }
    mode = 16u << data[0] % 3;
    total = size - 1 > INSN_MAX_BYTES ? INSN_MAX_BYTES : (unsigned int)(size - 1);
    for (unsigned int nr = 0; nr <= total; nr++) {
        uint8_t *copy = malloc(nr ? nr : 1);
        const char *why;

        memcpy(copy, data + 1, nr);
        why = insn_oracle(copy, nr, mode, &compared);
        if (why) {
            fprintf(stderr, "%u bytes, mode %u: %s\n", nr, mode, why);
            abort();
        }
        free(copy);
    }
    return 0;
}
