/* SPDX-License-Identifier: MIT */
/*
 * KIND: hostile
 * AS: both
 * The sixteen L4 slots of the hypervisor. They are in every address space and no guest may change, fill or read them, except for
 * the machine-to-physical table, which may be read. Entries for them are written into live tables, into tables before they
 * are pinned, and by address; and every kind of access is tried from kernel and from user mode.
 */
#include <string.h>

#include "framework/hostile.h"
#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"
#include "pvk/user.h"

static uint64_t *l3; /* an L3 that is good for every other slot */

static void write_slots(void)
{
    uint64_t *root = kernel_space.kernel_root;
    static const unsigned slots[] = {255, 256, 257, 262, 270, 271, 272};
    uint64_t before[PT_ENTRIES];

    memcpy(before, root, sizeof(before));
    for (unsigned i = 0; i < ARRAY_SIZE(slots); i++) {
        unsigned slot = slots[i];
        bool own = slot < HV_FIRST_SLOT || slot > HV_LAST_SLOT;

        if (own && (root[slot] & PTE_P) != 0) {
            continue; /* ours and in use */
        }
        test_note("slot %u = an L3 of mine: %s", slot,
                  test_rc(entry_write(&root[slot], MMU_NORMAL_PT_UPDATE, table_entry(l3))));
        test_note("slot %u, preserving A and D: %s", slot,
                  test_rc(entry_write(&root[slot], MMU_PT_UPDATE_PRESERVE_AD, table_entry(l3))));
        test_note("slot %u = nothing: %s", slot,
                  test_rc(entry_write(&root[slot], MMU_NORMAL_PT_UPDATE, 0)));
        if (!own) {
            test_note("slot %u = what is there: %s", slot,
                      test_rc(entry_write(&root[slot], MMU_NORMAL_PT_UPDATE, root[slot])));
            test_note("slot %u = what is there, writable for users: %s", slot,
                      test_rc(entry_write(&root[slot], MMU_NORMAL_PT_UPDATE,
                                          root[slot] | PTE_P | PTE_W | PTE_US)));
        }
    }
    for (unsigned i = HV_FIRST_SLOT; i <= HV_LAST_SLOT; i++) {
        test_must(((root[i] ^ before[i]) & ~(PTE_A | PTE_D)) == 0, "slot %u is as it was", i);
    }
}

/* What a guest writes there before the pin must not be what the processor walks. */
static void pin_with_slots(void)
{
    uint64_t *root = page_new();
    const volatile uint64_t *m2p = (const volatile uint64_t *)ADDR_M2P;
    uint64_t frame = mfn_of(l3);
    uint64_t expected = m2p[frame];
    long rc;

    for (unsigned i = HV_FIRST_SLOT; i <= HV_LAST_SLOT; i++) {
        root[i] = table_entry(l3);
    }
    for (unsigned i = HV_LAST_SLOT + 1; i < PT_ENTRIES; i++) {
        root[i] = kernel_space.kernel_root[i];
    }
    table_close(root);
    rc = table_pin(4, root);
    test_note("an L4 with my L3 in all slots of the hypervisor: %s", test_rc(rc));
    if (rc == 0) {
        test_note("loaded: %s", test_rc(mmuext_mfn(MMUEXT_NEW_BASEPTR, mfn_of(root))));
        test_check(m2p[frame] == expected, "the machine-to-physical table is there");
        test_check(!probe_write((void *)ADDR_HYPERVISOR, 0), "and my L3 is not");
        if (mmuext_mfn(MMUEXT_NEW_BASEPTR, mfn_of(kernel_space.kernel_root)) != 0) {
            test_fail("no way back");
        }
        test_must(table_unpin(root) == 0, "unpin");
    }
    table_free(root);
}

static void by_address(void)
{
    static const uint64_t addresses[] = {
        ADDR_M2P,        0xffff808000000000ul, 0xffff820000000000ul, 0xffff82d080000000ul,
        ADDR_HYPERVISOR, ADDR_HV_LAST};
    uint64_t entry = pte_make(mfn_make(mfn_of(page_new())), PTE_PAGE_RW);

    for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++) {
        test_note("update_va_mapping of %lx: %s", addresses[i],
                  test_rc(hc_update_va_mapping((void *)addresses[i], entry, UVMF_INVLPG)));
        test_note("to nothing: %s",
                  test_rc(hc_update_va_mapping((void *)addresses[i], 0, UVMF_NONE)));
    }
    test_note("update_va_mapping of no address: %s",
              test_rc(hc_update_va_mapping((void *)ADDR_NOT_CANONICAL, entry, UVMF_INVLPG)));
    test_note("of an address without a table: %s",
              test_rc(hc_update_va_mapping((void *)0xffffd00000000000ul, entry, UVMF_INVLPG)));
}

static void do_jump(void *arg)
{
    ((void (*)(void))arg)();
}

static void accesses(void)
{
    static const uint64_t private[] = {0xffff810000000000ul, 0xffff820000000000ul,
                                       0xffff828000200000ul, 0xffff82d040200000ul,
                                       ADDR_HYPERVISOR,      ADDR_HV_LAST};
    struct trap_seen seen = {0};
    uint64_t value;
    bool returned;

    test_check(probe_read((void *)ADDR_M2P, &value), "the machine-to-physical table can be read");
    test_check(!probe_write((void *)ADDR_M2P, value), "and not written");
    returned = trap_catch(do_jump, (void *)ADDR_M2P, &seen);
    test_note("nor executed: %s", test_trap(returned, &seen));
    for (unsigned i = 0; i < ARRAY_SIZE(private); i++) {
        test_must(!probe_read((void *)private[i], &value), "a read of %lx faults", private[i]);
        test_must(!probe_write((void *)private[i], 0), "a write to %lx faults", private[i]);
        returned = trap_catch(do_jump, (void *)private[i], &seen);
        test_must(!returned && seen.vector == TRAP_PF, "a jump to %lx faults", private[i]);
    }
    test_note("no access to what is private");
}

static USER_CODE void user_read(uint64_t address)
{
    uint64_t number = *(volatile uint64_t *)address;

    for (;;) {
        __asm__ volatile("syscall" : "+a"(number) : : "rcx", "r11", "memory");
    }
}

static USER_CODE void user_write(uint64_t address)
{
    uint64_t number = 1;

    *(volatile uint64_t *)address = 0;
    for (;;) {
        __asm__ volatile("syscall" : "+a"(number) : : "rcx", "r11", "memory");
    }
}

static void from_user_mode(void)
{
    static const uint64_t addresses[] = {ADDR_HYPERVISOR, 0xffff820000000000ul, ADDR_HV_LAST};
    struct user_space *space = user_space_create();
    struct user_context context;

    if (space == NULL || user_map_code(space) != 0) {
        test_error("no user space");
    }
    for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++) {
        user_context_init(&context, space, user_code_address((const void *)user_read), 0,
                          addresses[i]);
        test_must(user_run(&context) == USER_EXCEPTION && context.regs.vector == TRAP_PF,
                  "user mode cannot read %lx", addresses[i]);
        user_context_init(&context, space, user_code_address((const void *)user_write), 0,
                          addresses[i]);
        test_must(user_run(&context) == USER_EXCEPTION && context.regs.vector == TRAP_PF,
                  "user mode cannot write %lx", addresses[i]);
    }
    user_context_init(&context, space, user_code_address((const void *)user_write), 0, ADDR_M2P);
    test_must(user_run(&context) == USER_EXCEPTION && context.regs.vector == TRAP_PF,
              "user mode cannot write the machine-to-physical table");
    user_space_destroy(space);
    test_note("none from user mode either");
}

static void flushes(void)
{
    static const uint64_t addresses[] = {0,        ADDR_NOT_CANONICAL, ADDR_GAP_TOP,
                                         ADDR_M2P, ADDR_HYPERVISOR,    ~0ul};

    for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++) {
        struct mmuext_op op = {.cmd = MMUEXT_INVLPG_LOCAL};
        long local;

        op.arg1.linear_addr = addresses[i];
        local = hc_mmuext_op(&op, 1, NULL, DOMID_SELF);
        op.cmd = MMUEXT_INVLPG_ALL;
        test_note("flush of %lx: %s, %s", addresses[i], test_rc(local),
                  test_rc(hc_mmuext_op(&op, 1, NULL, DOMID_SELF)));
    }
}

/* The table from machine to guest frames: only entries of own frames, only frame numbers that exist. */
static void m2p_updates(void)
{
    void *page = page_new();
    uint64_t own = mfn_of(page);
    struct mmu_update update = {own << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 0x123};
    const volatile uint64_t *m2p = (const volatile uint64_t *)ADDR_M2P;
    uint64_t was = m2p[own];

    test_note("own entry: %s", test_rc(hc_mmu_update(&update, 1, NULL, DOMID_SELF)));
    test_check(m2p[own] == 0x123, "it has the value");
    update.val = was;
    test_note("own entry as it was: %s", test_rc(hc_mmu_update(&update, 1, NULL, DOMID_SELF)));
    update.ptr = MFN_BEYOND << PAGE_SHIFT | MMU_MACHPHYS_UPDATE;
    test_note("of a frame that is not there: %s",
              test_rc(hc_mmu_update(&update, 1, NULL, DOMID_SELF)));
    update.ptr = ~0ul << PAGE_SHIFT | MMU_MACHPHYS_UPDATE;
    test_note("of the last number: %s", test_rc(hc_mmu_update(&update, 1, NULL, DOMID_SELF)));
    page_free(page, 0);
}

/* All three low bits of an update's address say what it is, in a batch and alone: 5 is not 1 with a stray bit. */
static void kinds(void)
{
    void *page = page_new();
    struct mmu_update updates[2] = {{0}};
    const volatile uint64_t *m2p = (const volatile uint64_t *)ADDR_M2P;
    uint64_t was = m2p[mfn_of(page)];

    for (unsigned kind = 4; kind < 8; kind++) {
        long alone;

        updates[0] = updates[1] = (struct mmu_update){mfn_of(page) << PAGE_SHIFT | kind, 0x123};
        alone = hc_mmu_update(updates, 1, NULL, DOMID_SELF);
        test_note("kind %u: alone %s, two of them %s", kind, test_rc(alone),
                  test_rc(hc_mmu_update(updates, 2, NULL, DOMID_SELF)));
        test_must(m2p[mfn_of(page)] == was && *(uint64_t *)page == 0, "kind %u changed something", kind);
    }
    page_free(page, 0);
}

void test_main(void)
{
    l3 = table_new();
    if (table_pin(3, l3) != 0) {
        test_error("cannot pin an empty L3");
    }
    write_slots();
    pin_with_slots();
    by_address();
    accesses();
    from_user_mode();
    flushes();
    m2p_updates();
    kinds();
    test_must(table_unpin(l3) == 0, "unpin");
    table_free(l3);
    test_still_works();
}
