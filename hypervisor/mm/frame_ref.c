/* SPDX-License-Identifier: MIT */
/*
 * References on single frames by number, for the rooms above: page_get() and page_type_get() with
 * their checks around.
 */
#include "mm/frame_ref.h"

#include "mm/page.h"

int frame_get(struct mm_owner *owner, mfn_t mfn)
{
    struct page_info *pg = page_of_mfn(mfn);

    return pg && page_get(pg, owner->id, false) ? 0 : -EINVAL;
}

void frame_put(mfn_t mfn)
{
    page_put(page_of_mfn(mfn));
}

int frame_get_writable(struct mm_owner *owner, mfn_t mfn)
{
    struct page_info *pg = page_of_mfn(mfn);
    enum pt_reason reason;

    if (!pg || !page_get(pg, owner->id, false)) {
        return -EINVAL;
    }
    reason = page_type_get(pg, PAGE_WRITABLE);
    if (reason != PT_OK) {
        page_put(pg);
    }
    return -pt_reason_errno(reason);
}

void frame_put_writable(mfn_t mfn)
{
    struct page_info *pg = page_of_mfn(mfn);

    (void)page_type_try_put(pg); /* a writable type's last put needs no lock */
    page_put(pg);
}
