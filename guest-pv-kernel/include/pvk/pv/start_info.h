/* SPDX-License-Identifier: MIT */
/*
 * What the domain builder and the hypervisor tell the domain: start_info and the shared info page.
 */
#ifndef PVK_PV_START_INFO_H
#define PVK_PV_START_INFO_H

#include <stdbool.h>

#include <xen/xen.h>

/* Never NULL once main() runs. The page stays as the builder wrote it. */
extern struct start_info *start_info;

/* The page that is shared with the hypervisor; a dummy until it has been mapped. Nothing else lies in the page. */
union shared_page {
    struct shared_info info;
    char page[4096];
};
extern union shared_page shared_page;

/* True in the domain that the hypervisor started first, with rights over the others. */
static inline bool is_initial_domain(void)
{
    return (start_info->flags & SIF_INITDOMAIN) != 0;
}

#endif
