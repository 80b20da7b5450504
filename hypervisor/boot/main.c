/* SPDX-License-Identifier: MIT */
/*
 * The ordered list of what happens at boot, on the boot CPU, from boot/head.S to the idle loop. Each step may use all above
 * it and nothing below. What cannot be mended ends here with one line.
 */
#include <stdarg.h>
#include <stddef.h>

#include "boot/acpi.h"
#include "boot/boot_domain.h"
#include "boot/boot_info.h"
#include "boot/memory.h"
#include "boot/wiring.h"
#include "common/compiler.h"
#include "common/format.h"
#include "common/string.h"
#include "debug/build_id.h"
#include "debug/console.h"
#include "debug/panic.h"
#include "hypercall/hc_memory.h"
#include "hypercall/hc_platform.h"
#include "mm/heap.h"
#include "mm/hv_alloc.h"
#include "mm/mm_init.h"
#include "sched/sched.h"
#include "sched/timer.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/entry.h"
#include "x86/fpu.h"
#include "x86/ipi.h"
#include "x86/percpu.h"
#include "x86/pgtable.h"
#include "x86/selftest.h"
#include "x86/smp.h"
#include "x86/time.h"
#include "x86/upcalls.h"

struct boot_info boot_info;

#define E820_RESERVED 2 /* type of an address range, ACPI 6.4, 15.1 */

static struct acpi_info acpi;

void boot_start(uint32_t magic, uint64_t info_pa) __noreturn_fn;

void boot_fail(const char *fmt, ...)
{
    char text[256];
    va_list args;

    va_start(args, fmt);
    format_v(text, sizeof(text), fmt, args);
    va_end(args);
    console_panic_mode();
    log_err("cannot boot: %s", text);
    machine_exit(EXIT_STATUS_BOOT_ERROR);
}

static enum console_port port_option(const char *name)
{
    char text[8];

    if (!cmdline_get(boot_info.cmdline, name, text, sizeof(text)) || !strcmp(text, "com1")) {
        return PORT_COM1;
    }
    return !strcmp(text, "com2") ? PORT_COM2 : PORT_NONE;
}

static enum log_level level_option(void)
{
    static const char *const names[] = {"err", "warn", "info", "debug"};
    char text[8];

    if (cmdline_get(boot_info.cmdline, "loglvl", text, sizeof(text))) {
        for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
            if (!strcmp(text, names[i])) {
                return (enum log_level)i;
            }
        }
    }
    return LOG_INFO;
}

static bool flag_option(const char *name)
{
    return cmdline_get(boot_info.cmdline, name, NULL, 0);
}

static void console_open(void)
{
    char text[8];
    bool told = cmdline_get(boot_info.cmdline, "exit", text, sizeof(text));
    const struct console_options options = {
        .console = port_option("console"),
        .log = port_option("log"),
        .level = level_option(),
    };

    machine_exit_how(told ? text : "halt");
    console_init(&options);
    hv_cmdline_set(boot_info.cmdline);
}

static void loader_info(uint32_t magic, uint64_t info_pa)
{
    const char *why = "entered by an unknown boot protocol";
    int rc = -1;

    if (magic == BOOT_MAGIC_MULTIBOOT1) {
        rc = boot_parse_multiboot1(&boot_reader_low, info_pa, &boot_info, &why);
    } else if (magic == BOOT_MAGIC_MULTIBOOT2) {
        rc = boot_parse_multiboot2(&boot_reader_low, info_pa, &boot_info, &why);
    } else if (magic == BOOT_MAGIC_PVH) {
        rc = boot_parse_pvh(&boot_reader_low, info_pa, &boot_info, &why);
    }
    console_open();
    if (rc) {
        boot_fail("%s", why);
    }
}

static void say_hello(uint32_t magic)
{
    const struct cpu_features *f = &cpu_features;
    const char *protocol = magic == BOOT_MAGIC_PVH          ? "PVH"
                           : magic == BOOT_MAGIC_MULTIBOOT2 ? "multiboot2"
                                                            : "multiboot";

    log_info("Xenolith, loaded by %s%s%s", protocol, boot_info.loader[0] ? " from " : "",
             boot_info.loader);
    log_info("command line: %s", boot_info.cmdline[0] ? boot_info.cmdline : "(none)");
    log_info("CPU %s %x:%s%s%s%s%s%s%s", f->vendor, f->signature, f->smep ? " SMEP" : "",
             f->smap ? " SMAP" : "", f->umip ? " UMIP" : "", f->xsave ? " XSAVE" : "",
             f->fsgsbase ? " FSGSBASE" : "", f->gib_pages ? " 1GiB-pages" : "",
             f->x2apic ? " x2APIC" : "");
}

static void firmware_tables(void)
{
    const char *why = "";

    acpi.apic.no_x2apic = flag_option("nox2apic");
    if (acpi_parse(&boot_reader_low, boot_info.rsdp, &acpi, &why)) {
        log_warn("ACPI: %s: one CPU, console input is polled", why);
    }
}

static void interrupts_start(void)
{
    int irq;

    if (apic_init(&acpi.apic)) {
        boot_fail("the CPU has no local APIC");
    }
    if (ioapic_init(&acpi.apic)) {
        boot_fail("no memory for the I/O APICs");
    }
    irq = console_input_irq();
    if (irq >= 0 && ioapic_route_isa((unsigned int)irq, VEC_UART) == 0) {
        apic_console_irq_set(true);
        console_input_irq_enable();
    }
}

static uint64_t table_frame(void)
{
    void *p = hv_alloc_pages(1);

    return p ? direct_map_pa(p) : 0;
}

/* Hand all RAM to the allocator: what is free, and what is in use but may come back (modules). Not the first MiB. */
static void allocator_start(void)
{
    const struct early_mem *all = memory_all_ranges();
    const struct early_mem *left = memory_free_ranges();
    uint64_t frames = memory_frame_tables();
    struct early_mem used = *all;

    hv_map_seal();
    mm_init(frames);
    early_mem_reserve(&used, 0, BOOT_LOW_MEMORY);
    for (uint32_t i = 0; i < left->nr; i++) {
        heap_add((uint32_t)(left->range[i].start >> 12),
                 (left->range[i].end - left->range[i].start) >> 12);
        early_mem_reserve(&used, left->range[i].start, left->range[i].end);
    }
    for (uint32_t i = 0; i < used.nr; i++) {
        heap_add_used((uint32_t)(used.range[i].start >> 12),
                      (used.range[i].end - used.range[i].start) >> 12);
    }
    for (uint32_t i = 0; i < acpi.apic.nr_ioapics; i++) {
        mm_io_restrict(mfn_of_maddr(maddr_make(acpi.apic.ioapic[i].address)), 1, IO_NONE);
    }
    hv_map_frames_from(table_frame);
    if (mm_init_owners()) {
        boot_fail("no memory for the owners of frames");
    }
    log_info("memory: %lu MiB, %lu MiB free", early_mem_total(all) >> 20, frames_free() >> 8);
}

/*
 * What a hardware domain reads as the machine's memory map: the firmware's, and the interrupt controllers, of which the
 * firmware says nothing there, as reserved: a domain must not place anything at them.
 */
static void machine_map_tell(void)
{
    uint64_t apic = ALIGN_DOWN(acpi.apic.lapic_address, 4096ul);
    uint32_t next = 0;

    for (uint32_t i = 0; i <= boot_info.nr_e820; i++) {
        const struct boot_e820 *e = &boot_info.e820[i];
        uint64_t start = i < boot_info.nr_e820 ? e->start : UINT64_MAX;

        for (; next < acpi.apic.nr_ioapics && acpi.apic.ioapic[next].address < start; next++) {
            memory_machine_map_add(ALIGN_DOWN(acpi.apic.ioapic[next].address, 4096ul), 4096,
                                   E820_RESERVED);
        }
        if (apic && apic < start) {
            memory_machine_map_add(apic, 0x100000, E820_RESERVED);
            apic = 0;
        }
        if (i < boot_info.nr_e820 && !memory_machine_map_add(e->start, e->size, e->type)) {
            log_warn("the memory map is too long: %u ranges of %u are told", i, boot_info.nr_e820);
            return;
        }
    }
}

static void platform_tell(void)
{
    for (uint32_t i = 0; i < acpi.nr_cpus; i++) {
        platform_cpu_tell(acpi.apic_ids[i], acpi.acpi_ids[i]);
    }
    platform_acpi_tell(acpi.pm1a_control, acpi.pm1b_control);
}

static void processors_start(void)
{
    uint64_t max = cmdline_get_number(boot_info.cmdline, "maxcpus", MAX_CPUS);

    if (acpi.nr_cpus > 1 && max > 1 && memory_trampoline()) {
        smp_start(acpi.apic_ids, acpi.nr_cpus, (uint32_t)MIN(max, (uint64_t)MAX_CPUS),
                  memory_trampoline());
    }
    log_info("CPUs: %u of %u", nr_cpus, MAX(acpi.nr_cpus, 1u) + acpi.cpus_left_out);
}

#ifdef XENO_DEBUG
#define SELF_TESTS true
#else
#define SELF_TESTS false
#endif

/* selftest=HOW on the command line: an end that tests want to see reported. */
static void end_as_asked(void)
{
    char how[16];

    if (cmdline_get(boot_info.cmdline, "selftest", how, sizeof(how))) {
        selftest_die(how);
    }
}

void boot_start(uint32_t magic, uint64_t info_pa)
{
    struct cpu_options options;

    loader_info(magic, info_pa);
    options.no_smep = flag_option("nosmep");
    options.no_smap = flag_option("nosmap");
    options.no_umip = flag_option("noumip");
    cpu_init(&options);
    say_hello(magic);
    memory_survey(&boot_info);
    firmware_tables();
    memory_map_final();
    fpu_init();
    interrupts_start();
    time_init();
    allocator_start();
    machine_map_tell();
    platform_tell();
    if (SELF_TESTS) {
        selftest_run();
    }
    sched_init();
    timer_init_cpu();
    wiring_connect();
    processors_start();
    end_as_asked();
    boot_domain_start();
    stack_reset_and_call(sched_idle_loop);
}
