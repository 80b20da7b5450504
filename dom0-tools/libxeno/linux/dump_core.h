/* SPDX-License-Identifier: MIT */
/* Core files of domains, as `xeno dump-core` and the actions coredump-* write them. */
#ifndef LIBXENO_LINUX_DUMP_CORE_H
#define LIBXENO_LINUX_DUMP_CORE_H

#include "libxeno/linux/transport.h"

/* 0, or -1 with err: then there is no file. A domain that runs is to be paused by the caller. */
int linux_dump_core(struct xeno_linux *l, uint32_t domid, const char *path, struct xeno_error *err);

#endif
