/* SPDX-License-Identifier: MIT */
/* Who we are: the linker's build id of this image, and the command line that it was booted with. */
#ifndef DEBUG_BUILD_ID_H
#define DEBUG_BUILD_ID_H

#include <stdint.h>

/* The build id's bytes and length, or NULL when the image was linked without one. */
const uint8_t *build_id(uint32_t *len);

/* The hypervisor's command line as the loader gave it, never NULL. */
const char *hv_cmdline(void);
void hv_cmdline_set(const char *cmdline);

#endif
