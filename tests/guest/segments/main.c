/* SPDX-License-Identifier: MIT */
/*
 * KIND: functional
 * Segments: a GDT of the guest's own, descriptors changed one by one, the bases of FS and GS by hypercall and by selector,
 * and the rule that a page of descriptors is not writable.
 */
#include "framework/test.h"
#include "pvk/memory.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/pv/pagetable.h"

#define DATA_FLAT 0x00cff3000000ffffull /* present, DPL 3, data, writable, 4 GiB */
#define CODE_64   0x00affb000000ffffull /* present, DPL 3, code, 64-bit */
#define DATA_DPL0 0x00cf93000000ffffull
#define DATA_BASE 0x40cff3123456ffffull /* the same with base 0x40123456 */
#define CALL_GATE 0x0000ec0000100000ull

static uint64_t gdt[PAGE_SIZE / 8] __aligned_to(4096);

struct load {
    uint16_t selector;
    uint16_t loaded;
};

static void load_ds(void *arg)
{
    struct load *l = arg;

    __asm__ volatile("mov %1, %%ds\n\tmov %%ds, %0\n\tmov %2, %%ds"
                     : "=r"(l->loaded)
                     : "r"(l->selector), "r"(0));
}

static void try_load(const char *what, uint16_t selector)
{
    struct load l = {.selector = selector};
    struct trap_seen seen;
    bool returned = trap_catch(load_ds, &l, &seen);

    test_note("loading %s: %s, %x", what, test_trap(returned, &seen), l.loaded);
}

static long describe(unsigned index, uint64_t descriptor)
{
    return hc_update_descriptor(maddr_make(maddr_raw(maddr_of_va(gdt)) + index * 8), descriptor);
}

static void check_gdt(void)
{
    uint64_t frames[1] = {mfn_raw(mfn_of_pfn(pfn_of_va(gdt)))};

    test_note("set_gdt with a writable page: %s", test_rc(hc_set_gdt(frames, 512)));
    gdt[1] = DATA_FLAT;
    gdt[2] = CODE_64;
    test_check(map_protect(gdt, 1, MAP_R) == 0, "the page is made read-only");
    test_note("set_gdt then: %s", test_rc(hc_set_gdt(frames, 512)));
    test_note("making it writable: %s",
              test_rc(hc_update_va_mapping(
                  gdt, pte_make(mfn_make(frames[0]), pte_flags(MAP_R | MAP_W)), UVMF_INVLPG)));
    test_note("more entries than there can be: %s", test_rc(hc_set_gdt(frames, 14 * 512 + 1)));
    try_load("a data segment", 1 * 8 + 3);
    try_load("a code segment", 2 * 8 + 3);
    try_load("an empty entry", 3 * 8 + 3);
    try_load("an entry beyond the page", 512 * 8 + 3);
}

static void check_update(void)
{
    test_note("update_descriptor: %s", test_rc(describe(3, DATA_FLAT)));
    try_load("it", 3 * 8 + 3);
    test_check(gdt[3] == DATA_FLAT, "it reads as it was written");
    test_note("a descriptor with DPL 0: %s", test_rc(describe(4, DATA_DPL0)));
    test_note("a call gate: %s", test_rc(describe(5, CALL_GATE)));
    test_note("an empty descriptor: %s", test_rc(describe(3, 0)));
    test_note(
        "at an odd address: %s",
        test_rc(hc_update_descriptor(maddr_make(maddr_raw(maddr_of_va(gdt)) + 4), DATA_FLAT)));
}

/* GS points to the kernel's own data: FS is free for this, once the canary is back afterwards. */
static uint64_t fs_word(void)
{
    uint64_t value;

    __asm__ volatile("mov %%fs:0, %0" : "=r"(value));
    return value;
}

static void check_bases(void)
{
    static uint64_t word = 0x123456789abcdeful;
    uint64_t self;

    __asm__("mov %%gs:0, %0" : "=r"(self));
    test_note("set_segment_base of FS: %s",
              test_rc(hc_set_segment_base(SEGBASE_FS, (uintptr_t)&word)));
    test_check(fs_word() == word, "FS reads there");
    test_note("a base that is not canonical: %s",
              test_rc(hc_set_segment_base(SEGBASE_FS, 0x0001000000000000ul)));
    test_check(fs_word() == word, "changes nothing");
    test_note("set_segment_base 9: %s", test_rc(hc_set_segment_base(9, 0)));
    test_note("set_segment_base of the user GS: %s",
              test_rc(hc_set_segment_base(SEGBASE_GS_USER, 0x1000)));
    test_note("the user GS selector 0: %s", test_rc(hc_set_segment_base(SEGBASE_GS_USER_SEL, 0)));
    test_note("the user GS selector of nothing: %s",
              test_rc(hc_set_segment_base(SEGBASE_GS_USER_SEL, 0x5ffb)));
    test_note("the old base: %s", test_rc(hc_set_segment_base(SEGBASE_FS, self)));
    __asm__("mov %%gs:0, %0" : "=r"(self));
    test_check(fs_word() == self, "the kernel's GS has not changed");
}

void test_main(void)
{
    check_gdt();
    check_update();
    check_bases();
    test_note("set_gdt of nothing: %s", test_rc(hc_set_gdt(NULL, 0)));
    test_note("and the page is writable again: %s", test_rc(map_protect(gdt, 1, MAP_R | MAP_W)));
}
