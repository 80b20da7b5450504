/* SPDX-License-Identifier: MIT */
/*
 * Pages for the tables that extend the linear map, before there is an allocator: taken upwards from the first free frame.
 */
#ifndef PVK_PV_EARLY_H
#define PVK_PV_EARLY_H

#include <stdbool.h>

/* True until memory_init() has handed memory to the page allocator. */
bool early_active(void);

/* The next zeroed page; crashes if the builder mapped too little memory. */
void *early_page(void);

#endif
