/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables inside the PV room: replacing, loading and releasing them; see pv.h for the calls from above.
 */
#ifndef PV_GDT_H
#define PV_GDT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/compiler.h"
#include "domain/domain.h"
#include "domain/vcpu.h"
#include "x86/layout.h"

/* A table to be taken over: the frames that hold its entries, without references yet. */
struct descriptor_table {
    mfn_t frames[LDT_GUEST_PAGES];
    unsigned int nr_ents;
    gva_t base; /* of an LDT */
};

/* Take over the tables (NULL: keep what is there), show them if v runs here. -EINVAL with nothing changed. */
int descriptor_tables_replace(struct vcpu *v, const struct descriptor_table *gdt, const struct descriptor_table *ldt)
    __must_check;

/* The frames of an LDT that is mapped at base under this root. */
int ldt_find(struct domain *d, mfn_t root, gva_t base, unsigned int nr_ents, struct descriptor_table *ldt) __must_check;

/* Show v's tables in this CPU's windows. */
void gdt_load(const struct vcpu *v);
void ldt_load(const struct vcpu *v);

void gdt_init_vcpu(struct vcpu *v);
void gdt_release(struct vcpu *v);

/* The descriptor of a selector in the tables that this CPU shows; false if it is no present code segment. */
bool code_segment(uint16_t sel, uint64_t *desc);

#endif
