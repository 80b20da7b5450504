/* SPDX-License-Identifier: MIT */
/*
 * Bits of RFLAGS (SDM vol. 1, 3.4.3). Pure: for decoders and frame builders that run on the host as well.
 */
#ifndef X86_RFLAGS_H
#define X86_RFLAGS_H

#define FLAG_CF    (1ul << 0)
#define FLAG_FIXED (1ul << 1) /* always set */
#define FLAG_PF    (1ul << 2)
#define FLAG_AF    (1ul << 4)
#define FLAG_ZF    (1ul << 6)
#define FLAG_SF    (1ul << 7)
#define FLAG_TF    (1ul << 8)
#define FLAG_IF    (1ul << 9)
#define FLAG_DF    (1ul << 10)
#define FLAG_OF    (1ul << 11)
#define FLAG_IOPL  (3ul << 12)
#define FLAG_NT    (1ul << 14)
#define FLAG_RF    (1ul << 16)
#define FLAG_AC    (1ul << 18)
#define FLAG_ID    (1ul << 21)

/* What a program computes with. */
#define FLAGS_ARITHMETIC (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

#endif
