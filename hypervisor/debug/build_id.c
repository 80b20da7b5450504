/* SPDX-License-Identifier: MIT */
/*
 * The build id is a GNU note that the linker places between __build_id_start and __build_id_end (xenolith.lds.S).
 * A note is {name bytes, descriptor bytes, type} and the 4-byte aligned name and descriptor (ELF gABI, "Note Section").
 */
#include "debug/build_id.h"

#include <stddef.h>

#include "common/string.h"

#define NT_GNU_BUILD_ID 3

struct note_head {
    uint32_t name_len, desc_len, type;
};

extern const uint8_t __build_id_start[], __build_id_end[];

static char cmdline_copy[1024];

const uint8_t *build_id(uint32_t *len)
{
    const struct note_head *note = (const void *)__build_id_start;
    size_t room = (size_t)(__build_id_end - __build_id_start);
    size_t name;

    if (room < sizeof(*note)) {
        return NULL;
    }
    name = ((size_t)note->name_len + 3) & ~(size_t)3;
    if (note->type != NT_GNU_BUILD_ID || sizeof(*note) + name + note->desc_len > room) {
        return NULL;
    }
    *len = note->desc_len;
    return __build_id_start + sizeof(*note) + name;
}

const char *hv_cmdline(void)
{
    return cmdline_copy;
}

void hv_cmdline_set(const char *cmdline)
{
    size_t n = strnlen(cmdline, sizeof(cmdline_copy) - 1);

    memcpy(cmdline_copy, cmdline, n);
    cmdline_copy[n] = '\0';
}
