/* SPDX-License-Identifier: MIT */
/*
 * What the boot protocol (multiboot1, multiboot2 or PVH) told us, in one form. Filled on the boot CPU from a private
 * copy before the original memory is handed to the allocator; const afterwards.
 */
#ifndef BOOT_BOOT_INFO_H
#define BOOT_BOOT_INFO_H

#include <stdint.h>

#define BOOT_MAX_MODULES 64
#define BOOT_MAX_E820    128
#define BOOT_CMDLINE_MAX 1024

struct boot_module {
    uint64_t start, end; /* machine addresses, page-aligned by the loader or moved by us; [start, end) */
    char cmdline[1024]; /* "path name args…"; as long as a guest's command line may be (MAX_GUEST_CMDLINE) */
};

/* One range of the machine's memory map, E820 types. */
struct boot_e820 {
    uint64_t start, size;
    uint32_t type;
};

struct boot_info {
    char cmdline[BOOT_CMDLINE_MAX];
    char loader[64];
    uint32_t nr_modules;
    struct boot_module modules[BOOT_MAX_MODULES];
    uint32_t nr_e820;
    struct boot_e820 e820[BOOT_MAX_E820];
    uint64_t rsdp; /* 0 if not told: scan */
};

extern struct boot_info boot_info;

/* Pure parsers over the loader's structures; 0 or -EINVAL with a reason. */
int boot_parse_multiboot1(const void *mbi, struct boot_info *out, const char **why);
int boot_parse_multiboot2(const void *mbi, struct boot_info *out, const char **why);
int boot_parse_pvh(const void *start_info, struct boot_info *out, const char **why);

/*
 * Value of "name=value" in a command line copied to buf (0 if absent; bare "name" gives an empty value and 1).
 */
int cmdline_get(const char *cmdline, const char *name, char *buf, uint32_t size);

#endif
