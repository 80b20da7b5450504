/* SPDX-License-Identifier: MIT */
/*
 * user_run(): user mode as a function call. It leaves the kernel's stack pointer in the context, enters user mode, and the
 * next entry from user mode that matters cuts the stack back to it.
 * Invariant: cpu->user is set from user_run() until it is left, and only user mode runs with interrupts on in between.
 */
#include "libpvk/core/user.h"

#include <string.h>

#include "libpvk/core/backend.h"
#include "libpvk/core/cpu.h"
#include "libpvk/core/sched.h"
#include "libpvk/core/vectors.h"
#include "pvk/memory.h"

extern char __user_text_start[], __user_text_end[];

void user_context_init(struct user_context *ctx, struct user_space *space, uintptr_t entry,
                       uintptr_t stack_top, uint64_t arg)
{
    memset(ctx, 0, sizeof(*ctx));
    ctx->space = space;
    ctx->regs.rip = entry;
    ctx->regs.rsp = stack_top;
    ctx->regs.rdi = arg;
    user_regs_init(&ctx->regs);
    ctx->regs.rflags = RFLAGS_IF;
}

enum user_exit user_run(struct user_context *ctx)
{
    irq_state was = irq_save();

    this_cpu()->user = ctx;
    user_space_use(ctx->space);
    ctx->regs.rflags |= RFLAGS_IF; /* user code cannot keep interrupts out */
    user_enter(&ctx->regs, &ctx->kernel_rsp);
    this_cpu()->user = NULL; /* the context is the caller's again: user_kick() must not touch it */
    irq_restore(was);
    return ctx->exit;
}

static __noreturn_fn void leave(const struct trap_regs *regs, enum user_exit why)
{
    struct user_context *ctx = this_cpu()->user;

    ctx->regs = *regs;
    ctx->exit = why;
    ctx->kicked = false;
    user_leave(ctx->kernel_rsp);
}

void user_stopped(const struct trap_regs *regs)
{
    if (regs->vector == VECTOR_SYSCALL) {
        leave(regs, USER_SYSCALL);
    }
    if (regs->vector == TRAP_PF) {
        this_cpu()->user->fault_address = this_cpu()->fault_address;
    }
    leave(regs, USER_EXCEPTION);
}

void user_interrupted(const struct trap_regs *regs)
{
    struct user_context *ctx = this_cpu()->user;

    if (ctx->kicked) {
        leave(regs, USER_KICKED);
    }
    if (sched_preempt()) {
        /* Another thread ran and may have used user mode as well: take back what belongs to this one. */
        this_cpu()->user = ctx;
        user_space_use(ctx->space);
        user_set_entry_stack(ctx->kernel_rsp);
    }
}

void user_kick(void)
{
    struct user_context *ctx = this_cpu()->user;

    if (ctx != NULL) {
        ctx->kicked = true;
    }
}

int user_map_code(struct user_space *space)
{
    uintptr_t va = USER_CODE_BASE;

    for (char *page = __user_text_start; page < __user_text_end; page += PAGE_SIZE) {
        int rc = user_map(space, va, pfn_of_va(page), MAP_R | MAP_X);

        if (rc != 0) {
            return rc;
        }
        va += PAGE_SIZE;
    }
    return 0;
}

uintptr_t user_code_address(const void *fn)
{
    return USER_CODE_BASE + (uintptr_t)((const char *)fn - __user_text_start);
}
