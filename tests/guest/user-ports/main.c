/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * AS: both
 * Ports for user mode: by a bitmap that the kernel names (Linux's ioperm and iopl), or by I/O privilege 3. The bitmap stands in memory
 * that user mode cannot see, may be anything, and may go away. It was once accepted and not obeyed: programs were killed.
 */
#include <string.h>
#include <xen/physdev.h>

#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"
#include "pvk/user.h"

#define STACK_VA 0x10000000ul
#define PORT     0x80u /* the BIOS's checkpoints: reading and writing it does nothing */

static uint8_t bitmap[8192 + 1];

static USER_CODE void user_in_byte(uint64_t port)
{
    uint64_t nr = 1;

    __asm__ volatile("inb %%dx, %%al\n\tmov $1, %%eax\n\tsyscall"
                     : "+a"(nr), "+d"(port)
                     :
                     : "rcx", "r11", "memory");
}

static USER_CODE void user_in_word(uint64_t port)
{
    uint64_t nr = 1;

    __asm__ volatile("inw %%dx, %%ax\n\tmov $1, %%eax\n\tsyscall"
                     : "+a"(nr), "+d"(port)
                     :
                     : "rcx", "r11", "memory");
}

static const char *try(struct user_space *space, const void *fn, uint64_t port)
{
    struct user_context ctx;

    user_context_init(&ctx, space, user_code_address(fn), STACK_VA + PAGE_SIZE - 8, port);
    if (user_run(&ctx) == USER_SYSCALL) {
        return "allowed";
    }
    return test_trap(
        false, &(struct trap_seen){.vector = ctx.regs.vector, .error_code = ctx.regs.error_code});
}

static const char *set(const void *where, uint32_t nr)
{
    struct physdev_set_iobitmap op = {.nr_ports = nr};

    op.bitmap.p = (void *)(uintptr_t)where;
    return test_rc(hc_physdev_op(PHYSDEVOP_set_iobitmap, &op));
}

void test_main(void)
{
    struct user_space *space = user_space_create();
    void *stack = page_alloc(0);
    struct physdev_set_iopl iopl = {.iopl = 3};

    if (space == NULL || stack == NULL || user_map_code(space) != 0 ||
        user_map(space, STACK_VA, pfn_of_va(stack), MAP_R | MAP_W) != 0) {
        test_error("cannot make a user space");
    }
    memset(bitmap, 0xff, sizeof(bitmap));
    test_note("without a bitmap: %s", try(space, (const void *)user_in_byte, PORT));
    test_note("a bitmap: %s", set(bitmap, 65536));
    test_note("a port whose bit is set: %s", try(space, (const void *)user_in_byte, PORT));
    bitmap[PORT / 8] = 0xfe;
    test_note("a port whose bit is clear: %s", try(space, (const void *)user_in_byte, PORT));
    test_note("its neighbour: %s", try(space, (const void *)user_in_byte, PORT + 1));
    test_note("both at once: %s", try(space, (const void *)user_in_word, PORT));
    bitmap[PORT / 8] = 0x7f;
    test_note("a word of which half is allowed: %s",
              try(space, (const void *)user_in_word, PORT + 7));
    bitmap[PORT / 8 + 1] = 0xfe;
    test_note("a word across two bytes: %s", try(space, (const void *)user_in_word, PORT + 7));
    memset(bitmap, 0, sizeof(bitmap));
    test_note("a shorter bitmap: %s", set(bitmap, PORT / 2));
    test_note("a port behind its end: %s", try(space, (const void *)user_in_byte, PORT));
    test_note("a bitmap of too many ports: %s", set(bitmap, 65537));
    test_note("a bitmap where nothing is: %s", set((const void *)0x1000, 65536));
    test_note("a port of that: %s", try(space, (const void *)user_in_byte, PORT));
    test_note("no bitmap: %s", set(NULL, 0));
    test_note("a port of that: %s", try(space, (const void *)user_in_byte, PORT));
    test_note("I/O privilege 3: %s", test_rc(hc_physdev_op(PHYSDEVOP_set_iopl, &iopl)));
    test_note("any port: %s", try(space, (const void *)user_in_byte, PORT));
    iopl.iopl = 1;
    test_note("I/O privilege 1: %s", test_rc(hc_physdev_op(PHYSDEVOP_set_iopl, &iopl)));
    test_note("any port: %s", try(space, (const void *)user_in_byte, PORT));
}
