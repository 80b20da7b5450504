/* SPDX-License-Identifier: MIT */
/*
 * What happens with an exception: fix-up, trap_catch(), handler, crash - or, in user mode, the end of user_run().
 * Invariant: runs with interrupts off from entry to return.
 */
#include "pvk/traps.h"

#include "common/format.h"
#include "libpvk/core/backend.h"
#include "libpvk/core/cpu.h"
#include "libpvk/core/user.h"
#include "libpvk/core/vectors.h"

#define NR_EXCEPTIONS 32

/* A faulting instruction at rip goes on at target instead (section .fixup_table). */
struct fixup {
    uint64_t rip;
    uint64_t target;
};
extern const struct fixup __fixup_start[], __fixup_end[];

/* trap_catch.S */
bool trap_catch_call(void (*fn)(void *arg), void *arg, uint64_t *saved_rsp);
extern const char trap_catch_unwind[];

static trap_handler *handlers[NR_EXCEPTIONS];

trap_handler *trap_set_handler(unsigned vector, trap_handler *handler)
{
    ASSERT(vector < NR_EXCEPTIONS);
    return __atomic_exchange_n(&handlers[vector], handler, __ATOMIC_ACQ_REL);
}

uint64_t trap_fault_address(void)
{
    return this_cpu()->fault_address;
}

const char *trap_name(unsigned vector)
{
    static const char *const names[] = {
        [TRAP_DE] = "#DE", [TRAP_DB] = "#DB", [TRAP_NMI] = "NMI", [TRAP_BP] = "#BP",
        [TRAP_OF] = "#OF", [TRAP_BR] = "#BR", [TRAP_UD] = "#UD",  [TRAP_NM] = "#NM",
        [TRAP_DF] = "#DF", [TRAP_TS] = "#TS", [TRAP_NP] = "#NP",  [TRAP_SS] = "#SS",
        [TRAP_GP] = "#GP", [TRAP_PF] = "#PF", [TRAP_MF] = "#MF",  [TRAP_AC] = "#AC",
        [TRAP_MC] = "#MC", [TRAP_XM] = "#XM",
    };
    static char other[20];

    if (vector < ARRAY_SIZE(names) && names[vector] != NULL) {
        return names[vector];
    }
    if (vector == VECTOR_FAILSAFE) {
        return "failsafe callback";
    }
    format(other, sizeof(other), "vector %u", vector);
    return other;
}

bool trap_catch(void (*fn)(void *arg), void *arg, struct trap_seen *seen)
{
    struct cpu *cpu = this_cpu();
    struct catch_frame frame = {.seen = seen};
    struct catch_frame *outer = cpu->catch;
    bool returned;

    cpu->catch = &frame;
    returned = trap_catch_call(fn, arg, &frame.rsp);
    cpu->catch = outer;
    return returned;
}

static bool apply_fixup(struct trap_regs *regs)
{
    for (const struct fixup *f = __fixup_start; f < __fixup_end; f++) {
        if (f->rip == regs->rip) {
            regs->rip = f->target;
            return true;
        }
    }
    return false;
}

/* Let the interrupted code go on at the end of trap_catch_call(), with its stack. */
static bool unwind_to_catch(struct trap_regs *regs)
{
    struct catch_frame *frame = this_cpu()->catch;

    if (frame == NULL) {
        return false;
    }
    frame->seen->vector = regs->vector;
    frame->seen->error_code = regs->error_code;
    frame->seen->fault_address = this_cpu()->fault_address;
    frame->seen->rip = regs->rip;
    regs->rip = (uintptr_t)trap_catch_unwind;
    regs->rsp = frame->rsp;
    regs->rflags &= RFLAGS_IF; /* no single step, direction or alignment check of the caught code */
    return true;
}

static void kernel_exception(struct trap_regs *regs)
{
    trap_handler *handler = NULL;

    if (apply_fixup(regs) || unwind_to_catch(regs)) {
        return;
    }
    if (regs->vector < NR_EXCEPTIONS) {
        handler = __atomic_load_n(&handlers[regs->vector], __ATOMIC_ACQUIRE);
    }
    if (handler != NULL && handler(regs)) {
        return;
    }
    crash_regs(regs, "unhandled %s in the kernel", trap_name(regs->vector));
}

void trap_dispatch(struct trap_regs *regs)
{
    if (regs->vector == VECTOR_SYSCALL) {
        backend_fix_syscall_regs(regs);
    }
    if (regs->vector == VECTOR_EVENT) {
        backend_handle_interrupts();
        if (regs_from_user(regs)) {
            user_interrupted(regs);
        }
        return;
    }
    if (regs->vector == TRAP_PF) {
        this_cpu()->fault_address = backend_fault_address();
    }
    if (regs_from_user(regs)) {
        user_stopped(regs);
        return;
    }
    kernel_exception(regs);
}
