/* SPDX-License-Identifier: MIT */
/* What has to be known of a device tree before libfdt may look at it. Pure. */
#ifndef LIBXENO_LAUNCH_TREE_H
#define LIBXENO_LAUNCH_TREE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Version 17, both blocks inside `bytes` (below 2^31), every token of the structure block known and inside it, names
 * terminated, nodes balanced and at most 16 deep: going through it ends.
 */
bool launch_tree_leads_forward(const void *fdt, size_t bytes);

#endif
