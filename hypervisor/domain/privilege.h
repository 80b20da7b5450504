/* SPDX-License-Identifier: MIT */
/* Who may do what to whom: the one place that decides. Pure. */
#ifndef DOMAIN_PRIVILEGE_H
#define DOMAIN_PRIVILEGE_H

#include <stdbool.h>

struct domain;

/* May `by` control (build, map, pause, destroy) `target`? The control domain may, except that nobody destroys itself. */
bool may_control(const struct domain *by, const struct domain *target);
/* May it use domctl and sysctl at all? */
bool may_domctl(const struct domain *by);
/* Ports, device memory, interrupts. */
bool may_hardware(const struct domain *by);

#endif
