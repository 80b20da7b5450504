/* SPDX-License-Identifier: MIT */
/*
 * Fully virtualized domains: what the room's files share, and its face to the rooms above. A vCPU of such a domain has
 * v->full, its domain d->full. Registers that an engine needs no control block for are in v->regs.
 * Invariant: v->regs (rip, rsp, rflags, rax included) and the engine's state are the guest's whenever no engine runs it.
 */
#ifndef FULL_FULL_H
#define FULL_FULL_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xenolith.h>

#include "common/compiler.h"
#include "common/typed_int.h"
#include "domain/domain.h"
#include "full/insn.h"
#include "full/lapic.h"
#include "full/pic.h"
#include "full/pit.h"
#include "sched/timer.h"
#include "x86/lock.h"

/* Segment registers in the order of AMD's control block (APM vol. 2, table B-2). */
enum full_seg_nr {
    SEG_NR_ES,
    SEG_NR_CS,
    SEG_NR_SS,
    SEG_NR_DS,
    SEG_NR_FS,
    SEG_NR_GS,
    SEG_NR_GDTR,
    SEG_NR_LDTR,
    SEG_NR_IDTR,
    SEG_NR_TR,
    SEG_NRS
};

/* attr: type, S, DPL, P in bits 0-7, AVL, L, D/B, G in bits 8-11; the ABI's "arbytes" as well. */
struct full_seg {
    uint16_t sel, attr;
    uint32_t limit;
    uint64_t base;
};
#define SEG_ATTR_L  (1u << 9)
#define SEG_ATTR_DB (1u << 10)

/* What of a vCPU's state is neither in v->regs nor in v->fpu. */
struct full_state {
    struct full_seg seg[SEG_NRS];
    uint64_t cr0, cr2, cr3, cr4, efer;
    uint64_t dr[4], dr6, dr7;
    uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
};

/* How a guest access to memory is translated: a part of the state that changes often. */
struct full_paging {
    uint64_t cr0, cr3, cr4, efer;
    uint64_t cs_base;
    uint8_t code_bits; /* 16, 32 or 64 */
    bool user;         /* ring 3 */
};

struct full_walk;

/* One way of running vCPUs. All of it is called with the vCPU off every CPU, or on the CPU that runs it. */
struct full_engine {
    const char *name;
    bool
        cpuid_plain; /* CPUID shows no feature that the engine would have to emulate: SMEP, SMAP, UMIP, SYSENTER */
    bool (*able)(void); /* on this machine; called once, at the first domain that wants it */
    int (*domain_init)(struct full_domain *fd);
    void (*domain_free)(struct full_domain *fd);
    int (*vcpu_init)(struct vcpu *v);
    void (*vcpu_free)(struct vcpu *v);
    void (*in)(struct vcpu *v); /* context switch; the hypervisor's own root is loaded */
    void (*out)(struct vcpu *v);
    void (*run)(struct vcpu *v); /* until its next exit, which has been dealt with on return */
    void (*state_get)(const struct vcpu *v, struct full_state *s);
    int (*state_set)(struct vcpu *v,
                     const struct full_state *s); /* -EINVAL: a CPU would refuse it */
    void (*paging_get)(const struct vcpu *v, struct full_paging *p);
    bool (*irq_ready)(const struct vcpu *v); /* an interrupt would be taken now */
    void (*irq_window)(struct vcpu *v);      /* exit as soon as it would */
    void (*inject)(struct vcpu *v,
                   uint8_t vector); /* an external interrupt, while it would be taken */
    void (*exception)(struct vcpu *v, uint8_t vector, bool has_code, uint32_t code);
    void (*page_fault)(struct vcpu *v, const struct full_walk *w);
    /* A guest frame has been written for the guest, not by it. NULL: no need to know */
    void (*written)(struct vcpu *v, uint64_t gpa);
    /* It has been executed, or (length 0) a part of it; a guest that is single-stepping gets its trap. */
    void (*behind)(struct vcpu *v, const struct full_insn *insn);
    /* A guest frame is being taken away; the domain's lock is held, and CPUs will be made to forget it. NULL: no need to know */
    void (*unmapped)(struct full_domain *fd);
};
extern const struct full_engine full_engine_svm, full_engine_trap;

/* What the domain's device model has asked for: ioreq.c. */
struct full_range {
    uint32_t type; /* XEN_DMOP_IO_RANGE_*, XENOLITH_DMOP_RANGE_STRINGS */
    uint64_t first, last;
};
struct full_server {
    bool used, enabled;
    uint32_t nr_ranges;
    struct full_range range[16];
    void *page; /* struct shared_iopage, the domain's and the device model's */
};

struct full_domain {
    struct domain *d;
    const struct full_engine *engine;
    void *engine_data;    /* the engine's, of the domain */
    struct spinlock lock; /* LOCK_FULL: all below, and every vCPU's lapic */
    uint64_t *map_root;   /* physmap.c; its tables only ever grow until the end */
    uint64_t map_tables;
    uint64_t map_teardown; /* first guest frame that is still mapped, while the domain ends */
    bool map_closed;       /* nothing is mapped any more */
    bool scan;             /* trap: code is scanned before it runs; const */
    struct pic_pair pic;
    struct pit pit;
    struct timer pit_timer; /* armed for the next edge of channel 0 */
    struct full_server server;
    char line[128]; /* output of the first serial port, until the end of the line */
    uint32_t line_length;
    bool uart_divisor; /* its data register is the divisor now */
};

/*
 * An access that the device model is to answer: the guest's instruction is already behind it. Or `count` of them, which INS and
 * OUTS make, from or to memory at gpa; the last one may go on at gpa2, on the next page. The instruction is at rip until they have been answered.
 */
struct full_request {
    bool out, write, down;
    uint8_t type;    /* IOREQ_TYPE_* */
    uint16_t number; /* of the vCPU's requests, never 0: one that is asked again is known by it */
    uint32_t count;  /* 0: no string instruction */
    uint64_t addr, data, gpa, gpa2;
    struct full_insn insn; /* how much, and where the answer goes */
};

struct full_vcpu {
    struct vcpu *v;
    void *engine_data;  /* the engine's, of the vCPU; const */
    struct lapic lapic; /* domain's lock */
    struct timer lapic_timer;
    uint32_t request_port;       /* 0: none; domain's lock */
    struct full_request request; /* owner */
    uint64_t request_tsc;        /* when it went out; owner */
    bool halted;                 /* HLT: waits for an interrupt; owner */
    uint64_t pat, tsc_aux;
    uint32_t pkru; /* while it has no CPU */
    uint32_t nr_past;
    struct full_past { /* its last exits, for the report of its end; owner */
        uint64_t rip;
        uint8_t reason; /* XENOLITH_EXIT_* */
    } past[8];
};

/* ---- vm.c: a vCPU's life ---- */

/* The domain's engine by its flags (XEN_DOMCTL_CDF_hap: nested paging); NULL: no such engine on this machine. */
const struct full_engine *full_engine_for(uint32_t create_flags);
/* Drop what is on the CPU's stack and go on with the vCPU that is loaded. */
void full_resume(void) __noreturn_fn;
/* Something may be pending for the vCPU: wake it, or make it exit. Any CPU, the domain's lock may be held. */
void full_notify(struct vcpu *v);
/* Real mode at vector << 12, as INIT and start-up interrupts leave a CPU; it runs then. The vCPU is down. */
void full_start_ap(struct vcpu *v, uint8_t vector);
/* The guest cannot go on: one line with its registers, and the domain crashes. */
void full_crash(struct vcpu *v, const char *why);

/* ---- context.c: save records (ABI: hvm/save.h) from and into the calling guest's memory; the domain is paused around it ---- */
int full_context_set(struct domain *d, gva_t records, uint32_t size) __must_check;
/* *size: room, then the bytes written; records at 0: how many at most. */
int full_context_get(struct domain *d, gva_t records, uint32_t *size) __must_check;

/* ---- physmap.c: guest frame to frame; each entry holds a general and a writable reference ---- */
#define PHYSMAP_GFN_BITS 36u
int physmap_init(struct full_domain *fd);
/* 0; -EINVAL: no such guest frame, or the frame is not the domain's; -EEXIST; -ENOMEM. */
int physmap_add(struct full_domain *fd, uint64_t gfn, mfn_t mfn) __must_check;
/* 0 and the frame that is there no more, without the references; -ENOENT. No CPU uses the translation afterwards. */
int physmap_remove(struct full_domain *fd, uint64_t gfn, mfn_t *mfn) __must_check;
/* MFN_INVALID where nothing is. A hint: take a reference before use. */
mfn_t physmap_lookup(const struct full_domain *fd, uint64_t gfn);
/* 2^order frames from index `first` on as guest frames from gfn on: all of them or none. */
int physmap_add_extent(struct full_domain *fd, uint64_t gfn, uint32_t first,
                       unsigned int order) __must_check;
/* The domain gives up a guest frame: -ENOENT. */
int physmap_give_up(struct full_domain *fd, uint64_t gfn) __must_check;
/* A page-table entry of another domain that names a guest frame gets the frame's own number. -EINVAL: there is none. */
int physmap_entry(const struct full_domain *fd, uint64_t *entry) __must_check;
int physmap_clear(struct full_domain *fd); /* preemptible, and for good: -ERESTART */
void physmap_free(struct full_domain *fd);
mfn_t physmap_root(const struct full_domain *fd);
/* Bits of a leaf that are the engine's, under the domain's lock: the hardware of nested paging ignores them. NULL: no frame. */
#define PHYSMAP_ENGINE_BITS 0x7ff0000000000e00ul
uint64_t *physmap_leaf(const struct full_domain *fd, uint64_t gfn);

/* ---- guest_memory.c: guest addresses of the vCPU's domain ---- */
/* Guest-physical memory; -EFAULT where there is none. */
int full_phys_read(struct vcpu *v, uint64_t gpa, void *to, uint32_t bytes) __must_check;
int full_phys_write(struct vcpu *v, uint64_t gpa, const void *from, uint32_t bytes) __must_check;
/*
 * Walks the guest's own tables for an access: PFEC_W, PFEC_U, PFEC_I. -EFAULT with what a page fault's error code would say,
 * for the address in w->linear.
 */
struct full_walk {
    struct full_paging paging;
    uint64_t linear, gpa, rights; /* rights: US and RW that all levels grant, NX that any has */
    uint32_t code;
    uint8_t top, level,
        entry_bytes; /* level: of the last entry that was looked at; top 0: paging is off */
    uint64_t at[6], entry[6]; /* by level: where in guest-physical memory, and what stood there */
};
int full_walk(struct vcpu *v, uint64_t linear, uint32_t access, struct full_walk *w) __must_check;
/* Accessed and dirty bits for it, as a CPU sets them. False: the entries are not any more what the walk has seen. */
bool full_walk_mark(struct vcpu *v, struct full_walk *w, bool write) __must_check;
/* Read or (PFEC_W) write. -EFAULT: as above; -ENXIO: no memory is there, at w->gpa. */
int full_virt_access(struct vcpu *v, uint64_t linear, void *buf, uint32_t bytes, uint32_t access,
                     struct full_walk *w) __must_check;
/* Up to INSN_MAX_BYTES of code: how many there are. 0, or less than all: w says why. */
uint32_t full_code_read(struct vcpu *v, uint64_t linear, uint8_t bytes[INSN_MAX_BYTES], bool user,
                        struct full_walk *w);
/* The instruction that rip points to. -EFAULT: it cannot be read; -EINVAL: it is none that is known here. */
int full_insn_at_rip(struct vcpu *v, struct full_insn *insn) __must_check;

/* ---- exits, from the engines; v->regs are current and changed ---- */
void full_cpuid(struct vcpu *v);
/* True: done; false: a general-protection fault is wanted. EFER is the engine's. */
bool full_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *value);
bool full_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value);
void full_halt(struct vcpu *v);
/* It has left the guest for that reason (XENOLITH_EXIT_*): counted, and remembered. */
void full_exited(struct vcpu *v, unsigned int reason);
/*
 * Accesses to a port, and to memory that is no frame of the guest's: insn has their size, at most 8 bytes that cross no page,
 * and the register that a read's answer goes to, now or when the device model has given it.
 */
void full_port(struct vcpu *v, uint16_t port, const struct full_insn *insn, bool write,
               uint32_t value);
void full_mmio(struct vcpu *v, uint64_t gpa, const struct full_insn *insn, bool write,
               uint64_t value);
/* The instruction at rip has met device memory at gpa: emulate it, or end the domain. */
void full_device_access(struct vcpu *v, uint64_t gpa, bool write);
/* What the board itself does at a port: what is read, ones where nobody is. */
uint32_t full_board_port(struct vcpu *v, uint16_t port, unsigned int bytes, bool write,
                         uint32_t value);
/* A general register by its encoding, and what a load does to one. */
uint64_t *full_register(struct vcpu *v, unsigned int nr);
void full_register_load(struct vcpu *v, const struct full_insn *insn, uint64_t value);
void full_register_set(struct vcpu *v, unsigned int nr, unsigned int bytes, uint64_t value);

/* ---- string.c: INS and OUTS, which the guest is allowed at this port ---- */
void full_string(struct vcpu *v, const struct full_insn *insn);
/* Elements of a request, one after another in the order of time: OUTS's out of the guest; INS's into it. */
void full_string_load(struct vcpu *v, const struct full_request *r, void *elements);
void full_string_finish(struct vcpu *v, const struct full_request *r, const void *elements);

/* ---- ioreq.c ---- */
struct xen_dm_op;
int full_dm_op(struct domain *d, struct xen_dm_op *op);
int full_server_frame(struct domain *d, uint32_t id, uint64_t frame, mfn_t *mfn);
void full_server_end(struct domain *d);
/* False: no device model wants it. True: the vCPU has a request out and must not run before it is finished. */
bool full_request_send(struct vcpu *v, const struct full_request *r);
bool full_request_answered(struct vcpu *v);
/* False: there is no answer yet. */
bool full_request_finish(struct vcpu *v);
void full_events_take(struct vcpu *v);

/* ---- irq.c ---- */
void full_irq_init(struct full_vcpu *fv);
void full_irq_deliver(struct vcpu *v); /* before a run: inject what can be, or ask for a window */
bool full_irq_waits(struct vcpu *v);   /* would end a halt */
void full_set_line(struct full_domain *fd, unsigned int irq, bool up); /* lock held */
void full_pit_changed(struct full_domain *fd);                         /* lock held */
void full_lapic_access(struct vcpu *v, uint32_t offset, bool write, uint32_t *value);
/* The guest's CR8, bits 4-7 of the task priority. */
void full_set_tpr(struct vcpu *v, uint8_t cr8);
void full_timers_stop(struct full_domain *fd);

#endif
