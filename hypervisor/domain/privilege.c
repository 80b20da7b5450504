/* SPDX-License-Identifier: MIT */
/*
 * Who may do what to whom. A domain always may do to itself what is not about ending it; a control domain may build,
 * map, pause and destroy others. Rights are fixed when a domain is created, so no lock is needed.
 */
#include "domain/privilege.h"

#include "domain/domain.h"

bool may_control(const struct domain *by, const struct domain *target)
{
    return by->control && by != target;
}

bool may_domctl(const struct domain *by)
{
    return by->control;
}

bool may_hardware(const struct domain *by)
{
    return by->hardware;
}
