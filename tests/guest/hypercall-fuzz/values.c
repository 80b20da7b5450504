/* SPDX-License-Identifier: MIT */
/*
 * Values of arguments: numbers, frames, entries, addresses, and where arguments lie in memory. Each maker mixes what a correct
 * kernel would pass with what it would not; the mixture is what reaches code behind the first check.
 */
#include <string.h>

#include <xen/xen.h>

#include "framework/hostile.h"
#include "fuzz.h"

#define FRAMES_KNOWN (1ul << 20) /* 4 GiB: more than the test's machine has */

struct sandbox sandbox;

static uint64_t
    kept[FRAMES_KNOWN / 64]; /* one bit a machine frame; changed before the fuzzers start only */

bool frame_is_kept(uint64_t mfn)
{
    return mfn < FRAMES_KNOWN && (kept[mfn / 64] >> mfn % 64 & 1) != 0;
}

void frame_keep(uint64_t mfn, bool keep)
{
    if (mfn < FRAMES_KNOWN) {
        kept[mfn / 64] = (kept[mfn / 64] & ~(1ul << mfn % 64)) | (uint64_t)keep << mfn % 64;
    }
}

/* xorshift64*: any seed but 0. */
uint64_t rnd(struct fuzzer *f)
{
    f->rng ^= f->rng >> 12;
    f->rng ^= f->rng << 25;
    f->rng ^= f->rng >> 27;
    return f->rng * 0x2545f4914f6cdd1dul;
}

uint64_t below(struct fuzzer *f, uint64_t limit)
{
    return limit == 0 ? 0 : (rnd(f) >> 32) % limit;
}

bool one_in(struct fuzzer *f, unsigned n)
{
    return below(f, n) == 0;
}

uint64_t any_number(struct fuzzer *f)
{
    static const uint64_t edges[] = {
        0x7f,       0x80,       0xff,        0x7fff,    0xffff,      0x10000,   0x7fffffff,
        0x80000000, 0xffffffff, 0x100000000, 1ul << 63, ~0ul,        ~0ul >> 1, 4095,
        4096,       512,        0x7ff0,      0x3ffffff, 0xfffffffff,
    };

    switch (below(f, 4)) {
    case 0:
        return below(f, 4);
    case 1:
        return below(f, 64);
    case 2:
        return edges[below(f, ARRAY_SIZE(edges))] + below(f, 3) - 1;
    default:
        return rnd(f) >> below(f, 64);
    }
}

static uint64_t changeable_frame(uint64_t mfn)
{
    return frame_is_kept(mfn) ? sandbox.mfns[mfn % SANDBOX_FRAMES] : mfn;
}

uint64_t any_frame(struct fuzzer *f, bool changeable)
{
    static const uint64_t odd[] = {
        0, 1, 0xa0, 0xfee00, MFN_BEYOND, PTE_ALL_ADDRESS >> 12, ~0ul, ~0ul >> 12, 1ul << 52,
    };
    uint64_t mfn;

    switch (below(f, 16)) {
    case 0:
        mfn = sandbox.own_l4;
        break;
    case 1:
        mfn = below(f, 1 << 16); /* anyone's */
        break;
    case 2:
        mfn = odd[below(f, ARRAY_SIZE(odd))];
        break;
    case 3:
        mfn = any_number(f);
        break;
    default:
        return sandbox.mfns[below(f, SANDBOX_FRAMES)];
    }
    return changeable ? changeable_frame(mfn) : mfn;
}

/* A frame of this kernel may be seen through an entry, not written. */
static uint64_t harmless_pte(struct fuzzer *f, uint64_t pte)
{
    uint64_t mfn = (pte & PTE_ALL_ADDRESS) >> 12;

    if ((pte & (PTE_P | PTE_W)) == (PTE_P | PTE_W) && frame_is_kept(mfn)) {
        pte = (pte & ~PTE_ALL_ADDRESS) | sandbox.mfns[below(f, SANDBOX_FRAMES)] << 12;
    }
    return pte;
}

uint64_t any_pte(struct fuzzer *f)
{
    static const uint64_t flags[] = {PTE_PAGE_RO, PTE_PAGE_RW,          PTE_TABLE_FLAGS,
                                     PTE_P,       PTE_PAGE_RW | PTE_US, PTE_PAGE_RO | PTE_US};
    uint64_t pte;

    if (one_in(f, 6)) {
        return one_in(f, 4) ? harmless_pte(f, rnd(f)) : 0;
    }
    pte = any_frame(f, false) << 12 | flags[below(f, ARRAY_SIZE(flags))];
    if (one_in(f, 6)) {
        pte ^= 1ul << below(f, 12);
    }
    if (one_in(f, 12)) {
        pte ^= 1ul << (52 + below(f, 12));
    }
    return harmless_pte(f, pte);
}

uint64_t any_pte_address(struct fuzzer *f)
{
    uint64_t mfn;

    switch (below(f, 8)) {
    case 0:
    case 1:
    case 2:
        return sandbox.window_pte + below(f, SANDBOX_WINDOW) * 8;
    case 3:
        if (one_in(f, 4)) {
            /* the hypervisor's slots: none of them is ours to change */
            return sandbox.slot + (HV_FIRST_SLOT + below(f, 16) - SANDBOX_SLOT) * 8;
        }
        f->dirty |= DIRTY_SLOT;
        return sandbox.slot;
    default:
        mfn = any_frame(f, true);
        if (frame_is_kept(mfn & ((1ul << 52) - 1))) {
            mfn = sandbox.mfns[0];
        }
        return mfn << 12 | below(f, one_in(f, 8) ? 512 : 8) * 8;
    }
}

uint64_t any_domid(struct fuzzer *f, bool others)
{
    static const uint64_t ids[] = {
        DOMID_IO, DOMID_XEN, DOMID_COW, DOMID_INVALID, DOMID_IDLE, NO_DOMAIN, 0, 1, 2, DOMID_SELF};
    uint64_t id = one_in(f, 8)   ? any_number(f)
                  : one_in(f, 3) ? ids[below(f, ARRAY_SIZE(ids))]
                  : one_in(f, 4) ? sandbox.own_domid
                                 : DOMID_SELF;

    if (others && ((uint16_t)id == DOMID_SELF || (uint16_t)id == sandbox.own_domid)) {
        id = NO_DOMAIN;
    }
    return id;
}

uint64_t any_port(struct fuzzer *f)
{
    uint64_t port = one_in(f, 8) ? any_number(f) : below(f, 4 * KEPT_PORTS);

    if ((uint32_t)port < KEPT_PORTS && (sandbox.kept_ports >> (uint32_t)port & 1) != 0) {
        port += KEPT_PORTS;
    }
    return port;
}

uint64_t any_vcpu(struct fuzzer *f)
{
    return one_in(f, 10) ? any_number(f) : below(f, VCPU_NUMBERS);
}

uint64_t bad_address(struct fuzzer *f)
{
    static const uint64_t bad[] = {
        0,
        1,
        ADDR_NOT_CANONICAL,
        ADDR_GAP_TOP - 7,
        0x8000000000000000ul,
        ADDR_M2P,
        ADDR_M2P + 0x1000,
        ADDR_HYPERVISOR,
        ADDR_HYPERVISOR + 0x200000,
        ADDR_HV_LAST,
        0xffff82d040200000ul,
        ADDR_HV_LAST + 8 - 0x1000,
        ~0ul,
        ~0ul - 7,
        ~0ul - 4095,
    };

    return bad[below(f, ARRAY_SIZE(bad))];
}

uint64_t any_address(struct fuzzer *f)
{
    switch (below(f, 16)) {
    case 0:
        return bad_address(f);
    case 1:
        return ADDR_M2P + (rnd(f) & 0x7ffffffffffful); /* the hypervisor's, somewhere */
    case 2:
        return rnd(f) & 0x7fffffffffffull; /* nothing is mapped in the lower half */
    case 3:
        return 0xffff000000000000ul | (uint64_t)SANDBOX_SLOT << 39 | below(f, 512) << 12;
    case 4:
    case 5:
        return (uint64_t)sandbox.pages[below(f, SANDBOX_FRAMES)] +
               (one_in(f, 4) ? below(f, 4096) : 0);
    default:
        return (uint64_t)sandbox.window + below(f, SANDBOX_WINDOW) * 4096 +
               (one_in(f, 4) ? below(f, 4096) : 0);
    }
}

uint64_t result_at(struct fuzzer *f)
{
    switch (below(f, 8)) {
    case 0:
        return any_address(f);
    case 1:
        return (uint64_t)f->out + 4096 - below(f, 64); /* across the end, perhaps */
    default:
        return (uint64_t)f->out + below(f, 128) * 8;
    }
}

uint64_t argument(struct fuzzer *f, const void *what, size_t size)
{
    size_t room = IN_PAGES * 4096ul;
    size_t cut;
    char *at;

    if (one_in(f, 24)) {
        return bad_address(
            f); /* what lies in the sandbox must not be taken for an argument: it may say anything */
    }
    if (f->in_used + size > room / 2 || (!f->end_used && one_in(f, 12))) {
        /* up to the very end of what is mapped, or beyond it; once a call, so that no argument is read as another */
        if (f->end_used) {
            return bad_address(f);
        }
        f->end_used = true;
        cut = one_in(f, 3) ? below(f, size) : 0;
        at = f->in + room - size + cut;
        memcpy(at, what, size - cut);
        return (uint64_t)at;
    }
    at = f->in + f->in_used;
    memcpy(at, what, size);
    f->in_used += (size + 7) & ~7ul;
    return (uint64_t)at;
}
