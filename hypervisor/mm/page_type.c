/* SPDX-License-Identifier: MIT */
/*
 * Type references: the driver around the decisions in page_type.h, for frames whose contents hold
 * no references. Tables are promoted and dismissed by pt_walk.c. Lock-free; flushes other CPUs,
 * which serve that while they spin.
 */
#include "mm/page.h"

#include "mm/map.h"
#include "x86/cpu.h"
#include "x86/ipi.h"

/*
 * The wall between domains stands on the type word.
 *
 * I1 A frame has one type at a time and changes it only while its type count is zero. A writable
 *    mapping counts as WRITABLE, a use as a page table as L1..L4, a use as a descriptor table as
 *    SEGDESC. So no frame is ever writable and a table at once, nor a table of two levels.
 * I2 VALID with a table or descriptor type: every entry in the frame has been checked, and each
 *    present entry holds what it refers to: a general reference on the frame, and a type reference
 *    (WRITABLE for an L1 entry with RW, none for one without, the type of exactly one level less
 *    above L1). Later changes go through pt_update.c, which keeps it so. Tables may be mapped
 *    read-only by their owner: that needs no type.
 * I3 A frame becomes VALID only after every CPU that might hold a translation from its earlier type
 *    has flushed. Both ways matter: a stale writable mapping of a new table, and a stale pointer of
 *    the page walker to an old table that the guest may now write. Which CPUs: those on which the
 *    owner's tables are loaded, or all once a foreigner had a reference (PGR_FOREIGN). Which of
 *    them: those that have not flushed since the stamp. Every put writes the clock, read *after* the
 *    mapping was removed, into the word, in the same exchange. A put that was overtaken by another
 *    get and put sees another word, unless the clock stood still; then its own reading is right too.
 * I4 Zero to one of a table type and back (checking and releasing 512 entries) is done by the holder
 *    of the owner's mm lock alone. An entry above L1 refers only to frames of the same owner and of
 *    exactly one level less: one lock is enough, and no cycle can exist.
 * I5 All else is one exchange: a get of a VALID type, a put that is not the last. WRITABLE and
 *    SEGDESC have nothing to release, so their last put is one exchange too; their first get may
 *    flush, and whoever comes in between waits (TYPE_WAIT): the flushing CPU needs nothing but an
 *    acknowledgement, which waiting CPUs give (ipi_poll).
 * I6 Long work on tables stops in between, the frame not VALID, its count one, linked in the owner's
 *    open work, nr_held telling how many of its entries hold references. Nobody can take such a
 *    frame. Whoever next needs the owner's types continues that work first, whosever it is. A
 *    promotion finished on behalf of another is marked HELD and waits for the one who restarts; a
 *    dismissal has no one to wait for. So no operation is half done in two ways, and nothing is
 *    undone and done again.
 * I7 PINNED and HELD each stand for one count.
 */

/* Exchange the word if it still is `old`. */
static bool exchange(struct page_info *pg, uint64_t old, uint64_t next)
{
    return __atomic_compare_exchange_n(&pg->type, &old, next, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_RELAXED);
}

static void wait_for_other_cpu(void)
{
    cpu_relax();
    ipi_poll();
}

/* Between PREPARE and here the count is one and VALID is clear, so nobody else changes the word. */
static enum pt_reason finish_prepare(struct page_info *pg, uint64_t old,
                                     const struct type_step *step)
{
    enum pt_reason reason = PT_OK;

    if (step->flush) {
        tlb_flush_stale(mm_cpus_of_page(pg), pgt_stamp(old));
    }
    if (pgt_type(step->next) == PAGE_SEGDESC) {
        void *frame = map_frame(page_mfn(pg));

        reason = mm_segdesc_ok(frame) ? PT_OK : PT_REFUSED_DESCRIPTOR;
        unmap_frame(frame);
    }
    __atomic_store_n(&pg->type,
                     reason == PT_OK ? pgt_ready(step->next) : pgt_undo(step->next, tlb_clock()),
                     __ATOMIC_RELEASE);
    return reason;
}

enum pt_reason page_type_get(struct page_info *pg, enum page_type want)
{
    for (;;) {
        uint64_t old = __atomic_load_n(&pg->type, __ATOMIC_ACQUIRE);
        struct type_step step = pgt_get(old, want, false);

        switch ((enum type_action)step.action) {
        case TYPE_DONE:
            if (likely(exchange(pg, old, step.next))) {
                return PT_OK;
            }
            break;
        case TYPE_PREPARE:
            if (exchange(pg, old, step.next)) {
                return finish_prepare(pg, old, &step);
            }
            break;
        case TYPE_WAIT:
            wait_for_other_cpu();
            break;
        case TYPE_REFUSE:
            return (enum pt_reason)step.reason;
        case TYPE_LOCK:
        case TYPE_HANDOVER:
        case TYPE_DISMISS:
            return PT_REFUSED_NOT_TABLE;
        }
    }
}
