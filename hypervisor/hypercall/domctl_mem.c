/* SPDX-License-Identifier: MIT */
/*
 * Control operations on memory: the limit, the types of frames (for save), hypercall pages.
 */
#include "common/compiler.h"
#include "common/errno.h"
#include "hypercall/domctl.h"
#include "mm/frame_ref.h"
#include "mm/guest_copy.h"
#include "mm/map.h"
#include "mm/page.h"
#include "pv/hypercall_page.h"
#include "x86/entry.h"

int64_t domctl_max_mem(struct domain *d, struct xen_domctl *op)
{
    spin_lock(&d->mm.pages_lock);
    d->mm.max_pages = op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10);
    spin_unlock(&d->mm.pages_lock);
    return 0;
}

static uint64_t frame_info(const struct domain *d, uint64_t mfn)
{
    const struct page_info *pg = page_of_mfn(mfn_make(mfn));
    unsigned int level;
    uint64_t word;

    if (!pg || page_owner_id(pg) != d->id || !(READ_ONCE(pg->refs) & PGR_ALLOCATED)) {
        return XEN_DOMCTL_PFINFO_XTAB;
    }
    word = READ_ONCE(pg->type);
    level = pgt_count(word) && page_type_is_table(pgt_type(word)) ? page_type_level(pgt_type(word)) : 0;
    return (uint64_t)level << XEN_DOMCTL_PFINFO_LTAB_SHIFT | (word & PGT_PINNED ? XEN_DOMCTL_PFINFO_LPINTAB : 0);
}

/* More than libxc asks for at a time (1024): one call stays short. */
#define FRAMES_PER_CALL 1024u

int64_t domctl_getpageframeinfo3(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_getpageframeinfo3 *g = &op->u.getpageframeinfo3;
    gva_t array = gva_make((uint64_t)g->array.p);

    if (g->num > FRAMES_PER_CALL) {
        return -E2BIG;
    }
    for (uint64_t i = 0; i < g->num; i++) {
        uint64_t entry;
        int rc = guest_read_elem(&entry, array, i, sizeof(entry));

        if (rc == 0) {
            entry = frame_info(d, entry);
            rc = guest_write_elem(array, i, &entry, sizeof(entry));
        }
        if (rc) {
            return rc;
        }
    }
    return 0;
}

int64_t domctl_hypercall_init(struct domain *d, struct xen_domctl *op)
{
    mfn_t mfn = mfn_make(op->u.hypercall_init.gmfn);
    int rc = d->full ? -EINVAL : frame_get_writable(&d->mm, mfn); /* one without hypercalls has no page for them */
    void *page;

    if (rc) {
        return rc;
    }
    page = map_frame(mfn);
    hypercall_page_fill(page);
    unmap_frame(page);
    frame_put_writable(mfn);
    return 0;
}
