/* SPDX-License-Identifier: MIT */
/*
 * Copies from and to guest addresses: eight bytes at a time, then the rest. STAC and CLAC are patched in where SMAP is on.
 * Contract: rdi destination, rsi source, rdx bytes; rax = bytes not copied. A fault anywhere ends the copy.
 */
.macro user_access opcode3
9990: .byte 0x0f, 0x1f, 0x00
    .pushsection .patch_sites, "a"
    .quad 9990b
    .byte 0x0f, 0x01, \opcode3, 0, 0, 0, 0, 0
    .popsection
.endm

.macro expect insn, fixup
    .pushsection .extable, "a"
    .quad \insn, \fixup
    .popsection
.endm

    .text
    .globl uaccess_read, uaccess_write
    .type uaccess_read, @function
    .type uaccess_write, @function
uaccess_read:
uaccess_write:
    user_access 0xcb /* stac */
    movq %rdx, %rcx
    shrq $3, %rcx
    andl $7, %edx
1:  rep movsq
    movl %edx, %ecx
2:  rep movsb
3:  user_access 0xca /* clac */
    movq %rcx, %rax
    ret
4:  leaq (%rdx, %rcx, 8), %rcx
    jmp 3b
    expect 1b, 4b
    expect 2b, 3b
