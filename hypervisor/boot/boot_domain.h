/* SPDX-License-Identifier: MIT */
/* The one domain that the hypervisor builds itself, out of module 0. */
#ifndef BOOT_BOOT_DOMAIN_H
#define BOOT_BOOT_DOMAIN_H

/* Build it and make it runnable; ends the machine with one line when that cannot be. Boot CPU, once. */
void boot_domain_start(void);

#endif
