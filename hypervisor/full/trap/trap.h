/* SPDX-License-Identifier: MIT */
/*
 * The engine in software: the guest's kernel and its user both run in ring 3, over shadow page tables; what it believes of the
 * machine is in struct trap_vcpu. Between two entries nothing of a vCPU is on the CPU's stack: an exit ends in full_resume().
 * Invariant: v->regs.rflags has the guest's own IF and IOPL while the guest does not run; the CPU's IF is set while it does.
 */
#ifndef FULL_TRAP_TRAP_H
#define FULL_TRAP_TRAP_H

#include "full/full.h"
#include "x86/cpu.h"

#define TRAP_SEGS 6u /* those that have selectors in user code: es cs ss ds fs gs */
#define VECTOR_SYSCALL                                                                             \
    256u /* what the entry code says of a SYSCALL, in 64-bit and in 32-bit code */
#define VECTOR_SYSCALL32 257u

/* An event that is to be delivered before the guest goes on. */
struct trap_event {
    bool valid, has_code;
    bool software; /* an instruction asked for it: rip is behind it, the gate's DPL counts */
    uint8_t
        length; /* of that instruction: it has not been executed if the event cannot be delivered */
    uint8_t vector;
    uint32_t code;
};

/* One instruction runs by itself, with pages open that it could not have for long; addresses have bit 0 set, 0 is none. */
struct trap_step {
    bool active;
    uint64_t write, gfn; /* this page is writable */
    uint64_t fetch;      /* this one executable, as it stands in memory */
};

#define FLAG_VM    (1ul << 17)
#define DR6_DETECT (1ul << 13) /* somebody would touch a debug register */
#define DR7_DETECT (1ul << 13)
#define NO_SHADOW  (~0ul)

struct trap_vcpu {
    struct full_state s; /* fs and gs bases are in the CPU while `loaded` */
    struct trap_event event;
    bool loaded;         /* on a CPU */
    bool stepping;       /* the instruction at hand is one of the guest's single steps */
    uint64_t shadow_at;  /* behind STI or MOV SS: no interrupt before the instruction here */
    bool window;         /* single step, for an interrupt waits behind the shadow */
    bool segments_stale; /* the CPU's selectors are not what s.seg wants */
    struct trap_step step;
    uint64_t hidden,
        hidden_mask; /* flags that the CPU does not have as the guest has them while it runs */
    uint16_t selector[TRAP_SEGS]; /* what the CPU was given */
    uint64_t *ldt;                /* a frame: segments of code that is not 64-bit */
    uint16_t root;                /* slot of the shadow root that is wanted; domain's lock */
    uint16_t root_loaded;         /* and of the one that a CPU has */
    bool flush;                   /* forget all translations at the next entry */
    uint8_t reason;               /* XENOLITH_EXIT_* of the one at hand */
};

static inline struct trap_vcpu *trap_of(const struct vcpu *v)
{
    return v->full->engine_data;
}

static inline unsigned int trap_cpl(const struct trap_vcpu *t)
{
    return t->s.cr0 & CR0_PE ? t->s.seg[SEG_NR_SS].attr >> 5 & 3 : 0;
}

/* Bits of the code segment: 16, 32, 64. */
static inline unsigned int trap_code_bits(const struct trap_vcpu *t)
{
    uint16_t attr = t->s.seg[SEG_NR_CS].attr;

    return t->s.efer & EFER_LMA && attr & SEG_ATTR_L ? 64 : attr & SEG_ATTR_DB ? 32 : 16;
}

static inline bool trap_is_canonical(uint64_t va)
{
    return (uint64_t)((int64_t)(va << 16) >> 16) == va;
}

/* ---- enter.S ---- */
void trap_enter(void) __noreturn_fn; /* into the running vCPU */
void trap_refused(struct vcpu *v);   /* trap.c: the CPU did not take what the guest's state says */
void trap_syscall_entry(void);
void trap_syscall32_entry(void);

/* ---- trap.c ---- */
void trap_exit(struct vcpu *v);                        /* never returns; called by x86/entry.S */
void trap_cpu_registers(struct vcpu *v);               /* CR0.TS and CR4 as the guest wants them */
void trap_breakpoints_load(const struct trap_vcpu *t); /* and its breakpoints */
void trap_debug(struct vcpu *v, uint64_t why);         /* #DB, with DR6 */
void trap_raise(struct vcpu *v, uint8_t vector, bool has_code, uint32_t code);
void trap_raise_fault(struct vcpu *v, const struct full_walk *w); /* #PF, with CR2 */
void trap_triple_fault(struct vcpu *v);
void trap_count(struct vcpu *v, unsigned int reason);
/* The instruction is behind the guest. */
void trap_behind(struct vcpu *v, const struct full_insn *insn);

/* ---- memory.c: as the guest's kernel (0), or with PFEC_U as its user; a failure has been raised as the guest's exception ---- */
bool trap_read(struct vcpu *v, uint64_t linear, void *to, uint32_t bytes,
               uint32_t user) __must_check;
bool trap_write(struct vcpu *v, uint64_t linear, const void *from, uint32_t bytes,
                uint32_t user) __must_check;
/* As the code that runs. */
uint32_t trap_user(const struct vcpu *v);
/* The linear address of an instruction's memory operand, and of the top of the stack plus an offset. */
uint64_t trap_operand(const struct vcpu *v, const struct full_insn *insn);
uint64_t trap_linear(const struct vcpu *v, unsigned int segment, uint64_t offset);
uint64_t trap_stack(const struct vcpu *v, int64_t offset);
/* rsp moves, in the stack's width. */
void trap_stack_move(struct vcpu *v, int64_t by);

/* ---- segment.c ---- */
void trap_segments_load(struct vcpu *v); /* into the CPU: what s.seg says */
/* From the CPU: null selectors that the guest has loaded without us. True: and what it meant by them is not what the CPU did. */
bool trap_segments_sync(struct vcpu *v);
void trap_bases_sync(struct trap_vcpu *t);
struct trap_descriptor {
    uint64_t low, high;
};
/* A descriptor of the guest's tables, all zero beyond their limits. False: raised. */
bool trap_descriptor_read(struct vcpu *v, uint16_t sel, struct trap_descriptor *d,
                          bool *in_table) __must_check;
void trap_segment_from(struct full_seg *seg, uint16_t sel, const struct trap_descriptor *d);
/* Load a data segment register or SS; false: raised. */
bool trap_segment_set(struct vcpu *v, enum full_seg_nr nr, uint16_t sel) __must_check;
enum trap_transfer {
    TRAP_JUMP,
    TRAP_RETURN,
    TRAP_GATE
};
/* Read a code segment, checked for how it is going to be entered; false: raised. */
bool trap_code_segment(struct vcpu *v, uint16_t sel, enum trap_transfer how,
                       struct full_seg *cs) __must_check;
void trap_code_set(struct vcpu *v, const struct full_seg *cs, unsigned int cpl);
void trap_stack_set(struct trap_vcpu *t, uint16_t sel, unsigned int cpl, bool flat);

/* ---- event.c: false: raised ---- */
void trap_deliver(struct vcpu *v); /* the event in t->event, through the guest's tables */
bool trap_iret(struct vcpu *v, const struct full_insn *insn) __must_check;
void trap_syscall(struct vcpu *v, bool is64);
void trap_sysret(struct vcpu *v, const struct full_insn *insn);
bool trap_far_jump(struct vcpu *v, uint16_t sel, uint64_t offset) __must_check;
bool trap_far_return(struct vcpu *v, const struct full_insn *insn) __must_check;
/* Those flags of `mask` that this privilege may change. */
void trap_flags_load(struct vcpu *v, uint64_t value, unsigned int cpl, uint64_t mask);

/* ---- emulate.c ---- */
/* The instruction at rip raised this: emulate it or give the guest its fault, and count it. */
void trap_emulate(struct vcpu *v, uint8_t vector, uint32_t code);

/* ---- shadow.c ---- */
int trap_shadow_init(struct full_domain *fd, bool scan);
void trap_shadow_free(struct full_domain *fd);
enum trap_fault {
    TRAP_FAULT_DONE,   /* the shadow has it now */
    TRAP_FAULT_GUEST,  /* the guest's own: w says which */
    TRAP_FAULT_DEVICE, /* no memory is at w->gpa */
    TRAP_FAULT_NO_MEMORY,
    TRAP_FAULT_SPACE, /* the guest maps addresses that are the hypervisor's */
    TRAP_FAULT_SELF,  /* the instruction writes the page that it is on: one step, by itself */
    TRAP_FAULT_TABLE, /* and a table that the access itself goes through */
};
enum trap_fault trap_shadow_fault(struct vcpu *v, uint64_t linear, uint32_t code,
                                  struct full_walk *w);
uint64_t trap_shadow_root(struct vcpu *v); /* physical; 0: no memory */
void trap_shadow_unmapped(struct full_domain *fd);
void trap_shadow_written(struct vcpu *v, uint64_t gpa);
void trap_shadow_drop_code(struct full_domain *fd);
/* Execute the instruction at rip as it stands in memory; when it is done nothing is left of that. */
void trap_step_code(struct vcpu *v);
void trap_step_end(struct vcpu *v);
/* Has the byte at rip been replaced? */
bool trap_is_patched(struct vcpu *v);

/* ---- scan.c ---- */
/* Ways into a page of code, a bit for each byte where one leads to; ways out of it are told, by the distance from its beginning. */
struct trap_ways {
    uint64_t in[PAGE_SIZE / 64];
    void (*out)(void *context, int64_t distance);
    void *context;
};
/*
 * Replace in `to` what is silent in `from`, where ways->in lead; true: there was something. ways->in becomes the beginnings of all
 * instructions that were found. before and behind are the pages around it, or NULL.
 */
bool trap_scan(const uint8_t *from, const uint8_t *before, const uint8_t *behind, unsigned int mode,
               struct trap_ways *ways, uint8_t *to);

#endif
