/* SPDX-License-Identifier: MIT */
/*
 * Bits of the two-level event ABI. The order in set_pending (pending, then mask test, then selector) pairs with the
 * guest's handler, which clears a selector bit before it scans the pending word: an event is seen twice at worst, never lost.
 */
#include "event/evtchn_2l.h"

#define BITS_PER_WORD 64u

static bool bit_test_and_set(uint64_t *word, uint32_t bit)
{
    uint64_t mask = 1ul << bit;

    return __atomic_fetch_or(word, mask, __ATOMIC_SEQ_CST) & mask;
}

static bool bit_test_and_clear(uint64_t *word, uint32_t bit)
{
    uint64_t mask = 1ul << bit;

    return __atomic_fetch_and(word, ~mask, __ATOMIC_SEQ_CST) & mask;
}

static bool bit_test(const uint64_t *word, uint32_t bit)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST) >> bit & 1;
}

bool evtchn_2l_set_pending(struct shared_info *s, struct vcpu_info *vi, uint32_t port)
{
    uint32_t word = port / BITS_PER_WORD, bit = port % BITS_PER_WORD;

    if (bit_test_and_set((uint64_t *)&s->evtchn_pending[word], bit)) {
        return false;
    }
    if (bit_test((const uint64_t *)&s->evtchn_mask[word], bit)) {
        return false;
    }
    return !bit_test_and_set((uint64_t *)&vi->evtchn_pending_sel, word);
}

bool evtchn_2l_unmask(struct shared_info *s, struct vcpu_info *vi, uint32_t port)
{
    uint32_t word = port / BITS_PER_WORD, bit = port % BITS_PER_WORD;

    return bit_test_and_clear((uint64_t *)&s->evtchn_mask[word], bit) &&
           bit_test((const uint64_t *)&s->evtchn_pending[word], bit) &&
           !bit_test_and_set((uint64_t *)&vi->evtchn_pending_sel, word);
}

bool evtchn_2l_is_pending(const struct shared_info *s, uint32_t port)
{
    return bit_test((const uint64_t *)&s->evtchn_pending[port / BITS_PER_WORD], port % BITS_PER_WORD);
}

bool evtchn_2l_is_masked(const struct shared_info *s, uint32_t port)
{
    return bit_test((const uint64_t *)&s->evtchn_mask[port / BITS_PER_WORD], port % BITS_PER_WORD);
}

void evtchn_2l_clear_pending(struct shared_info *s, uint32_t port)
{
    bit_test_and_clear((uint64_t *)&s->evtchn_pending[port / BITS_PER_WORD], port % BITS_PER_WORD);
}
