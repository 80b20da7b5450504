/* SPDX-License-Identifier: MIT */
/* <pvk/cpu.h> on a bare machine: each function is its instruction. */
#include "pvk/cpu.h"

#include <xen/xenolith.h>

#include "libpvk/core/backend.h"
#include "libpvk/core/cpu.h"
#include "libpvk/native/insn.h"

uint64_t cpu_page_root(void)
{
    return insn_read_cr3();
}

void cpu_identify(uint32_t leaf, uint32_t regs[4])
{
    insn_cpuid(leaf, regs);
}

uint8_t cpu_port_read(uint16_t port)
{
    return insn_inb(port);
}

void cpu_halt(void)
{
    backend_idle();
}

uint64_t cpu_slept_ns(void)
{
    return this_cpu()->slept_ns;
}

void machine_mark(uint32_t value)
{
    insn_outl(XENOLITH_MARK_PORT, value);
}
