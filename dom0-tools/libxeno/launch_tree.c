/* SPDX-License-Identifier: MIT */
/*
 * Debian's libfdt (1.6.1) adds a property's length without looking for an overflow: 0xfffffff4 leads back to the same token,
 * for ever, in fdt_check_full() as well. So the tokens are gone through here first, each length checked before it is added.
 */
#include "libxeno/launch_tree.h"

#include <libfdt.h>
#include <stdint.h>

#include "common/compiler.h"
#include "common/string.h"

#define MAX_DEPTH 16 /* of nodes; six are used */

/* Where the walk is: offsets into the structure block of `size` bytes at `base`. */
struct walk {
    const uint8_t *base;
    uint32_t size, at;
    const char *strings;
    uint32_t strings_size;
};

static bool walk_u32(struct walk *w, uint32_t *out)
{
    if (w->size - w->at < sizeof(*out)) {
        return false;
    }
    *out = fdt32_ld((const fdt32_t *)(const void *)(w->base + w->at));
    w->at += sizeof(*out);
    return true;
}

/* Go over n bytes and the padding behind them. */
static bool walk_bytes(struct walk *w, uint32_t n)
{
    if (n > w->size - w->at) {
        return false;
    }
    n = ALIGN_UP(w->at + n, 4) - w->at; /* no overflow: both are at most `size`, which is below 2^31 */
    if (n > w->size - w->at) {
        return false;
    }
    w->at += n;
    return true;
}

static bool walk_name(struct walk *w)
{
    uint32_t n = (uint32_t)strnlen((const char *)w->base + w->at, w->size - w->at);

    return walk_bytes(w, n + 1);
}

static bool walk_property(struct walk *w)
{
    uint32_t length, name;

    return walk_u32(w, &length) && walk_u32(w, &name) && walk_bytes(w, length) && name < w->strings_size &&
           strnlen(w->strings + name, w->strings_size - name) < w->strings_size - name;
}

bool launch_tree_leads_forward(const void *fdt, size_t bytes)
{
    uint32_t off = bytes < sizeof(struct fdt_header) ? 0 : fdt_off_dt_struct(fdt);
    uint32_t strings = off ? fdt_off_dt_strings(fdt) : 0, tag = FDT_NOP;
    struct walk w = {.base = (const uint8_t *)fdt + off, .strings = (const char *)fdt + strings};
    unsigned int depth = 0;
    bool ok;

    if (!off || fdt_magic(fdt) != FDT_MAGIC || fdt_version(fdt) < 17 || off > bytes || strings > bytes) {
        return false;
    }
    w.size = fdt_size_dt_struct(fdt);
    w.strings_size = fdt_size_dt_strings(fdt);
    ok = w.size <= bytes - off && w.strings_size <= bytes - strings;
    while (ok && tag != FDT_END) {
        ok = walk_u32(&w, &tag);
        if (ok && tag == FDT_BEGIN_NODE) {
            ok = ++depth <= MAX_DEPTH && walk_name(&w);
        } else if (ok && tag == FDT_END_NODE) {
            ok = depth-- != 0;
        } else if (ok && tag == FDT_PROP) {
            ok = depth && walk_property(&w);
        } else if (ok && tag != FDT_NOP && tag != FDT_END) {
            ok = false;
        }
    }
    return ok && depth == 0;
}
