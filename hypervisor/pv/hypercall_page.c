/* SPDX-License-Identifier: MIT */
/*
 * A stub saves rcx and r11, which SYSCALL destroys, loads the number and enters. The iret stub (23) never returns: it leaves
 * the two and rax on the stack, where the iret hypercall looks for them. Pure.
 */
#include "pv/hypercall_page.h"

#include <xen/xen.h>

#include "common/string.h"

#define STUB_BYTES 32u
#define STUBS      128u
#define INT3       0xcc

static uint8_t *emit(uint8_t *p, const uint8_t *code, size_t n)
{
    memcpy(p, code, n);
    return p + n;
}

static void stub(uint8_t *p, uint32_t nr)
{
    static const uint8_t save[] = {0x51, 0x41, 0x53};           /* push rcx; push r11 */
    static const uint8_t save_rax[] = {0x50};                   /* push rax */
    static const uint8_t enter[] = {0x0f, 0x05};                /* syscall */
    static const uint8_t restore[] = {0x41, 0x5b, 0x59, 0xc3};  /* pop r11; pop rcx; ret */
    const uint8_t load[] = {0xb8, (uint8_t)nr, 0, 0, 0};        /* mov eax, nr */

    p = emit(p, save, sizeof(save));
    if (nr == __HYPERVISOR_iret) {
        p = emit(p, save_rax, sizeof(save_rax));
    }
    p = emit(p, load, sizeof(load));
    p = emit(p, enter, sizeof(enter));
    if (nr != __HYPERVISOR_iret) {
        emit(p, restore, sizeof(restore));
    }
}

void hypercall_page_fill(uint8_t *page)
{
    memset(page, INT3, STUB_BYTES * STUBS);
    for (uint32_t nr = 0; nr < STUBS; nr++) {
        stub(page + nr * STUB_BYTES, nr);
    }
}
