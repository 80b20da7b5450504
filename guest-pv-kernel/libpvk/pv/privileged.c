/* SPDX-License-Identifier: MIT */
/*
 * <pvk/cpu.h> in a domain: what the kernel knows itself it does not ask for; what only the hypervisor can tell is an instruction
 * that traps, or that is marked for it (CPUID would not trap, and would tell of the machine instead of the domain).
 */
#include "pvk/cpu.h"

#include <xen/xenolith.h>

#include "libpvk/core/backend.h"
#include "libpvk/core/cpu.h"
#include "libpvk/pv/user_space.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/pv/pagetable.h"

uint64_t cpu_page_root(void)
{
    const struct user_space *space = this_cpu()->space;
    const struct pt_space *tables = space == NULL ? &kernel_space : user_space_tables(space);

    return mfn_raw(mfn_of_pfn(pfn_of_va(tables->kernel_root))) << PAGE_SHIFT;
}

void cpu_identify(uint32_t leaf, uint32_t regs[4])
{
    /* The ABI's mark of an instruction that is to be emulated: ud2, "xen". */
    __asm__ volatile("ud2; .ascii \"xen\"; cpuid"
                     : "=a"(regs[0]), "=b"(regs[1]), "=c"(regs[2]), "=d"(regs[3])
                     : "a"(leaf), "c"(0));
}

/* Port instructions of the kernel reach the emulator with this privilege level only; a CPU keeps it. */
static void want_ports(void)
{
    static bool have[PVK_MAX_CPUS];
    struct physdev_set_iopl iopl = {.iopl = 1};

    if (!have[this_cpu()->id]) {
        have[this_cpu()->id] = hc_physdev_op(PHYSDEVOP_set_iopl, &iopl) == 0;
    }
}

uint8_t cpu_port_read(uint16_t port)
{
    uint8_t value;

    want_ports();
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

void cpu_halt(void)
{
    backend_idle();
}

uint64_t cpu_slept_ns(void)
{
    return 0;
}

void machine_mark(uint32_t value)
{
    want_ports();
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"((uint16_t)XENOLITH_MARK_PORT));
}
