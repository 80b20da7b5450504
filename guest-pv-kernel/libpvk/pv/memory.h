/* SPDX-License-Identifier: MIT */
/*
 * Memory start-up of a PV kernel: the order is p2m_init(), memory_init().
 */
#ifndef PVK_PV_MEMORY_H
#define PVK_PV_MEMORY_H

void p2m_init(void);

/*
 * Take over the builder's page tables, extend the linear map over all memory, give the rest of memory to the allocator, and
 * set the image's rights.
 */
void memory_init(void);

#endif
