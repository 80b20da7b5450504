/* SPDX-License-Identifier: MIT */
/*
 * User mode: address spaces of their own, and user code run as a call that returns when the user code leaves.
 * user_run() comes back at a system call, an exception, or user_kick(); the caller looks at the registers, changes them as
 * it likes and calls user_run() again. User addresses are the lower half; the kernel can read and write them while the
 * space is in use. User code may use the registers of user_context only: FPU state is not switched.
 */
#ifndef PVK_USER_H
#define PVK_USER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/compiler.h"
#include "common/typed_int.h"
#include "pvk/regs.h"

#define USER_END 0x0000800000000000ul /* first address that is not a user address */

struct user_space;

enum user_exit {
    USER_SYSCALL,   /* number and arguments are in regs; the result goes into regs.rax */
    USER_EXCEPTION, /* regs.vector and regs.error_code say which; see also fault_address */
    USER_KICKED,    /* user_kick() was called; nothing happened to the user code */
};

struct user_context {
    struct trap_regs regs;
    struct user_space *space;
    uint64_t fault_address; /* of the last page fault */
    uint64_t kernel_rsp;    /* private: where user_run() left the kernel's stack */
    enum user_exit exit;
    bool kicked; /* private */
};

/* A space with nothing mapped; NULL if memory is short. It must not be in use anywhere when it is destroyed. */
struct user_space *user_space_create(void);
/* One with the same pages, none of them writable in it: what fork does first. NULL if memory is short. */
struct user_space *user_space_copy(const struct user_space *from);
void user_space_destroy(struct user_space *space);

/* Map a frame for user code (MAP_USER is implied), or take a page away. 0 or -errno. The frame stays the caller's. */
int user_map(struct user_space *space, uintptr_t va, pfn_t pfn, unsigned rights) __must_check;
int user_unmap(struct user_space *space, uintptr_t va) __must_check;

/* Make the space the one that this CPU sees in the lower half; NULL: none. */
void user_space_use(struct user_space *space);

/* Fresh registers: start at entry with this stack and arg in rdi. */
void user_context_init(struct user_context *ctx, struct user_space *space, uintptr_t entry,
                       uintptr_t stack_top, uint64_t arg);

/* Run user code until it leaves; thread context, interrupts on in user mode. */
enum user_exit user_run(struct user_context *ctx);

/* From an interrupt handler: let user_run() on this CPU return USER_KICKED. No effect if kernel code was interrupted. */
void user_kick(void);

/*
 * User code that is linked into the image: functions marked USER_CODE are mapped (read-only, executable) by
 * user_map_code() and start at user_code_address(fn) there. They must be self-contained: no calls, no global data.
 */
#define USER_CODE      __attribute__((section(".user_text"), noinline, used))
#define USER_CODE_BASE 0x400000ul

int user_map_code(struct user_space *space) __must_check;
uintptr_t user_code_address(const void *fn);

#endif
