/* SPDX-License-Identifier: MIT */
/*
 * The modules that the loader put into memory, which the linear map covers.
 */
#include "pvk/modules.h"

#include "libpvk/native/boot_info.h"
#include "pvk/memory.h"

unsigned module_count(void)
{
    return boot_info.nr_modules;
}

bool module_get(unsigned index, struct module *module)
{
    if (index >= boot_info.nr_modules) {
        return false;
    }
    module->data = (const char *)VIRT_BASE + boot_info.modules[index].paddr;
    module->size = boot_info.modules[index].size;
    module->cmdline = boot_info.modules[index].cmdline;
    return true;
}

void module_list_range(const void **data, size_t *size)
{
    *data = (const void *)VIRT_BASE;
    *size = 0; /* the loader's list was copied */
}
