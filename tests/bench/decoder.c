/* SPDX-License-Identifier: MIT */
/*
 * How fast full/'s decoder is: reads code of 64-bit mode from standard input, goes through it from one instruction to the next as often
 * as its argument says, and prints how many instructions it decoded, how many bytes were none, and the nanoseconds of CPU time.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "full/insn.h"

#define CODE_MAX (8u << 20)

static uint8_t code[CODE_MAX];

int main(int argc, char **argv)
{
    unsigned long rounds = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    size_t nr = fread(code, 1, sizeof(code), stdin);
    uint64_t decoded = 0, none = 0;
    struct timespec begin, end;

    if (!rounds || !nr) {
        return 2;
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    for (unsigned long round = 0; round < rounds; round++) {
        for (size_t at = 0; at < nr;) {
            size_t left = nr - at;
            struct full_insn insn;

            if (full_insn_decode(code + at, left < INSN_MAX_BYTES ? (unsigned int)left : INSN_MAX_BYTES, 64, &insn)) {
                at += insn.length;
                decoded++;
            } else {
                at++;
                none++;
            }
        }
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    printf("%" PRIu64 " %" PRIu64 " %" PRId64 "\n", decoded, none,
           (int64_t)(end.tv_sec - begin.tv_sec) * 1000000000 + end.tv_nsec - begin.tv_nsec);
    return 0;
}
