/* SPDX-License-Identifier: MIT */
/*
 * <errno.h>: numbers only. There is no variable errno; functions of a guest return -E... .
 */
#ifndef PVK_LIBC_ERRNO_H
#define PVK_LIBC_ERRNO_H

#include "common/errno.h"

#endif
