/* SPDX-License-Identifier: MIT */
/*
 * Who am I: this domain's number.
 */
#ifndef PVK_PV_DOMAIN_H
#define PVK_PV_DOMAIN_H

/* This domain's id; negative: -errno. Asks the hypervisor each time. */
int domain_id(void);

#endif
