/* SPDX-License-Identifier: MIT */
/*
 * What the loader told: command line, memory, modules, where ACPI's tables begin. Copied before any memory is given out.
 */
#ifndef PVK_NATIVE_BOOT_INFO_H
#define PVK_NATIVE_BOOT_INFO_H

#include <stdint.h>

#define MAX_REGIONS 64
#define MAX_MODULES 16

struct ram_region {
    uint64_t first; /* frames: whole ones only */
    uint64_t end;
};

struct boot_module {
    uint64_t paddr;
    uint64_t size;
    char cmdline[128];
};

struct boot_info {
    char cmdline[1024];
    struct ram_region ram[MAX_REGIONS];
    unsigned nr_ram;
    struct boot_module modules[MAX_MODULES];
    unsigned nr_modules;
    uint64_t rsdp; /* 0: not told, to be searched for */
};

extern struct boot_info boot_info;

/* Read what lies at paddr; the early tables map it. Crashes if the loader is neither multiboot nor PVH. */
void boot_info_init(uint32_t magic, uint32_t paddr);

#endif
