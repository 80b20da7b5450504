/* SPDX-License-Identifier: MIT */
/*
 * GNTTABOP_copy: at most a page between two frames, each named by a grant or, for the caller's own, by frame number. Both
 * sides are held for the length of one copy; the destination with a writable type, so no page table is ever a target.
 */
#include "common/string.h"
#include "grant/grant.h"
#include "grant/table.h"
#include "mm/frame_ref.h"
#include "mm/map.h"
#include "x86/percpu.h"

struct side {
    struct domain *d; /* referenced, NULL when the side is not held */
    mfn_t mfn;
    bool by_ref, write;
    uint32_t ref;
};

static int side_get(struct side *s, const struct gnttab_copy_ptr *p, bool by_ref, bool write)
{
    struct domain *curr = current_domain();
    int rc = GNTST_okay;

    *s = (struct side){.by_ref = by_ref, .write = write, .ref = p->u.ref};
    if (!by_ref && p->domid != DOMID_SELF && p->domid != curr->id) {
        return GNTST_permission_denied;
    }
    s->d = domain_get_by_id(p->domid);
    if (!s->d) {
        return GNTST_bad_domain;
    }
    if (by_ref) {
        rc = grant_pin(s->d, p->u.ref, curr->id, write, &s->mfn);
        if (rc != GNTST_okay) {
            goto out_put;
        }
    } else {
        s->mfn = mfn_make(p->u.gmfn);
    }
    if (write ? frame_get_writable(&s->d->mm, s->mfn) : frame_get(&s->d->mm, s->mfn)) {
        rc = GNTST_general_error;
        goto out_unpin;
    }
    return GNTST_okay;

out_unpin:
    if (by_ref) {
        grant_unpin(s->d, s->ref, write);
    }
out_put:
    domain_put(s->d);
    s->d = NULL;
    return rc;
}

static void side_put(struct side *s)
{
    if (!s->d) {
        return;
    }
    if (s->write) {
        frame_put_writable(s->mfn);
    } else {
        frame_put(s->mfn);
    }
    if (s->by_ref) {
        grant_unpin(s->d, s->ref, s->write);
    }
    domain_put(s->d);
}

static void copy_bytes(const struct side *dst, uint32_t dst_off, const struct side *src, uint32_t src_off, uint32_t len)
{
    uint8_t *to = map_frame(dst->mfn);
    const uint8_t *from = map_frame(src->mfn);

    memmove(to + dst_off, from + src_off, len);
    unmap_frame(from);
    unmap_frame(to);
}

void grant_copy_one(struct gnttab_copy *op)
{
    struct side src, dst = {.d = NULL};
    int rc;

    if ((uint32_t)op->source.offset + op->len > PAGE_SIZE || (uint32_t)op->dest.offset + op->len > PAGE_SIZE) {
        op->status = GNTST_bad_copy_arg;
        return;
    }
    rc = side_get(&src, &op->source, op->flags & GNTCOPY_source_gref, false);
    if (rc == GNTST_okay) {
        rc = side_get(&dst, &op->dest, op->flags & GNTCOPY_dest_gref, true);
    }
    if (rc == GNTST_okay) {
        copy_bytes(&dst, op->dest.offset, &src, op->source.offset, op->len);
    }
    side_put(&dst);
    side_put(&src);
    op->status = (int16_t)rc;
}
