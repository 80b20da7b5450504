/* SPDX-License-Identifier: MIT */
/*
 * The modules that start_info names, in its three forms: a list (boot domain), one blob by frame number, one blob by address.
 * All are in the linear map, because the P2M covers them.
 */
#include "pvk/modules.h"

#include "pvk/memory.h"
#include "pvk/pv/start_info.h"

static const void *va_of_paddr(uint64_t paddr)
{
    return (const char *)VIRT_BASE + paddr;
}

unsigned module_count(void)
{
    if (start_info->mod_len == 0) {
        return 0;
    }
    if ((start_info->flags & SIF_MULTIBOOT_MOD) != 0) {
        return (unsigned)(start_info->mod_len / sizeof(struct xen_multiboot_mod_list));
    }
    return 1;
}

bool module_get(unsigned index, struct module *module)
{
    if (index >= module_count()) {
        return false;
    }
    module->cmdline = "";
    if ((start_info->flags & SIF_MULTIBOOT_MOD) != 0) {
        const struct xen_multiboot_mod_list *list = (const void *)start_info->mod_start;

        module->data = va_of_paddr(list[index].mod_start);
        module->size = (size_t)list[index].mod_end - list[index].mod_start + 1; /* inclusive end */
        if (list[index].cmdline != 0) {
            module->cmdline = va_of_paddr(list[index].cmdline);
        }
        return true;
    }
    module->size = start_info->mod_len;
    if ((start_info->flags & SIF_MOD_START_PFN) != 0) {
        module->data = va_of_pfn(pfn_make(start_info->mod_start));
    } else {
        module->data = (const void *)start_info->mod_start;
    }
    return true;
}

void module_list_range(const void **data, size_t *size)
{
    bool list = (start_info->flags & SIF_MULTIBOOT_MOD) != 0;

    *data = list ? (const void *)start_info->mod_start : (const void *)VIRT_BASE;
    *size = list ? start_info->mod_len : 0;
}
