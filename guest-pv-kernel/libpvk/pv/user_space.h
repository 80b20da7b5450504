/* SPDX-License-Identifier: MIT */
/* The roots of a user address space. */
#ifndef PVK_PV_USER_SPACE_H
#define PVK_PV_USER_SPACE_H

#include "pvk/pv/pagetable.h"
#include "pvk/user.h"

const struct pt_space *user_space_tables(const struct user_space *space);

#endif
