/* SPDX-License-Identifier: MIT */
/*
 * The CPUs' areas: frames and mappings. The boot CPU's frames lie in the image (boot/head.S runs on them already), those of
 * the others come from the allocator. Invariant: between stacks, and around them, nothing is mapped.
 */
#include "x86/percpu.h"

#include "common/errno.h"
#include "debug/panic.h"
#include "x86/gdt_tss.h"
#include "x86/pgtable.h"
#include "x86/vcpu_head.h"

#define DATA_PAGES  2ul
#define STACK_PAGES 4u

extern const uint8_t __syscall_page[];
extern uint8_t boot_gdt_page[], boot_percpu[], boot_ist[], boot_stack[];

_Static_assert(sizeof(struct percpu) <= DATA_PAGES * 4096, "percpu outgrew its pages");
_Static_assert(PCPU_STACK_OFFSET + 0x1000 + STACK_PAGES * 0x1000 == PCPU_STACK_TOP,
               "main stack has a guard page under it");

static uint64_t area_of(uint32_t cpu)
{
    return PERCPU_AREA_BASE + cpu * PERCPU_AREA_SIZE;
}

static int map_page(uint32_t cpu, uint64_t offset, uint64_t pa, uint32_t flags)
{
    if (pa == 0) {
        return -ENOMEM;
    }
    return hv_map(area_of(cpu) + offset, pa, 4096, flags | HV_MAP_SMALL);
}

static int map_pages(uint32_t cpu, uint64_t offset, uint64_t step, unsigned int nr,
                     const uint8_t *image_pages)
{
    for (unsigned int i = 0; i < nr; i++) {
        uint64_t pa = image_pages ? image_pa(image_pages) + i * 4096ul : hv_map_alloc_frame();
        int rc = map_page(cpu, offset + i * step, pa, HV_MAP_RW);

        if (rc) {
            return rc;
        }
    }
    return 0;
}

/* The image's pages when they are given (boot CPU), else new ones. */
static int area_map(uint32_t cpu, const uint8_t *gdt, const uint8_t *data, const uint8_t *ist,
                    const uint8_t *stack)
{
    int rc = map_page(cpu, PCPU_TRAMPOLINE_OFFSET, image_pa(__syscall_page), HV_MAP_EXEC);

    rc = rc ? rc : map_pages(cpu, PCPU_GDT_OFFSET + GDT_GUEST_PAGES * 0x1000, 0x1000, 1, gdt);
    rc = rc ? rc : map_pages(cpu, PCPU_DATA_OFFSET, 0x1000, DATA_PAGES, data);
    rc = rc ? rc : map_pages(cpu, PCPU_IST_OFFSET + 0x1000, 0x2000, IST_DB, ist);
    rc = rc ? rc : map_pages(cpu, PCPU_STACK_OFFSET + 0x1000, 0x1000, STACK_PAGES, stack);
    return rc;
}

int percpu_init_boot(void)
{
    int rc = area_map(0, boot_gdt_page, boot_percpu, boot_ist, boot_stack);

    if (rc == 0) {
        this_cpu()->area_ptes = hv_pte_of(area_of(0));
        this_cpu()->online = 1;
        windows_clear(this_cpu()->area_ptes);
    }
    return rc;
}

int percpu_create(uint32_t cpu, uint32_t apic_id)
{
    struct percpu *p = percpu_of(cpu);
    int rc = area_map(cpu, NULL, NULL, NULL, NULL);

    if (rc == 0) {
        p->cpu = cpu;
        p->apic_id = apic_id;
        p->area_ptes = hv_pte_of(area_of(cpu));
        windows_clear(p->area_ptes);
    }
    return rc;
}

void percpu_set_current(struct vcpu *v)
{
    struct percpu *p = this_cpu();

    p->curr = v;
    if (v) {
        p->tss.rsp0 = (uint64_t)&vcpu_head(v)->regs.es;
        p->syscall_rsp = (uint64_t)&vcpu_head(v)->regs.ss;
        vcpu_head(v)->hv_stack_top = area_of(p->cpu) + PCPU_STACK_TOP;
    }
}
