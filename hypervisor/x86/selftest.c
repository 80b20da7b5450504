/* SPDX-License-Identifier: MIT */
/*
 * Checks that must hold before a guest runs: expected faults come back as errors, and what is mapped read-only cannot be
 * written. Needs the final tables.
 */
#include "x86/selftest.h"

#include "common/errno.h"
#include "common/string.h"
#include "debug/panic.h"
#include "debug/symtab.h"
#include "x86/cpu.h"
#include "x86/percpu.h"
#include "x86/pgtable.h"
#include "x86/uaccess.h"

extern const uint8_t __syscall_page[], __rodata_end[];

static uint8_t data_code[16] = {0xc3}; /* ret */

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            panic("self test: %s", #cond);                                                         \
        }                                                                                          \
    } while (0)

static const uint8_t from[24] = {1, 2, 3};

static uint64_t area_here(void)
{
    return PERCPU_AREA_BASE + this_cpu()->cpu * PERCPU_AREA_SIZE;
}

static void faults_come_back(void)
{
    uint8_t buf[24] = {0};
    uint64_t value = 0;

    CHECK(rdmsr_safe(MSR_EFER, &value) == 0 && (value & EFER_NXE));
    /* An empty entry of the descriptor window. */
    CHECK(segment_load_safe(SEG_FS, 0x1233) == -EFAULT);
    CHECK(segment_load_safe(SEG_FS, 0) == 0);

    /* Unmapped, non-canonical, and a copy that stops in the middle: the top of the main stack is followed by nothing. */
    CHECK(uaccess_read(buf, (const void *)0x1000, sizeof(buf)) == sizeof(buf));
    CHECK(uaccess_read(buf, (const void *)0x8000000000000000ul, 3) == 3);
    CHECK(uaccess_read(buf, (const void *)(area_here() + PCPU_STACK_TOP - 16), 24) == 8);
    CHECK(uaccess_read(buf, from, sizeof(buf)) == 0 && memcmp(buf, from, sizeof(buf)) == 0);
}

static void protection_holds(void)
{
    uint8_t *text = (uint8_t *)__image_start;
    uint64_t constants_end = (uint64_t)__rodata_end;

    CHECK(uaccess_write(text, from, 8) == 8);
    CHECK(uaccess_write(direct_map(image_pa(text)), from, 8) == 8);
    CHECK(uaccess_write((void *)(constants_end - 8), from, 8) == 8);
    CHECK(uaccess_write((void *)__syscall_page, from, 8) == 8);
    /* The guard page under the main stack. */
    CHECK(uaccess_write((void *)(area_here() + PCPU_STACK_OFFSET), from, 8) == 8);
}

void selftest_run(void)
{
    faults_come_back();
    protection_holds();
}

static uint64_t deeper(uint64_t n)
{
    volatile uint64_t room[64];

    room[n % 64] = n;
    return n == 0 ? 0 : deeper(n - 1) + room[n % 64];
}

void selftest_die(const char *how)
{
    volatile uint64_t nowhere = 0x10;

    if (!strcmp(how, "fault")) {
        *(volatile uint32_t *)nowhere = 1;
    } else if (!strcmp(how, "write")) {
        *(volatile uint8_t *)__image_start = 1;
    } else if (!strcmp(how, "exec")) {
        ((void (*)(void))(uintptr_t)data_code)();
    } else if (!strcmp(how, "stack")) {
        deeper(1000);
    } else if (!strcmp(how, "assert")) {
        BUG_ON(how[0] == 'a');
    }
}
