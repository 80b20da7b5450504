/* SPDX-License-Identifier: MIT */
/*
 * A guest that wants out: tries one thing after the other that no guest may do, and says how it was stopped.
 *   hostile [n=5]   rounds of all attempts; ends with status 1 if any of them got through
 * Run it beside other domains: nothing of it may reach them. tests/guest has the thorough versions, each with its story.
 */
#include <stdio.h>
#include <stdlib.h>

#include <xen/errno.h>
#include <xen/version.h>

#include "pvk/machine.h"
#include "pvk/memory.h"
#include "pvk/pv/grants.h"
#include "pvk/pv/hypercall.h"
#include "pvk/pv/p2m.h"
#include "pvk/pv/pagetable.h"
#include "pvk/pv/start_info.h"
#include "pvk/traps.h"

#define HYPERVISOR    0xffff830000000000ul /* in the range that every address space reserves for it */
#define NOT_CANONICAL 0x0000800000000000ul
#define M2P           0xffff800000000000ul
#define PAGE_RW       (PTE_P | PTE_W | PTE_A | PTE_D | PTE_NX)

/* An attempt: a hypercall's result, which must not be success; or an instruction, which must trap. */
struct attempt {
    const char *what;
    long (*call)(void);
    void (*run)(void *arg);
};

/* ---- memory ---- */

static char page[PAGE_SIZE] __aligned_to(4096); /* what the attempts map other things at */

static uint64_t mfn_of(const void *va)
{
    return mfn_raw(mfn_of_pfn(pfn_of_va(va)));
}

static struct pt_entry entry_of(const void *va, unsigned level)
{
    struct pt_entry found = {0};

    if (!pt_find(&kernel_space, (uintptr_t)va, level, false, &found)) {
        printf("hostile: no page table at %p\n", va);
        exit(2);
    }
    return found;
}

static long map_at_page(uint64_t entry)
{
    uint64_t before = *entry_of(page, 1).entry;
    long rc = hc_update_va_mapping(page, entry, UVMF_INVLPG);

    if (rc == 0 && hc_update_va_mapping(page, before, UVMF_INVLPG) != 0) {
        exit(2);
    }
    return rc;
}

static long map_own_table(void)
{
    return map_at_page(pte_make(pte_mfn(*entry_of(page, 2).entry), PAGE_RW));
}

static long turn_on_write(void)
{
    const char *table = va_of_pfn(pfn_of_va(kernel_space.kernel_root));
    struct pt_entry mine = entry_of(table, 1);

    return pt_write(mine.where, *mine.entry | PTE_W);
}

static long large_page(void)
{
    return pt_write(entry_of(page, 2).where, *entry_of(page, 2).entry | PTE_PSE);
}

static long own_root_in_itself(void)
{
    struct mmu_update update = {.ptr = (mfn_of(kernel_space.kernel_root) << PAGE_SHIFT) + 400 * sizeof(uint64_t),
                                .val = pte_make(mfn_make(mfn_of(kernel_space.kernel_root)), PTE_P | PTE_W | PTE_US | PTE_A)};

    return hc_mmu_update(&update, 1, NULL, DOMID_SELF);
}

static long hypervisors_slot(void)
{
    struct mmu_update update = {.ptr = (mfn_of(kernel_space.kernel_root) << PAGE_SHIFT) + 261 * sizeof(uint64_t)};

    return hc_mmu_update(&update, 1, NULL, DOMID_SELF);
}

/* All frames of the machine that are not mine, or lent to me: the first that can be mapped is one too many. */
static long frames_of_others(void)
{
    long last = hc_memory_op(XENMEM_maximum_ram_page, NULL);
    uint64_t grants = grant_table_mfn();

    for (uint64_t mfn = 0; mfn <= (uint64_t)last; mfn += 7) {
        pfn_t pfn;

        if (!pfn_of_mfn(mfn_make(mfn), &pfn) && mfn != start_info->shared_info >> PAGE_SHIFT && mfn != grants &&
            map_at_page(pte_make(mfn_make(mfn), PAGE_RW)) == 0) {
            return 0;
        }
    }
    return -XEN_EPERM;
}

static void write_m2p(void *arg)
{
    (void)arg;
    *(volatile uint64_t *)M2P = 0;
}

static void read_hypervisor(void *arg)
{
    (void)arg;
    (void)*(volatile uint64_t *)HYPERVISOR;
}

static void write_own_table(void *arg)
{
    (void)arg;
    *(volatile uint64_t *)kernel_space.kernel_root = 0;
}

/* ---- ways into ring 0 ---- */

static long descriptor(uint64_t value)
{
    return hc_update_descriptor(maddr_make(mfn_of(page) << PAGE_SHIFT), value);
}

static long interrupt_gate(void)
{
    return descriptor(0x00008e00e0080000ul);
}

static long task_state(void)
{
    return descriptor(0x0000890000000067ul);
}

static long bad_callback(void)
{
    struct callback_register reg = {.type = CALLBACKTYPE_event, .address = NOT_CANONICAL};

    return hypercall(__HYPERVISOR_callback_op, CALLBACKOP_register, HC_ARG(&reg), 0, 0, 0);
}

static long bad_segment_base(void)
{
    return hypercall(__HYPERVISOR_set_segment_base, SEGBASE_FS, NOT_CANONICAL, 0, 0, 0);
}

static long breakpoint_on_hypervisor(void)
{
    return hc_set_debugreg(0, HYPERVISOR);
}

static void write_efer(void *arg)
{
    (void)arg;
    __asm__ volatile("wrmsr" : : "c"(0xc0000080), "a"(0), "d"(0));
}

static void write_lstar(void *arg)
{
    (void)arg;
    __asm__ volatile("wrmsr" : : "c"(0xc0000082), "a"(0), "d"(0));
}

static void write_cr3(void *arg)
{
    (void)arg;
    __asm__ volatile("mov %0, %%cr3" : : "r"(mfn_of(page) << PAGE_SHIFT) : "memory");
}

static void reset_machine(void *arg)
{
    (void)arg;
    __asm__ volatile("outb %b0, %w1" : : "a"(6), "d"(0xcf9));
}

static void load_gdt(void *arg)
{
    (void)arg;
    __asm__ volatile("lgdt %0" : : "m"(page));
}

/* ---- hypercalls ---- */

static long pointer_into_hypervisor(void)
{
    return hypercall(__HYPERVISOR_xen_version, XENVER_extraversion, HYPERVISOR, 0, 0, 0);
}

static long pointer_into_m2p(void)
{
    return hypercall(__HYPERVISOR_xen_version, XENVER_capabilities, M2P, 0, 0, 0);
}

static long endless_count(void)
{
    return hypercall(__HYPERVISOR_mmu_update, HC_ARG(page), 0xffffffff, 0, DOMID_SELF, 0);
}

static long batch_in_a_batch(void)
{
    struct multicall_entry call = {.op = __HYPERVISOR_multicall, .args = {HC_ARG(&call), 1}};

    return hc_multicall(&call, 1) != 0 ? -XEN_EINVAL : (long)call.result;
}

static long unknown_call(void)
{
    return hypercall(100, HC_ARG(page), HYPERVISOR, ~0ul, ~0ul, 0);
}

static long control_operation(void)
{
    return hypercall(__HYPERVISOR_domctl, HC_ARG(page), 0, 0, 0, 0);
}

static long shut_others_down(void)
{
    struct sched_remote_shutdown other = {.domain_id = 0, .reason = 1};

    return hc_sched_op(SCHEDOP_remote_shutdown, &other);
}

static long in_anothers_name(void)
{
    struct mmu_update update = {0};

    return hc_mmu_update(&update, 1, NULL, 0);
}

static const struct attempt attempts[] = {
    {.what = "map a page table of mine writable", .call = map_own_table},
    {.what = "make the map of my root writable", .call = turn_on_write},
    {.what = "turn a table into a large page", .call = large_page},
    {.what = "hook my root into itself, writable", .call = own_root_in_itself},
    {.what = "clear a slot of the hypervisor's", .call = hypervisors_slot},
    {.what = "map frames that are not mine", .call = frames_of_others},
    {.what = "write to the machine-to-physical table", .run = write_m2p},
    {.what = "read the hypervisor's memory", .run = read_hypervisor},
    {.what = "store into my root", .run = write_own_table},
    {.what = "an interrupt gate as a descriptor", .call = interrupt_gate},
    {.what = "a task state as a descriptor", .call = task_state},
    {.what = "an entry point that is not canonical", .call = bad_callback},
    {.what = "a base of FS that is not canonical", .call = bad_segment_base},
    {.what = "a breakpoint in the hypervisor", .call = breakpoint_on_hypervisor},
    {.what = "write EFER", .run = write_efer},
    {.what = "write LSTAR", .run = write_lstar},
    {.what = "load a page that is no table into CR3", .run = write_cr3},
    {.what = "reset the machine by port 0xcf9", .run = reset_machine},
    {.what = "load a descriptor table", .run = load_gdt},
    {.what = "an answer into the hypervisor", .call = pointer_into_hypervisor},
    {.what = "an answer into the machine-to-physical table", .call = pointer_into_m2p},
    {.what = "a list without an end", .call = endless_count},
    {.what = "a batch in a batch", .call = batch_in_a_batch},
    {.what = "a hypercall that does not exist", .call = unknown_call},
    {.what = "a control operation", .call = control_operation},
    {.what = "shut domain 0 down", .call = shut_others_down},
    {.what = "an update in domain 0's name", .call = in_anothers_name},
};

/* True: stopped. */
static bool try_it(const struct attempt *a, bool say)
{
    struct trap_seen seen = {0};
    long rc = a->call != NULL ? a->call() : 0;
    bool stopped = a->call != NULL ? rc < 0 : !trap_catch(a->run, NULL, &seen);

    if (!stopped) {
        printf("hostile: %s: GOT THROUGH (%ld)\n", a->what, rc);
    } else if (say && a->call != NULL) {
        printf("hostile: %s: refused, error %ld\n", a->what, -rc);
    } else if (say) {
        printf("hostile: %s: exception %u\n", a->what, (unsigned)seen.vector);
    }
    return stopped;
}

int main(int argc, char **argv)
{
    unsigned long rounds = cmdline_number("n", 5);
    unsigned through = 0;

    (void)argc;
    if (is_initial_domain()) {
        printf("%s: the first domain may do some of this: run me as another one\n", argv[0]);
        return 2;
    }
    for (unsigned long round = 0; round < rounds; round++) {
        for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
            through += !try_it(&attempts[i], round == 0);
        }
    }
    printf("hostile: %lu rounds of %zu attempts, %u got through\n", rounds, sizeof(attempts) / sizeof(attempts[0]), through);
    return through != 0;
}
