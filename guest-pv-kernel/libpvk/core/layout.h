/* SPDX-License-Identifier: MIT */
/*
 * The kernel's half of the address space:
 *   ffff800000000000 - ffff87ffffffffff  the hypervisor's (the ABI fixes it); its machine-to-frame table is readable there
 *   VIRT_BASE (ffff880000000000 unless the build chose another one)  the linear map: all memory, image first
 *   WINDOW_BASE  windows: what is mapped for a while (foreign frames, granted pages, devices)
 */
#ifndef PVK_CORE_LAYOUT_H
#define PVK_CORE_LAYOUT_H

#define WINDOW_BASE  0xffffc00000000000ul
#define WINDOW_PAGES 65536ul /* 256 MiB */

#endif
