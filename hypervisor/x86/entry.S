/* SPDX-License-Identifier: MIT */
/*
 * Every way in and out of the hypervisor. From a guest the hardware (or the SYSCALL stub) pushes at the end of the running
 * vCPU's regs, the stub completes them in place; from ring 0 the same frame lies on the current stack:
 *   r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi | error code, vector | rip cs rflags rsp ss   (rising)
 * Invariant: IF = 0 in here, GS is the guest's, and nothing of a vCPU is on a hypervisor stack when its C call returns.
 */
#include "x86/entry_macros.h"

#define FRAME_RIP 8 /* from the error code up */
#define FRAME_CS  16

/* A field of this CPU's data, from the page of the SYSCALL stubs, wherever it is mapped. */
#define STUB_CPU(field) syscall_page + (PCPU_DATA_OFFSET - PCPU_TRAMPOLINE_OFFSET + field)(%rip)

.macro push_registers
    .irp reg, PUSHED_REGISTERS
    pushq %\reg
    .endr
.endm

/* All but rcx, r11, rsp and the base register rbx. */
.macro load_most_registers
    load_registers %rbx, r15, r14, r13, r12, rbp, r10, r9, r8, rax, rdx, rsi, rdi
.endm

    /* ---- SYSCALL stubs: one physical page, mapped at its place in every CPU's area; LSTAR, then CSTAR 64 bytes on ---- */
    .section .syscall_page, "ax"
    .balign 64
syscall_page:
    movq %rsp, STUB_CPU(PERCPU_SCRATCH_RSP)
    movq STUB_CPU(PERCPU_SYSCALL_RSP), %rsp
    pushq STUB_CPU(PERCPU_SCRATCH_RSP)
    jmp *STUB_CPU(PERCPU_SYSCALL_ENTRY)
    .balign 64
    movq %rsp, STUB_CPU(PERCPU_SCRATCH_RSP)
    movq STUB_CPU(PERCPU_RSP0), %rsp
    pushq $SEL_GUEST_DS
    pushq STUB_CPU(PERCPU_SCRATCH_RSP)
    pushq %r11
    pushq $SEL_GUEST_CS32
    pushq %rcx
    pushq $0
    jmp *STUB_CPU(PERCPU_SYSCALL32_ENTRY)

    .text
/* rsp: at curr->regs.rsp, which is the guest's; rcx, r11: rip, rflags; SFMASK has cleared IF, DF, AC, TF, NT */
function syscall_entry
    cmpb $0, (VCPU_GUEST_KERNEL - VCPU_RSP)(%rsp)
    je fast_syscall
    cmpq $NR_IRET, %rax
    je fast_iret
/* Also where the short ways of pv/fast.S give up, with all registers as they were. */
    .globl hypercall_common, user_syscall_common
hypercall_common:
    push_syscall_frame
    push_registers
    leaq -VCPU_REGS(%rsp), %rbx
    movq VCPU_HV_STACK_TOP(%rbx), %rsp
    movb $0, VCPU_EXIT_IRET(%rbx)
    movq %rbx, %rdi
    call upcall_hypercall
    /* falls through */

/* rbx: the vCPU; rsp: top of the main stack. Work first, then events, then the guest. */
    .globl guest_exit
guest_exit:
    cmpl $0, CPU(PERCPU_WORK)(%rsp)
    jne guest_exit_work
    movq VCPU_INFO(%rbx), %rax
    cmpb $0, (%rax) /* evtchn_upcall_pending; the guest's, and a hint only */
    jne guest_exit_call
    cmpw $0, VCPU_EXIT_IRET(%rbx) /* and exit_call */
    jne 3f
2:  movq VCPU_RIP(%rbx), %rcx
    movq %rcx, %rax
    shlq $16, %rax
    sarq $16, %rax
    cmpq %rcx, %rax /* SYSRET to a non-canonical address faults in ring 0 on Intel, with the guest's stack */
    jne guest_iret
    load_most_registers
    movq VCPU_RFLAGS(%rbx), %r11
    movq VCPU_RSP(%rbx), %rsp
    movq VCPU_RBX(%rbx), %rbx
    sysretq
3:  cmpb $0, VCPU_EXIT_CALL(%rbx)
    je guest_iret

guest_exit_call:
    movq %rbx, %rdi
    call upcall_exit_to_guest
    cmpl $0, CPU(PERCPU_WORK)(%rsp)
    jne guest_exit_work
    cmpb $0, VCPU_EXIT_IRET(%rbx)
    je 2b

/* The frame goes to the main stack, so that a refused IRET faults there: curr->regs stay whole for the fix-up. */
guest_iret:
    pushq VCPU_SS(%rbx)
    pushq VCPU_RSP(%rbx)
    pushq VCPU_RFLAGS(%rbx)
    pushq VCPU_CS(%rbx)
    pushq VCPU_RIP(%rbx)
    load_most_registers
    load_registers %rbx, rcx, r11, rbx
    may_fault guest_iret_fault, iretq

guest_exit_work:
    call trap_exit_work
    jmp guest_exit

    .globl guest_iret_fault
guest_iret_fault:
    movq %rsp, %rax
    andq $-PERCPU_AREA_SIZE, %rax
    leaq PCPU_STACK_TOP(%rax), %rsp
    movq CPU(PERCPU_CURR)(%rsp), %rbx
    movq %rbx, %rdi
    movl CPU(PERCPU_FAULT_VECTOR)(%rsp), %esi
    movl CPU(PERCPU_FAULT_CODE)(%rsp), %edx
    xorl %ebp, %ebp
    cld
    call upcall_exit_fault
    jmp guest_exit

/* A SYSCALL from 32-bit code: as if the instruction did not exist, which is what Intel's CPUs do. */
function syscall32_entry
    subq $2, FRAME_RIP(%rsp)
    movl $6, 4(%rsp)
    jmp guest_trap

user_syscall_common:
    push_syscall_frame
    push_registers
    leaq -VCPU_REGS(%rsp), %rbx
    movq VCPU_HV_STACK_TOP(%rbx), %rsp
    movb $0, VCPU_EXIT_IRET(%rbx)
    movq %rbx, %rdi
    call upcall_guest_syscall
    jmp guest_exit

    /* ---- exceptions and interrupts: 16 bytes a vector, so idt.c computes the addresses ---- */
    .balign 16
    .globl vector_stubs
vector_stubs:
    vector = 0
    .rept 256
    .balign 16
    .if vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30
    movl $vector, 4(%rsp) /* the CPU has pushed an error code, 32 bits of it are used */
    .else
    pushq $0
    movl $vector, 4(%rsp)
    .endif
    .if vector == 1 || vector == 2 || vector == 18
    jmp ist_trap
    .else
    jmp any_trap
    .endif
    vector = vector + 1
    .endr

/* On a stack of its own: what came from a guest moves to curr->regs and goes on as any other. */
ist_trap:
    testb $3, FRAME_CS(%rsp)
    jz hv_trap
    pushq %rax
    pushq %rbx
    movq %rsp, %rbx
    movq %rsp, %rax
    andq $-PERCPU_AREA_SIZE, %rax
    movq (PCPU_DATA_OFFSET + PERCPU_RSP0)(%rax), %rsp
    pushq 56(%rbx) /* ss, rsp, rflags, cs, rip, error code and vector */
    pushq 48(%rbx)
    pushq 40(%rbx)
    pushq 32(%rbx)
    pushq 24(%rbx)
    pushq 16(%rbx)
    movq 8(%rbx), %rax
    movq (%rbx), %rbx
    jmp guest_trap

any_trap:
    testb $3, FRAME_CS(%rsp)
    jnz fast_trap
    jmp hv_trap
    .globl guest_trap
guest_trap:
    push_registers
    cld
    close_user_access
    leaq -VCPU_REGS(%rsp), %rbx
    movq VCPU_HV_STACK_TOP(%rbx), %rsp
    movb $1, VCPU_EXIT_IRET(%rbx)
    movq %rbx, %rdi
    call *CPU(PERCPU_TRAP_ENTRY)(%rsp) /* trap_from_guest, unless the vCPU's room says else */
    jmp guest_exit

/* From ring 0: an interrupt at a preemption point or in idle, a fault with a fix-up, or the end. */
hv_trap:
    push_registers
    cld
    close_user_access
    movq %rsp, %rdi
    movq %rsp, %rbp
    andq $-16, %rsp /* already so but on a stack that an NMI interrupted early */
    call trap_from_hv
    movq %rbp, %rsp
    .irp reg, ALL_REGISTERS
    popq %\reg
    .endr
    addq $8, %rsp
    iretq

    /* ---- from C; contracts in entry.h ---- */
function exit_to_guest
    andq $-PERCPU_AREA_SIZE, %rsp
    addq $PCPU_STACK_TOP, %rsp
    movq CPU(PERCPU_CURR)(%rsp), %rbx
    jmp guest_exit

function stack_reset_and_call
    andq $-PERCPU_AREA_SIZE, %rsp
    addq $PCPU_STACK_TOP, %rsp
    xorl %ebp, %ebp
    call *%rdi
    ud2

function preempt_pending
    sti
    nop
    cli
    movq %rsp, %rax
    andq $-PERCPU_AREA_SIZE, %rax
    movl (PCPU_DATA_OFFSET + PERCPU_WORK)(%rax), %eax
    ret

function cpu_sleep
    sti
    hlt
    cli
    ret
