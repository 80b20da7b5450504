/* SPDX-License-Identifier: MIT */
/*
 * From what the loader left in memory to struct boot_info: multiboot 0.6.96 (3.3), multiboot2 2.0 (3.6), PVH (hvm_start_info
 * version 1). Pure: memory is read through the caller's function, every structure is copied before it is looked at.
 * Invariant: nothing outside of what the reader returns is touched, whatever the structures hold.
 */
#include "boot/boot_info.h"

#include <stdbool.h>

#include "common/compiler.h"
#include "common/errno.h"
#include "common/string.h"

#define MB1_HAS_MEMORY  (1u << 0)
#define MB1_HAS_CMDLINE (1u << 2)
#define MB1_HAS_MODULES (1u << 3)
#define MB1_HAS_MMAP    (1u << 6)
#define MB1_HAS_LOADER  (1u << 9)

struct mb1_info {
    uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4],
        mmap_length, mmap_addr, drives_length, drives_addr, config_table, boot_loader_name;
};

struct mb1_module {
    uint32_t start, end, cmdline, reserved;
};

struct mb1_mmap {
    uint32_t size; /* of what follows */
    uint64_t addr, len;
    uint32_t type;
} __packed_struct;

#define MB2_TAG_END     0
#define MB2_TAG_CMDLINE 1
#define MB2_TAG_LOADER  2
#define MB2_TAG_MODULE  3
#define MB2_TAG_MMAP    6
#define MB2_TAG_RSDP1   14
#define MB2_TAG_RSDP2   15

struct mb2_tag {
    uint32_t type, size;
};

struct mb2_mmap_head {
    uint32_t entry_size, entry_version;
};

struct mb2_mmap {
    uint64_t addr, len;
    uint32_t type, reserved;
};

struct pvh_start_info {
    uint32_t magic, version, flags, nr_modules;
    uint64_t modlist, cmdline, rsdp;
    uint64_t memmap; /* version 1 on */
    uint32_t memmap_entries, reserved;
};

struct pvh_module {
    uint64_t start, size, cmdline, reserved;
};

struct pvh_mmap {
    uint64_t addr, len;
    uint32_t type, reserved;
};

static int refuse(const char **why, const char *reason)
{
    *why = reason;
    return -EINVAL;
}

static bool read_at(const struct boot_reader *r, uint64_t pa, void *to, size_t bytes)
{
    const void *p = r->at(r->ctx, pa, bytes);

    if (p) {
        memcpy(to, p, bytes);
    }
    return p != NULL;
}

/* A string up to its NUL, `limit` bytes, or the end of readable memory. */
static void read_string(const struct boot_reader *r, uint64_t pa, uint64_t limit, char *to,
                        size_t size)
{
    size_t n = 0;

    while (n < size - 1 && n < limit && read_at(r, pa + n, &to[n], 1) && to[n]) {
        n++;
    }
    to[n] = '\0';
}

static bool add_range(struct boot_info *out, uint64_t start, uint64_t bytes, uint32_t type)
{
    if (out->nr_e820 == BOOT_MAX_E820) {
        return false;
    }
    if (bytes > 0 && start + bytes > start) {
        out->e820[out->nr_e820++] = (struct boot_e820){start, bytes, type};
    }
    return true;
}

static struct boot_module *add_module(struct boot_info *out, uint64_t start, uint64_t end)
{
    struct boot_module *m;

    if (out->nr_modules == BOOT_MAX_MODULES || end < start) {
        return NULL;
    }
    m = &out->modules[out->nr_modules++];
    m->start = start;
    m->end = end;
    return m;
}

static bool mb1_memory_map(const struct boot_reader *r, const struct mb1_info *info,
                           struct boot_info *out)
{
    struct mb1_mmap e;

    for (uint64_t at = 0; at + sizeof(e) <= info->mmap_length;
         at += (uint64_t)e.size + sizeof(e.size)) {
        if (!read_at(r, info->mmap_addr + at, &e, sizeof(e)) ||
            e.size < sizeof(e) - sizeof(e.size)) {
            return false;
        }
        if (!add_range(out, e.addr, e.len, e.type)) {
            return false;
        }
    }
    return true;
}

static bool mb1_modules(const struct boot_reader *r, const struct mb1_info *info,
                        struct boot_info *out)
{
    for (uint32_t i = 0; i < info->mods_count; i++) {
        struct mb1_module in;
        struct boot_module *m;

        if (!read_at(r, info->mods_addr + (uint64_t)i * sizeof(in), &in, sizeof(in))) {
            return false;
        }
        m = add_module(out, in.start, in.end);
        if (!m) {
            return false;
        }
        if (in.cmdline) {
            read_string(r, in.cmdline, UINT64_MAX, m->cmdline, sizeof(m->cmdline));
        }
    }
    return true;
}

int boot_parse_multiboot1(const struct boot_reader *r, uint64_t pa, struct boot_info *out,
                          const char **why)
{
    struct mb1_info info;

    if (!read_at(r, pa, &info, sizeof(info))) {
        return refuse(why, "multiboot: the information structure is not in memory");
    }
    if (info.flags & MB1_HAS_CMDLINE) {
        read_string(r, info.cmdline, UINT64_MAX, out->cmdline, sizeof(out->cmdline));
    }
    if (info.flags & MB1_HAS_LOADER) {
        read_string(r, info.boot_loader_name, UINT64_MAX, out->loader, sizeof(out->loader));
    }
    if (info.flags & MB1_HAS_MMAP) {
        if (!mb1_memory_map(r, &info, out)) {
            return refuse(why, "multiboot: the memory map is damaged or too long");
        }
    } else if (info.flags & MB1_HAS_MEMORY) {
        add_range(out, 0, (uint64_t)info.mem_lower << 10, 1);
        add_range(out, 0x100000, (uint64_t)info.mem_upper << 10, 1);
    } else {
        return refuse(why, "multiboot: the loader gave no memory map");
    }
    if ((info.flags & MB1_HAS_MODULES) && !mb1_modules(r, &info, out)) {
        return refuse(why, "multiboot: the module list is damaged or too long");
    }
    return 0;
}

static bool mb2_memory_map(const struct boot_reader *r, uint64_t pa, uint32_t bytes,
                           struct boot_info *out)
{
    struct mb2_mmap_head head;
    struct mb2_mmap e;

    if (bytes < sizeof(head) || !read_at(r, pa, &head, sizeof(head)) ||
        head.entry_size < sizeof(e)) {
        return false;
    }
    for (uint64_t at = sizeof(head); at + sizeof(e) <= bytes; at += head.entry_size) {
        if (!read_at(r, pa + at, &e, sizeof(e)) || !add_range(out, e.addr, e.len, e.type)) {
            return false;
        }
    }
    return true;
}

static bool mb2_module(const struct boot_reader *r, uint64_t pa, uint32_t bytes,
                       struct boot_info *out)
{
    uint32_t range[2];
    struct boot_module *m;

    if (bytes < sizeof(range) || !read_at(r, pa, range, sizeof(range))) {
        return false;
    }
    m = add_module(out, range[0], range[1]);
    if (m) {
        read_string(r, pa + sizeof(range), bytes - sizeof(range), m->cmdline, sizeof(m->cmdline));
    }
    return m != NULL;
}

static bool mb2_tag(const struct boot_reader *r, const struct mb2_tag *tag, uint64_t pa,
                    struct boot_info *out)
{
    uint64_t body = pa + sizeof(*tag);
    uint32_t bytes = tag->size - (uint32_t)sizeof(*tag);

    switch (tag->type) {
    case MB2_TAG_CMDLINE:
        read_string(r, body, bytes, out->cmdline, sizeof(out->cmdline));
        return true;
    case MB2_TAG_LOADER:
        read_string(r, body, bytes, out->loader, sizeof(out->loader));
        return true;
    case MB2_TAG_MODULE:
        return mb2_module(r, body, bytes, out);
    case MB2_TAG_MMAP:
        return mb2_memory_map(r, body, bytes, out);
    case MB2_TAG_RSDP1:
    case MB2_TAG_RSDP2:
        /* A copy of the RSDP; the newer one, which comes later or alone, is the better one. */
        if (tag->type == MB2_TAG_RSDP2 || out->rsdp == 0) {
            out->rsdp = body;
        }
        return true;
    default:
        return true;
    }
}

int boot_parse_multiboot2(const struct boot_reader *r, uint64_t pa, struct boot_info *out,
                          const char **why)
{
    uint32_t total;
    struct mb2_tag tag;

    if (!read_at(r, pa, &total, sizeof(total))) {
        return refuse(why, "multiboot2: the information structure is not in memory");
    }
    for (uint64_t at = 8; at + sizeof(tag) <= total; at += ALIGN_UP((uint64_t)tag.size, 8ull)) {
        if (!read_at(r, pa + at, &tag, sizeof(tag)) || tag.size < sizeof(tag) ||
            tag.size > total - at) {
            return refuse(why, "multiboot2: a tag is damaged");
        }
        if (tag.type == MB2_TAG_END) {
            break;
        }
        if (!mb2_tag(r, &tag, pa + at, out)) {
            return refuse(
                why, "multiboot2: the memory map or a module is damaged, or there are too many");
        }
    }
    return out->nr_e820 ? 0 : refuse(why, "multiboot2: the loader gave no memory map");
}

int boot_parse_pvh(const struct boot_reader *r, uint64_t pa, struct boot_info *out,
                   const char **why)
{
    struct pvh_start_info info;
    struct pvh_module in;
    struct pvh_mmap e;

    if (!read_at(r, pa, &info, sizeof(info)) || info.magic != BOOT_MAGIC_PVH) {
        return refuse(why, "PVH: the start information is not in memory");
    }
    if (info.version < 1 || info.memmap_entries == 0) {
        return refuse(why, "PVH: the loader gave no memory map");
    }
    out->rsdp = info.rsdp;
    if (info.cmdline) {
        read_string(r, info.cmdline, UINT64_MAX, out->cmdline, sizeof(out->cmdline));
    }
    for (uint64_t i = 0; i < info.memmap_entries; i++) {
        if (!read_at(r, info.memmap + i * sizeof(e), &e, sizeof(e)) ||
            !add_range(out, e.addr, e.len, e.type)) {
            return refuse(why, "PVH: the memory map is damaged or too long");
        }
    }
    for (uint64_t i = 0; i < info.nr_modules; i++) {
        struct boot_module *m = NULL;

        if (read_at(r, info.modlist + i * sizeof(in), &in, sizeof(in))) {
            m = add_module(out, in.start, in.start + in.size);
        }
        if (!m) {
            return refuse(why, "PVH: the module list is damaged or too long");
        }
        if (in.cmdline) {
            read_string(r, in.cmdline, UINT64_MAX, m->cmdline, sizeof(m->cmdline));
        }
    }
    return 0;
}
