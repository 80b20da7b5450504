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
    uint64_t start,
        end; /* machine addresses, page-aligned by the loader or moved by us; [start, end) */
    char cmdline
        [1024]; /* "path name args…"; as long as a guest's command line may be (MAX_GUEST_CMDLINE) */
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

/* How the parsers reach physical memory: a pointer to `bytes` bytes at pa, or NULL where that is not memory. */
struct boot_reader {
    const void *(*at)(void *ctx, uint64_t pa, uint64_t bytes);
    void *ctx;
};

/*
 * Pure parsers over the loader's structures at physical address pa; 0, or -EINVAL with a reason. Strings that are too long
 * are cut; ranges, modules beyond the maximum are refused, for a missing module would only show much later.
 */
int boot_parse_multiboot1(const struct boot_reader *r, uint64_t pa, struct boot_info *out,
                          const char **why);
int boot_parse_multiboot2(const struct boot_reader *r, uint64_t pa, struct boot_info *out,
                          const char **why);
int boot_parse_pvh(const struct boot_reader *r, uint64_t pa, struct boot_info *out,
                   const char **why);

/* Who entered us, from boot/head.S. */
#define BOOT_MAGIC_MULTIBOOT1 0x2badb002u
#define BOOT_MAGIC_MULTIBOOT2 0x36d76289u
#define BOOT_MAGIC_PVH        0x336ec578u

/*
 * The last word "name=value" of a command line: its value is copied to buf (cut to size) and 1 returned; a bare "name"
 * gives an empty value and 1; 0 if there is neither. Words are separated by blanks.
 */
int cmdline_get(const char *cmdline, const char *name, char *buf, uint32_t size);

/* The value of "name=N" (decimal, 0x… hexadecimal), `otherwise` when it is absent or no number. */
uint64_t cmdline_get_number(const char *cmdline, const char *name, uint64_t otherwise);

#endif
