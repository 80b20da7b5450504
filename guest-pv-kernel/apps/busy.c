/* SPDX-License-Identifier: MIT */
/*
 * Keeps the CPUs of its domain busy for ever, each in the same way: to see how a host shares its CPUs, and what happens to a
 * domain in the middle of its work. It says how many CPUs are at it once all of them are.
 *   busy spin          in its own code    busy sleep    not at all: blocked, with nothing to wake it
 *   busy hypercall     in hypercalls as long as the hypervisor lets them be: each 65,536 updates of the M2P table
 *   busy print         in words for its console: "busy 1", "busy 2" …, as fast as somebody takes them
 */
#include <stdio.h>
#include <string.h>

#include "pvk/machine.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/smp.h"
#include "pvk/thread.h"

#define NR_UPDATES 65536u
#define LIST_ORDER 8 /* of pages: 16 bytes an update */

/* Each tells the hypervisor again which of our frames the list begins in. */
static struct mmu_update *updates;
static unsigned nr_at_work;
static struct wait_queue starters = WAIT_QUEUE_INIT(starters);

static void begin(void)
{
    __atomic_add_fetch(&nr_at_work, 1, __ATOMIC_ACQ_REL);
    wait_queue_wake(&starters);
}

static void spin(void *unused)
{
    (void)unused;
    begin();
    for (;;) {
        __asm__ volatile("");
    }
}

static void sleep_for_ever(void *unused)
{
    struct wait_queue nobody = WAIT_QUEUE_INIT(nobody);

    (void)unused;
    begin();
    wait_until(&nobody, false, 0);
}

static void call(void *unused)
{
    (void)unused;
    begin();
    for (;;) {
        long rc = hc_mmu_update(updates, NR_UPDATES, NULL, DOMID_SELF);

        if (rc != 0) {
            printf("busy: mmu_update: error %ld\n", -rc);
            return;
        }
    }
}

static void print(void *unused)
{
    (void)unused;
    begin();
    for (unsigned long n = 1;; n++) {
        printf("busy %lu\n", n);
    }
}

static bool make_updates(void)
{
    uint64_t frame;

    updates = page_alloc(LIST_ORDER);
    if (updates == NULL) {
        return false;
    }
    frame = mfn_raw(mfn_of_pfn(pfn_of_va(updates)));
    for (unsigned i = 0; i < NR_UPDATES; i++) {
        updates[i] = (struct mmu_update){frame << PAGE_SHIFT | MMU_MACHPHYS_UPDATE,
                                         pfn_raw(pfn_of_va(updates))};
    }
    return true;
}

static int start_all(void (*work)(void *))
{
    struct thread *first;
    unsigned nr = cpu_count();

    for (unsigned i = 1; i < nr; i++) {
        if (cpu_start(i) != 0 || thread_create_on(i, "worker", work, NULL) == NULL) {
            printf("busy: CPU %u does not start\n", i);
            return 1;
        }
    }
    wait_until(&starters, __atomic_load_n(&nr_at_work, __ATOMIC_ACQUIRE) == nr - 1, 0);
    /* The last one is this CPU, which says so first: nothing else runs on it afterwards. */
    printf("busy: %u CPU%s\n", nr, nr == 1 ? "" : "s");
    first = thread_create("worker", work, NULL);
    if (first != NULL) {
        thread_join(first);
    }
    return 1;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";

    if (strcmp(how, "spin") == 0) {
        return start_all(spin);
    }
    if (strcmp(how, "sleep") == 0) {
        return start_all(sleep_for_ever);
    }
    if (strcmp(how, "hypercall") == 0) {
        return make_updates() ? start_all(call) : 1;
    }
    if (strcmp(how, "print") == 0) {
        return start_all(print);
    }
    puts("usage: busy spin | sleep | hypercall | print");
    return 2;
}
