/* SPDX-License-Identifier: MIT */
/*
 * The short ways between a guest and its kernel: exception and system call in, iret out, without saving what is not touched
 * and without C. Each does exactly what bounce.c and iret.c do or, wherever something is out of the ordinary, nothing: then
 * the common entry takes over as if this file were not there.
 * Invariant: guest memory is touched on the main stack only, with a fix-up. Neither work nor an event can have come up since
 * the guest was entered, for interrupts are off; only iret, which unmasks events, looks for one.
 */
#include "x86/entry_macros.h"
#include "x86/vcpu_head.h"

/* A field of the running vCPU while rsp still points at the error code in its regs; in a system call, at rsp in them. */
#define AT_ENTRY(field)   (field - VCPU_ERROR_CODE)(%rsp)
#define AT_SYSCALL(field) (field - VCPU_RSP)(%rsp)

/* frame.h: FRAME_GUEST_RFLAGS; without TF, NT, RF, AC at an entry point; without DF for system calls. IF and bit 1. */
#define FLAGS_GUEST   0x254dd5
#define FLAGS_ENTRY   0x200cd5
#define FLAGS_SYSCALL 0x2008d5
#define FLAGS_ALWAYS  0x202
#define FLAG_IF_BIT   9

/* The last selector of the guest's own tables, with its RPL. */
#define SEL_GUEST_LAST 0xdfff

/* On the main stack while fast_iret works: rcx, r11, rax, then rip, cs, rflags, rsp, ss. */
#define IRET_CS    32
#define IRET_BYTES 64

#define VEC_UD   6
#define VEC_PF   14
#define PFEC_P_W 3
#define PFEC_U   4

/* The first four bytes of the forced-emulation prefix: ud2, 'x', 'e'. */
#define FORCED_EMULATION 0x65780b0f

    .section .rodata
    .balign 4
/* Vectors that need nothing but delivery: DE BP OF BR UD TS NP SS PF MF AC XM; and those of them with an error code. */
fast_vectors:
    .long 1 << 0 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 14 | 1 << 16 | 1 << 17 | 1 << 19
error_vectors:
    .long 1 << 10 | 1 << 11 | 1 << 12 | 1 << 14 | 1 << 17

    .balign 8
hv_virt_end:
    .quad HV_VIRT_END

    .text
/* rbx: vCPU in user mode; rsp: top of the main stack; changes rax and scratch. As pv_toggle_mode(). */
.macro to_kernel_mode scratch
    movq tlb_flush_clock(%rip), %rax
    movq VCPU_KERNEL_ROOT(%rbx), \scratch
    shlq $12, \scratch
    movq \scratch, %cr3
    movq %rax, CPU(PERCPU_TLB_SEEN)(%rsp)
    swapgs
    movb $1, VCPU_GUEST_KERNEL(%rbx)
.endm

/*
 * Is a frame's lowest address in the hypervisor's range? Its rest cannot be if it is not. As signed numbers, all addresses
 * below the end of that range are in it or not canonical.
 */
.macro check_place address, else
    cmpq hv_virt_end(%rip), \address
    jl \else
.endm

/*
 * The frame of an exception and the way to its handler. rbx: vCPU; rsp: top of the main stack; rsi: vcpu_info; rdi: the
 * trap's entry; in the vCPU's regs: rax, rbx, rcx, rdx, rsi, rdi and the hardware frame; all other registers are live.
 */
.macro deliver extra
    cmpb $0, VCPU_GUEST_KERNEL(%rbx)
    je 1f
    movq VCPU_RSP(%rbx), %rdx
    movzwl VCPU_CS(%rbx), %ecx
    andl $0xfffc, %ecx
2:  andq $-16, %rdx
    subq $56 + \extra, %rdx
    check_place %rdx, fast_no_stack
    open_user_access
    movq VCPU_RCX(%rbx), %rax
    may_fault fast_no_stack, movq %rax, (%rdx)
    may_fault fast_no_stack, movq %r11, 8(%rdx)
    .if \extra
    movl VCPU_ERROR_CODE(%rbx), %eax
    may_fault fast_no_stack, movq %rax, 16(%rdx)
    .endif
    movq VCPU_RIP(%rbx), %rax
    may_fault fast_no_stack, movq %rax, 16 + \extra(%rdx)
    xorl %eax, %eax
    cmpb $0, INFO_MASK(%rsi)
    setne %al
    shlq $32, %rax
    orq %rcx, %rax
    may_fault fast_no_stack, movq %rax, 24 + \extra(%rdx)
    shrq $32, %rax
    shll $FLAG_IF_BIT, %eax
    xorq VCPU_RFLAGS(%rbx), %rax /* the hardware flag is always set */
    may_fault fast_no_stack, movq %rax, 32 + \extra(%rdx)
    movq VCPU_RSP(%rbx), %rax
    may_fault fast_no_stack, movq %rax, 40 + \extra(%rdx)
    movzwl VCPU_SS(%rbx), %eax
    may_fault fast_no_stack, movq %rax, 48 + \extra(%rdx)
    close_user_access
    cmpb $0, TRAP_MASK_EVENTS(%rdi)
    je 3f
    movb $1, INFO_MASK(%rsi)
3:  movq VCPU_RFLAGS(%rbx), %r11
    andl $FLAGS_ENTRY, %r11d
    orl $FLAGS_ALWAYS, %r11d
    movq TRAP_ADDR(%rdi), %rcx
    load_registers %rbx, rsi, rdi
    jmp fast_sysret
1:  to_kernel_mode %rcx
    movq VCPU_KERNEL_SP(%rbx), %rdx
    movzwl VCPU_CS(%rbx), %ecx
    jmp 2b
.endm

/* From a guest, any vector; rsp: at the error code in curr->regs. */
function fast_trap
    movq %rbx, AT_ENTRY(VCPU_RBX)
    leaq -VCPU_ERROR_CODE(%rsp), %rbx
    movq %rax, VCPU_RAX(%rbx)
    movl VCPU_ENTRY_VECTOR(%rbx), %eax
    cmpl $31, %eax
    ja fast_trap_common
    btl %eax, fast_vectors(%rip)
    jnc fast_trap_common
    cmpb $0, VCPU_SLOW_PATHS(%rbx)
    jne fast_trap_common
    cmpl $VEC_PF, %eax
    je trap_is_page_fault
trap_is_simple:
    store_registers %rbx, rcx, rdx, rsi, rdi
    movq VCPU_HV_STACK_TOP(%rbx), %rsp
    movq VCPU_INFO(%rbx), %rsi
    movq VCPU_TRAPS(%rbx), %rdi
    testq %rdi, %rdi
    jz fast_trap_undo
    movl %eax, %ecx
    shll $TRAP_BYTES_SHIFT, %ecx
    addq %rcx, %rdi
    cmpq $0, TRAP_ADDR(%rdi)
    je fast_trap_undo
    cmpl $VEC_PF, %eax
    je trap_page_fault
    cmpl $VEC_UD, %eax
    je trap_undefined
trap_deliver:
    movq VCPU_COUNTERS(%rbx), %rdx
    incq COUNTERS_BOUNCE(%rdx)
    incq COUNTERS_TRAP(%rdx, %rcx) /* struct counter has 16 bytes, as a trap's entry */
    btl %eax, error_vectors(%rip)
    jc trap_with_error
    deliver 0
trap_with_error:
    deliver 8

trap_is_page_fault:
    testb $PFEC_U, VCPU_ERROR_CODE(%rbx)
    jz fast_trap_common /* from ring 3, with the hypervisor's rights: see emul_ret.c */
    cmpb $0, VCPU_GUEST_KERNEL(%rbx)
    je trap_is_simple
    movb VCPU_ERROR_CODE(%rbx), %al
    notb %al
    testb $PFEC_P_W, %al
    movl $VEC_PF, %eax
    jnz trap_is_simple
    jmp fast_trap_common /* a store to a read-only page: perhaps to a page table */

trap_page_fault:
    cmpb $0, VCPU_GUEST_KERNEL(%rbx)
    je 1f
    andl $~PFEC_U, VCPU_ERROR_CODE(%rbx) /* user mode is what the guest calls so */
1:  movq %cr2, %rdx
    movq %rdx, INFO_CR2(%rsi)
    jmp trap_deliver

trap_undefined:
    movq VCPU_RIP(%rbx), %rdx
    open_user_access
    may_fault fast_trap_undo, movl (%rdx), %edx
    close_user_access
    cmpl $FORCED_EMULATION, %edx
    jne trap_deliver

/* Everything as it was at fast_trap; then the common way. */
fast_trap_undo:
    load_registers %rbx, rcx, rdx, rsi, rdi
    leaq VCPU_ERROR_CODE(%rbx), %rsp
fast_trap_common:
    load_registers %rbx, rax, rbx
    jmp guest_trap

/* The guest's stack takes no frame. rbx: vCPU, in kernel mode; rdx: where the frame was to go. */
fast_no_stack:
    close_user_access
    store_registers %rbx, r8, r9, r10, r11, r12, r13, r14, r15, rbp
    movb $1, VCPU_EXIT_IRET(%rbx)
    movq %rbx, %rdi
    movq %rdx, %rsi
    xorl %ebp, %ebp
    call bounce_no_stack
    jmp guest_exit

/* SYSCALL in user mode; rsp, rcx and r11 as at syscall_entry. */
function fast_syscall
    movq %rbx, AT_SYSCALL(VCPU_RBX)
    leaq -VCPU_RSP(%rsp), %rbx
    cmpb $0, VCPU_SLOW_PATHS(%rbx)
    jne fast_syscall_common
    cmpq $0, VCPU_SYSCALL_ADDR(%rbx)
    je fast_syscall_common
    movq %rax, VCPU_RAX(%rbx)
    movq VCPU_INFO(%rbx), %rax
    cmpb $0, INFO_MASK(%rax)
    jne 1f
    movq %rdx, VCPU_RDX(%rbx)
    movb VCPU_SYSCALL_MASK(%rbx), %dl
    movb %dl, INFO_MASK(%rax)
    movq VCPU_HV_STACK_TOP(%rbx), %rsp
    movq VCPU_COUNTERS(%rbx), %rax
    incq COUNTERS_SYSCALL(%rax)
    to_kernel_mode %rdx
    movq VCPU_KERNEL_SP(%rbx), %rdx
    andq $-16, %rdx
    subq $56, %rdx
    check_place %rdx, fast_syscall_no_stack
    open_user_access
    may_fault fast_syscall_no_stack, movq %rcx, (%rdx)
    may_fault fast_syscall_no_stack, movq %r11, 8(%rdx)
    may_fault fast_syscall_no_stack, movq %rcx, 16(%rdx)
    may_fault fast_syscall_no_stack, movq $SEL_GUEST_CS64, 24(%rdx)
    may_fault fast_syscall_no_stack, movq %r11, 32(%rdx)
    movq VCPU_RSP(%rbx), %rax
    may_fault fast_syscall_no_stack, movq %rax, 40(%rdx)
    may_fault fast_syscall_no_stack, movq $SEL_GUEST_DS, 48(%rdx)
    close_user_access
    andl $FLAGS_SYSCALL, %r11d
    orl $FLAGS_ALWAYS, %r11d
    movq VCPU_SYSCALL_ADDR(%rbx), %rcx
    /* falls through */

/* rcx, r11: rip, rflags; rdx: rsp; rbx: vCPU, with rax, rbx and rdx in its regs; all else is the guest's. */
fast_sysret:
    movq VCPU_RAX(%rbx), %rax
    movq %rdx, %rsp
    load_registers %rbx, rdx, rbx
    sysretq

fast_syscall_no_stack:
    movq $SEL_GUEST_DS, VCPU_SS(%rbx)
    movq %r11, VCPU_RFLAGS(%rbx)
    movq $SEL_GUEST_CS64, VCPU_CS(%rbx)
    movq %rcx, VCPU_RIP(%rbx)
    store_registers %rbx, rcx, rsi, rdi
    jmp fast_no_stack

1:  movq VCPU_RAX(%rbx), %rax
fast_syscall_common:
    movq VCPU_RBX(%rbx), %rbx
    jmp user_syscall_common

/*
 * The iret hypercall; rsp, rcx and r11 as at syscall_entry. What a CPU refuses by itself, an address that is not canonical or
 * a null selector, is left to it: see fast_iret_fault.
 */
function fast_iret
    movq %rbx, AT_SYSCALL(VCPU_RBX)
    leaq -VCPU_RSP(%rsp), %rbx
    cmpb $0, VCPU_SLOW_PATHS(%rbx)
    jne fast_iret_common
    movq %rcx, VCPU_RIP(%rbx)
    movq %r11, VCPU_RFLAGS(%rbx)
    movq VCPU_RSP(%rbx), %rcx
    check_place %rcx, fast_iret_undo
    movq VCPU_HV_STACK_TOP(%rbx), %rsp
    open_user_access
    /* ss: of the guest's own tables, or the flat one */
    may_fault fast_iret_undo, movzwl 64(%rcx), %eax
    orl $3, %eax
    cmpl $SEL_GUEST_LAST, %eax
    ja 6f
1:  pushq %rax
    may_fault fast_iret_undo, pushq 56(%rcx) /* rsp */
    may_fault fast_iret_undo, movl 48(%rcx), %r11d
    movl %r11d, %eax
    andl $FLAGS_GUEST, %eax
    orl $FLAGS_ALWAYS, %eax
    pushq %rax
    may_fault fast_iret_undo, movzwl 40(%rcx), %eax
    pushq %rax /* cs: its RPL says where to */
    orl $3, %eax
    cmpl $SEL_GUEST_LAST, %eax
    ja 7f
2:  may_fault fast_iret_undo, pushq 32(%rcx) /* rip */
    may_fault fast_iret_undo, pushq (%rcx) /* rax */
    may_fault fast_iret_undo, pushq 8(%rcx) /* r11 */
    may_fault fast_iret_undo, pushq 16(%rcx) /* rcx */
    close_user_access
    movl IRET_CS(%rsp), %eax
    orb $3, IRET_CS(%rsp)
    andl $3, %eax
    cmpl $3, %eax
    jne 3f
    /* to user mode */
    movq VCPU_USER_ROOT(%rbx), %rcx
    cmpq $-1, %rcx
    je fast_iret_undo
    movq tlb_flush_clock(%rip), %rax
    shlq $12, %rcx
    movq %rcx, %cr3
    movq %rax, IRET_BYTES + CPU(PERCPU_TLB_SEEN)(%rsp)
    swapgs
    movb $0, VCPU_GUEST_KERNEL(%rbx)
3:  movq VCPU_INFO(%rbx), %rcx
    movq VCPU_COUNTERS(%rbx), %rax
    incq COUNTERS_IRET(%rax)
    btl $FLAG_IF_BIT, %r11d
    setnc INFO_MASK(%rcx)
    jnc 5f
    cmpb $0, INFO_PENDING(%rcx)
    jne fast_iret_event
5:  popq %rcx
    popq %r11
    popq %rax
    movq VCPU_RBX(%rbx), %rbx
    may_fault fast_iret_fault, iretq

6:  cmpl $SEL_GUEST_DS, %eax
    je 1b
    jmp fast_iret_undo
7:  cmpl $SEL_GUEST_CS64, %eax
    je 2b

/* Something unusual, or a frame that cannot be read: once more, in C. */
fast_iret_undo:
    close_user_access
    movl $NR_IRET, %eax
    movq VCPU_RIP(%rbx), %rcx
    movq VCPU_RFLAGS(%rbx), %r11
    leaq VCPU_RSP(%rbx), %rsp
fast_iret_common:
    movq VCPU_RBX(%rbx), %rbx
    jmp hypercall_common

/* An event waits: put the target into curr->regs and leave by the common exit, which delivers it. */
fast_iret_event:
    popq VCPU_RCX(%rbx)
    popq VCPU_R11(%rbx)
    popq VCPU_RAX(%rbx)
    popq VCPU_RIP(%rbx)
    popq VCPU_CS(%rbx)
    popq VCPU_RFLAGS(%rbx)
    popq VCPU_RSP(%rbx)
    popq VCPU_SS(%rbx)
    store_registers %rbx, rdx, rsi, rdi, r8, r9, r10, r12, r13, r14, r15, rbp
    movb $1, VCPU_EXIT_IRET(%rbx)
    jmp guest_exit

/* The CPU refused to enter: the frame is still on the stack, and the registers are the guest's. */
fast_iret_fault:
    pushq %rbx
    movq %rsp, %rbx
    andq $-PERCPU_AREA_SIZE, %rbx
    movq (PCPU_DATA_OFFSET + PERCPU_CURR)(%rbx), %rbx
    popq VCPU_RBX(%rbx)
    popq VCPU_RIP(%rbx)
    popq VCPU_CS(%rbx)
    popq VCPU_RFLAGS(%rbx)
    popq VCPU_RSP(%rbx)
    popq VCPU_SS(%rbx)
    store_registers %rbx, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15, rbp
    jmp guest_iret_fault
