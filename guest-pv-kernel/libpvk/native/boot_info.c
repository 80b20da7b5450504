/* SPDX-License-Identifier: MIT */
/*
 * Reads the loader's information: multiboot 0.6.96 (3.3), or PVH's start information version 1. What does not fit is left out.
 * Invariant: runs on the early tables, which map the first GiB; loaders leave their information there.
 */
#include "libpvk/native/boot_info.h"

#include <string.h>

#include "common/compiler.h"
#include "common/typed_int.h"
#include "libpvk/native/asm.h"
#include "pvk/memory.h"
#include "pvk/traps.h"

#define EARLY_LIMIT    (1ul << 30)

#define MB_HAS_MEMORY  (1u << 0)
#define MB_HAS_CMDLINE (1u << 2)
#define MB_HAS_MODULES (1u << 3)
#define MB_HAS_MMAP    (1u << 6)
#define MB_HAS_LOADER  (1u << 9)
#define E820_RAM       1u

struct mb_info {
    uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4],
        mmap_length, mmap_addr, drives_length, drives_addr, config_table, loader_name;
};

struct mb_module {
    uint32_t start, end, cmdline, reserved;
};

struct mb_mmap {
    uint32_t size; /* of what follows */
    uint64_t addr, len;
    uint32_t type;
} __packed_struct;

/* struct hvm_start_info and what it points to, as the PVH boot ABI has them. */
struct pvh_info {
    uint32_t magic, version, flags, nr_modules;
    uint64_t modlist, cmdline, rsdp, memmap;
    uint32_t memmap_entries, reserved;
};

struct pvh_module {
    uint64_t paddr, size, cmdline, reserved;
};

struct pvh_mmap {
    uint64_t addr, size;
    uint32_t type, reserved;
};

struct boot_info boot_info;

static const void *at_paddr(uint64_t paddr)
{
    if (paddr >= EARLY_LIMIT) {
        crash("the loader's information lies above the first GiB");
    }
    return (const char *)VIRT_BASE + paddr;
}

static void add_ram(uint64_t addr, uint64_t len, uint32_t type)
{
    uint64_t first = (addr + PAGE_SIZE - 1) >> PAGE_SHIFT;
    uint64_t end = (addr + len) >> PAGE_SHIFT;

    if (type == E820_RAM && end > first && boot_info.nr_ram < MAX_REGIONS) {
        boot_info.ram[boot_info.nr_ram++] = (struct ram_region){first, end};
    }
}

static void copy_string(char *to, size_t size, uint64_t paddr)
{
    const char *from = paddr == 0 ? "" : at_paddr(paddr);
    size_t len = strnlen(from, size - 1);

    memcpy(to, from, len);
    to[len] = '\0';
}

static void add_module(uint64_t paddr, uint64_t size, uint64_t cmdline)
{
    struct boot_module *m = &boot_info.modules[boot_info.nr_modules];

    if (boot_info.nr_modules == MAX_MODULES) {
        return;
    }
    boot_info.nr_modules++;
    m->paddr = paddr;
    m->size = size;
    copy_string(m->cmdline, sizeof(m->cmdline), cmdline);
}

/* QEMU's loader puts the image's path in front of the words that the user gave. */
static void drop_first_word(char *line)
{
    const char *rest = strchr(line, ' ');

    rest = rest == NULL ? line + strlen(line) : rest + 1;
    memmove(line, rest, strlen(rest) + 1);
}

static void read_multiboot(const struct mb_info *info)
{
    if ((info->flags & MB_HAS_CMDLINE) != 0) {
        copy_string(boot_info.cmdline, sizeof(boot_info.cmdline), info->cmdline);
        if ((info->flags & MB_HAS_LOADER) != 0 &&
            strcmp(at_paddr(info->loader_name), "qemu") == 0) {
            drop_first_word(boot_info.cmdline);
        }
    }
    if ((info->flags & MB_HAS_MMAP) != 0) {
        for (uint64_t at = 0; at + sizeof(struct mb_mmap) <= info->mmap_length;) {
            const struct mb_mmap *e = at_paddr(info->mmap_addr + at);

            add_ram(e->addr, e->len, e->type);
            at += e->size + sizeof(e->size);
        }
    } else if ((info->flags & MB_HAS_MEMORY) != 0) {
        add_ram(0x100000, (uint64_t)info->mem_upper << 10, E820_RAM);
    }
    for (unsigned i = 0; (info->flags & MB_HAS_MODULES) != 0 && i < info->mods_count; i++) {
        const struct mb_module *m = at_paddr(info->mods_addr + i * sizeof(*m));

        add_module(m->start, m->end - m->start, m->cmdline);
    }
}

static void read_pvh(const struct pvh_info *info)
{
    const struct pvh_mmap *map = at_paddr(info->memmap);
    const struct pvh_module *modules = info->nr_modules > 0 ? at_paddr(info->modlist) : NULL;

    if (info->magic != PVH_MAGIC || info->version < 1) {
        crash("the loader gave no PVH start information of version 1");
    }
    boot_info.rsdp = info->rsdp;
    copy_string(boot_info.cmdline, sizeof(boot_info.cmdline), info->cmdline);
    for (unsigned i = 0; i < info->memmap_entries; i++) {
        add_ram(map[i].addr, map[i].size, map[i].type);
    }
    for (unsigned i = 0; i < info->nr_modules; i++) {
        add_module(modules[i].paddr, modules[i].size, modules[i].cmdline);
    }
}

void boot_info_init(uint32_t magic, uint32_t paddr)
{
    if (magic == MULTIBOOT_MAGIC) {
        read_multiboot(at_paddr(paddr));
    } else if (magic == PVH_MAGIC) {
        read_pvh(at_paddr(paddr));
    } else {
        crash("started by no loader that this kernel knows");
    }
    if (boot_info.nr_ram == 0) {
        crash("the loader gave no memory map");
    }
}
