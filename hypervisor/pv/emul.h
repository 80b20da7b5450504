/* SPDX-License-Identifier: MIT */
/*
 * Emulation inside the PV room: one instruction of the running guest, fetched and decoded once into private memory, its
 * general registers as an array. Effects change the copy; emul_commit() makes them the guest's, all at once.
 */
#ifndef PV_EMUL_H
#define PV_EMUL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/compiler.h"
#include "debug/counters.h"
#include "domain/vcpu.h"
#include "pv/emul_decode.h"
#include "x86/cpu.h"
#include "x86/layout.h"
#include "x86/rflags.h"
#include "x86/uaccess.h"

struct emul {
    struct vcpu *v;
    enum emul_mode mode;
    struct emul_insn insn;
    uint64_t gpr[EMUL_NR_GPRS];
    uint64_t rflags;
    uint64_t start;          /* TSC when it was fetched */
    enum count_event counted; /* what it is counted as, COUNT_EVENTS while as nothing */
};

enum emul_status {
    EMUL_DONE,     /* commit and go on behind the instruction */
    EMUL_AGAIN,    /* commit, the instruction continues (rep) */
    EMUL_RETRY,    /* nothing happened: the guest executes it again after pending work */
    EMUL_FAULTED,  /* an exception has been delivered */
    EMUL_NOT_OURS, /* the original exception is to be delivered */
};

/* Fetch and decode at the guest's rip. False: not emulated, or not readable. */
bool emul_fetch(struct emul *e, struct vcpu *v) __must_check;

/* Count it, as one of a kind; the time until its end is added to that. */
static inline void emul_count(struct emul *e, enum count_event what)
{
    e->counted = what;
    COUNT(e->v, event, what);
}

/* A register by the hardware's number; where those are in the ABI's register frame. */
extern const uint8_t emul_gpr_offset[EMUL_NR_GPRS];

static inline uint64_t *emul_gpr(struct vcpu *v, unsigned int nr)
{
    return (uint64_t *)(void *)((uint8_t *)&v->regs + emul_gpr_offset[nr]);
}

/*
 * For the few instructions that nearly all emulation is about: the next eight bytes of 64-bit kernel code that is not
 * single-stepped, the first one lowest (false: something else, or not readable); and the end of an instruction that was done,
 * counted as one of a kind that began at `start`.
 */
static inline bool emul_peek(const struct vcpu *v, uint64_t *code)
{
    /* behind the hypervisor's range: there is no 32-bit code, and what follows the end is the guest's as well */
    return v->guest_kernel && v->regs.rip >= HV_VIRT_END && !(v->regs.rflags & FLAG_TF) &&
           uaccess_read_u64(code, (const void *)v->regs.rip);
}

static inline void emul_step(struct vcpu *v, unsigned int length, enum count_event what, uint64_t start)
{
    COUNT(v, event, what);
    COUNT_TIME(v, event, what, rdtsc() - start);
    v->regs.rip += length;
    v->regs.rflags &= ~(uint64_t)FLAG_RF;
    v->exit_iret = 1;
}

/* End of an emulation: registers, rip, single step. False: EMUL_NOT_OURS. */
bool emul_finish(struct emul *e, enum emul_status status);

/* Linear address of the instruction's memory operand. */
uint64_t emul_operand_address(const struct emul *e);

/* Add to rsi, rdi or rcx at the width of addresses (32-bit ones clear the upper half); on to a string's next element. */
void emul_address_add(struct emul *e, unsigned int reg, int64_t step);
void emul_string_advance(struct emul *e, unsigned int reg);

/* The exception for an operand that could not be reached on the guest's behalf just now, as the CPU's last fault tells. */
enum emul_status emul_operand_fault(struct vcpu *v, gva_t at, unsigned int nr_bytes, bool write);

/* Instructions that fault in ring 3 (#GP), the forced CPUID (#UD). False: deliver the exception. */
bool emul_privileged(struct vcpu *v);
bool emul_invalid_opcode(struct vcpu *v);

/* in, out, ins, outs: emul_port.c. */
enum emul_status emul_port(struct emul *e);

/* rdmsr, wrmsr, mov cr, cpuid …: emul_system.c. Guest kernel mode, except where it says otherwise. */
enum emul_status emul_msr(struct emul *e);
enum emul_status emul_control_register(struct emul *e);
enum emul_status emul_cpuid(struct emul *e);

/* An iretq or lretq that faulted though its stack is the guest's. False: it is something else, deliver #PF. */
bool emul_return(struct vcpu *v);

/* A write to a present, read-only page at this address in guest kernel mode. False: deliver #PF. */
bool emul_page_table_write(struct vcpu *v, uint64_t address);

#endif
