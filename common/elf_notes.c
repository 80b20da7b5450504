/* SPDX-License-Identifier: MIT */
/*
 * Notes are looked for in PT_NOTE segments, then in SHT_NOTE sections, then the __xen_guest section is tried. Note types
 * and their meaning: <xen/elfnote.h>. A note of ours with an impossible size refuses the image: guessing would be worse.
 */
#include "common/elf_notes.h"

#include <xen/elfnote.h>
#include <xen/features.h>

#include "common/compiler.h"
#include "common/string.h"
#include "common/typed_int.h"

/* The hypervisor's part of every address space: L4 slots 256-271 (ABI: HYPERVISOR_VIRT_START). */
#define HV_START 0xffff800000000000ul
#define HV_END   0xffff880000000000ul

struct feature_name {
    const char *name;
    uint8_t bit;
};

static const struct feature_name feature_names[] = {
    {"writable_page_tables", XENFEAT_writable_page_tables},
    {"writable_descriptor_tables", XENFEAT_writable_descriptor_tables},
    {"auto_translated_physmap", XENFEAT_auto_translated_physmap},
    {"supervisor_mode_kernel", XENFEAT_supervisor_mode_kernel},
    {"pae_pgdir_above_4gb", XENFEAT_pae_pgdir_above_4gb},
    {"dom0", XENFEAT_dom0},
};

static void copy_text(char *dst, size_t dst_size, const uint8_t *src, size_t n)
{
    n = strnlen((const char *)src, n);
    n = MIN(n, dst_size - 1);
    memcpy(dst, src, n);
    dst[n] = '\0';
}

/* "a|!b|c": plain names are supported, names with '!' are required. Unknown names are ignored unless required. */
static enum pv_error parse_features(struct pv_image *img, const char *s, size_t n)
{
    n = strnlen(s, n);
    while (n) {
        const char *bar = memchr(s, '|', n);
        size_t len = bar ? (size_t)(bar - s) : n;
        size_t step = bar ? len + 1 : len;
        bool required = len > 0 && s[0] == '!';
        const char *name = s + required;
        size_t name_len = len - required;
        bool known = false;

        for (size_t i = 0; i < ARRAY_SIZE(feature_names); i++) {
            if (strlen(feature_names[i].name) == name_len && memcmp(feature_names[i].name, name, name_len) == 0) {
                img->features_supported |= 1ul << feature_names[i].bit;
                img->features_required |= (uint64_t)required << feature_names[i].bit;
                known = true;
            }
        }
        if (required && !known && name_len) {
            return PV_UNKNOWN_FEATURE;
        }
        s += step;
        n -= step;
    }
    return PV_OK;
}

/* A numeric note is 4 or 8 bytes. */
static bool note_number(const uint8_t *desc, uint32_t size, uint64_t *out)
{
    uint32_t v32;

    if (size == sizeof(*out)) {
        memcpy(out, desc, sizeof(*out));
        return true;
    }
    if (size == sizeof(v32)) {
        memcpy(&v32, desc, sizeof(v32));
        *out = v32;
        return true;
    }
    return false;
}

static bool note_flag(const uint8_t *desc, uint32_t size)
{
    uint64_t v;

    /* "yes" in the text form, 1 in the numeric one. */
    return (size >= 3 && memcmp(desc, "yes", 3) == 0) || (note_number(desc, size, &v) && v != 0);
}

struct note_state {
    struct pv_image *img;
    bool any, pvh_entry, has_virt_base, has_paddr_offset;
};

static enum pv_error take_note(struct note_state *st, uint32_t type, const uint8_t *desc, uint32_t size)
{
    struct pv_image *img = st->img;
    uint64_t *number = NULL, ignored;

    switch (type) {
    case XEN_ELFNOTE_ENTRY:
        number = &img->entry;
        img->has_entry = true;
        break;
    case XEN_ELFNOTE_HYPERCALL_PAGE:
        number = &img->hypercall_page;
        img->has_hypercall_page = true;
        break;
    case XEN_ELFNOTE_VIRT_BASE:
        number = &img->virt_base;
        st->has_virt_base = true;
        break;
    case XEN_ELFNOTE_PADDR_OFFSET:
        number = &img->paddr_offset;
        st->has_paddr_offset = true;
        break;
    case XEN_ELFNOTE_INIT_P2M:
        number = &img->init_p2m;
        img->has_init_p2m = true;
        break;
    case XEN_ELFNOTE_SUPPORTED_FEATURES:
        if (!note_number(desc, size, &ignored)) {
            return PV_BAD_NOTE;
        }
        img->features_supported |= ignored;
        img->says_features = true;
        break;
    case XEN_ELFNOTE_PHYS32_ENTRY:
        st->pvh_entry = true;
        return PV_OK; /* says nothing about PV: alone it does not make a PV image */
    case XEN_ELFNOTE_MOD_START_PFN:
        img->mod_start_pfn = note_flag(desc, size);
        break;
    case XEN_ELFNOTE_SUSPEND_CANCEL:
        img->suspend_cancel = note_flag(desc, size);
        break;
    case XEN_ELFNOTE_FEATURES:
        st->any = true;
        return parse_features(img, (const char *)desc, size);
    case XEN_ELFNOTE_XEN_VERSION:
        copy_text(img->xen_version, sizeof(img->xen_version), desc, size);
        break;
    case XEN_ELFNOTE_GUEST_OS:
        copy_text(img->guest_os, sizeof(img->guest_os), desc, size);
        break;
    case XEN_ELFNOTE_GUEST_VERSION:
        copy_text(img->guest_version, sizeof(img->guest_version), desc, size);
        break;
    case XEN_ELFNOTE_LOADER:
        copy_text(img->loader, sizeof(img->loader), desc, size);
        break;
    default:
        return PV_OK;
    }
    st->any = true;
    return number && !note_number(desc, size, number) ? PV_BAD_NOTE : PV_OK;
}

/* All notes in a block: {name size, desc size, type}, name and desc each padded to 4 bytes. */
static enum pv_error scan_notes(struct note_state *st, const uint8_t *p, uint64_t left)
{
    uint32_t head[3];

    while (left >= sizeof(head)) {
        uint64_t name, desc;
        enum pv_error e = PV_OK;

        memcpy(head, p, sizeof(head));
        p += sizeof(head);
        left -= sizeof(head);
        name = ALIGN_UP((uint64_t)head[0], 4);
        desc = ALIGN_UP((uint64_t)head[1], 4);
        if (name > left || head[1] > left - name) {
            return PV_BAD_NOTE;
        }
        if (head[0] == 4 && memcmp(p, "Xen", 4) == 0) {
            e = take_note(st, head[2], p + name, head[1]);
        }
        if (e != PV_OK) {
            return e;
        }
        desc = MIN(desc, left - name); /* the last note may lack its padding */
        p += name + desc;
        left -= name + desc;
    }
    return PV_OK;
}

static enum pv_error scan_segments(struct note_state *st)
{
    const struct elf_file *f = &st->img->file;

    for (unsigned int i = 0; i < f->phnum; i++) {
        struct elf_segment s;
        enum pv_error e = elf_segment(f, i, &s);

        if (e == PV_OK && s.type == ELF_PT_NOTE) {
            e = scan_notes(st, f->data + s.offset, s.file_size);
        }
        if (e != PV_OK) {
            return e;
        }
    }
    return PV_OK;
}

static enum pv_error scan_sections(struct note_state *st)
{
    const struct elf_file *f = &st->img->file;

    for (unsigned int i = 0; i < f->shnum; i++) {
        struct elf_section s;
        enum pv_error e = elf_section(f, i, &s);

        if (e == PV_OK && s.type == ELF_SHT_NOTE) {
            e = scan_notes(st, f->data + s.offset, s.size);
        }
        if (e != PV_OK) {
            return e;
        }
    }
    return PV_OK;
}

static bool parse_number(const char *s, size_t n, uint64_t *out)
{
    uint64_t v = 0;
    unsigned int base = n > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') ? 16 : 10;

    if (base == 16) {
        s += 2;
        n -= 2;
    }
    if (!n) {
        return false;
    }
    for (; n; n--, s++) {
        unsigned int digit = *s >= '0' && *s <= '9'   ? (unsigned int)(*s - '0')
                             : *s >= 'a' && *s <= 'f' ? (unsigned int)(*s - 'a') + 10
                             : *s >= 'A' && *s <= 'F' ? (unsigned int)(*s - 'A') + 10
                                                      : 99;

        if (digit >= base || v > (UINT64_MAX - digit) / base) {
            return false;
        }
        v = v * base + digit;
    }
    *out = v;
    return true;
}

static bool key_is(const char *s, size_t n, const char *key)
{
    return strlen(key) == n && memcmp(s, key, n) == 0;
}

/* One KEY=VALUE of the __xen_guest string. HYPERCALL_PAGE is a page number there, relative to the virtual base. */
static enum pv_error take_legacy(struct note_state *st, const char *key, size_t klen, const char *val, size_t vlen)
{
    struct pv_image *img = st->img;
    bool ok = true;

    if (key_is(key, klen, "VIRT_BASE")) {
        ok = st->has_virt_base = parse_number(val, vlen, &img->virt_base);
    } else if (key_is(key, klen, "VIRT_ENTRY")) {
        ok = img->has_entry = parse_number(val, vlen, &img->entry);
    } else if (key_is(key, klen, "ELF_PADDR_OFFSET")) {
        ok = st->has_paddr_offset = parse_number(val, vlen, &img->paddr_offset);
    } else if (key_is(key, klen, "HYPERCALL_PAGE")) {
        ok = img->has_hypercall_page = parse_number(val, vlen, &img->hypercall_page);
    } else if (key_is(key, klen, "GUEST_OS")) {
        copy_text(img->guest_os, sizeof(img->guest_os), (const uint8_t *)val, vlen);
    } else if (key_is(key, klen, "GUEST_VER")) {
        copy_text(img->guest_version, sizeof(img->guest_version), (const uint8_t *)val, vlen);
    } else if (key_is(key, klen, "XEN_VER")) {
        copy_text(img->xen_version, sizeof(img->xen_version), (const uint8_t *)val, vlen);
    } else if (key_is(key, klen, "LOADER")) {
        copy_text(img->loader, sizeof(img->loader), (const uint8_t *)val, vlen);
    } else if (key_is(key, klen, "FEATURES")) {
        return parse_features(img, val, vlen);
    }
    return ok ? PV_OK : PV_BAD_NOTE;
}

static enum pv_error scan_legacy(struct note_state *st, const char *s, size_t n)
{
    n = strnlen(s, n);
    while (n) {
        const char *comma = memchr(s, ',', n);
        size_t len = comma ? (size_t)(comma - s) : n;
        const char *eq = memchr(s, '=', len);
        size_t klen = eq ? (size_t)(eq - s) : len;
        enum pv_error e = take_legacy(st, s, klen, eq ? eq + 1 : s + len, eq ? len - klen - 1 : 0);

        if (e != PV_OK) {
            return e;
        }
        st->any = true;
        s += comma ? len + 1 : len;
        n -= comma ? len + 1 : len;
    }
    return PV_OK;
}

static enum pv_error find_legacy(struct note_state *st)
{
    struct pv_image *img = st->img;
    const struct elf_file *f = &img->file;

    for (unsigned int i = 0; i < f->shnum; i++) {
        struct elf_section s;
        enum pv_error e = elf_section(f, i, &s);

        if (e != PV_OK) {
            return e;
        }
        if (!s.size || !elf_section_named(f, &s, "__xen_guest")) {
            continue;
        }
        img->legacy = true;
        e = scan_legacy(st, (const char *)f->data + s.offset, s.size);
        if (e == PV_OK && img->has_hypercall_page) {
            img->hypercall_page = img->virt_base + (img->hypercall_page << PAGE_SHIFT);
        }
        return e;
    }
    return PV_OK;
}

static bool guest_span(uint64_t start, uint64_t bytes)
{
    uint64_t end = start + bytes;
    bool canonical = (int64_t)(start << 16) >> 16 == (int64_t)start;

    return canonical && end >= start && (end <= HV_START || start >= HV_END) &&
           (start >= HV_END || end <= 0x0000800000000000ul);
}

/* Fill in what was not said, then check that every address makes sense together. */
static enum pv_error check_addresses(struct note_state *st)
{
    struct pv_image *img = st->img;
    uint64_t start, end;
    enum pv_error e = elf_load_span(&img->file, &start, &end);

    if (e != PV_OK) {
        return e;
    }
    /* Older images without the offset put virtual addresses into p_paddr. */
    if (!st->has_paddr_offset) {
        img->paddr_offset = img->legacy && st->has_virt_base ? img->virt_base : 0;
    }
    if (!img->has_entry) {
        img->entry = img->file.entry;
    }
    if (start < img->paddr_offset || end > UINT64_MAX - PAGE_SIZE) {
        return PV_BAD_ADDRESS;
    }
    img->kernel_start = ALIGN_DOWN(start - img->paddr_offset, PAGE_SIZE);
    img->kernel_end = ALIGN_UP(end - img->paddr_offset, PAGE_SIZE);
    if (img->virt_base % PAGE_SIZE || !guest_span(img->virt_base, img->kernel_end)) {
        return PV_BAD_ADDRESS;
    }
    start = img->virt_base + img->kernel_start;
    end = img->virt_base + img->kernel_end;
    if (img->entry < start || img->entry >= end) {
        return PV_BAD_ADDRESS;
    }
    if (img->has_hypercall_page &&
        (img->hypercall_page % PAGE_SIZE || img->hypercall_page < start || img->hypercall_page >= end)) {
        return PV_BAD_ADDRESS;
    }
    if (img->has_init_p2m && (img->init_p2m % PAGE_SIZE || !guest_span(img->init_p2m, PAGE_SIZE))) {
        return PV_BAD_ADDRESS;
    }
    return PV_OK;
}

enum pv_error pv_image_read(struct pv_image *img, const void *data, size_t size)
{
    struct note_state st = {.img = img};
    enum pv_error e;

    memset(img, 0, sizeof(*img));
    e = elf_open(&img->file, data, size);
    if (e == PV_OK) {
        e = scan_segments(&st);
    }
    if (e == PV_OK && !st.any) {
        e = scan_sections(&st);
    }
    if (e == PV_OK && !st.any) {
        e = find_legacy(&st);
    }
    if (e != PV_OK) {
        return e;
    }
    if (!st.any) {
        return st.pvh_entry ? PV_NOT_PV : PV_NO_NOTES;
    }
    if (img->xen_version[0] && strcmp(img->xen_version, "xen-3.0") != 0) {
        return PV_BAD_XEN_VERSION;
    }
    if (img->features_required & (1ul << XENFEAT_auto_translated_physmap | 1ul << XENFEAT_supervisor_mode_kernel)) {
        return PV_UNKNOWN_FEATURE;
    }
    img->dom0_support = img->features_supported >> XENFEAT_dom0 & 1;
    return check_addresses(&st);
}
