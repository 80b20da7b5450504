/* SPDX-License-Identifier: MIT */
/*
 * The processes that are domains' device models: xeno-dm, one a domain that has emulated devices or a disk. Each holds a lock (of
 * fcntl) on a file named after its domain, keeps its devices' state in another, and in a third what its disk was asked for: all under
 * /run/xeno/dm.
 * Invariant: the holder of the lock is the domain's device model; a lock that nobody holds means that there is none.
 */
#ifndef LIBXENO_LINUX_MODELS_H
#define LIBXENO_LINUX_MODELS_H

#include "libxeno/manager.h"

#define MODELS_DIR      "/run/xeno/dm"
#define MODELS_PATH_MAX 48u

enum model_state {
    MODEL_NONE, /* the domain needs none, or never had one */
    MODEL_RUNS,
    MODEL_DIED
};

/* What the manager calls: have domains that are built here served. */
void models_init(struct manager *m);

/* Start one for a domain that has none: 0, or -1 with err. */
int model_start(uint32_t domid, const char *name, struct xeno_error *err);
/* Does the domain's device model live? pid: its number, 0 if not. */
enum model_state model_state(uint32_t domid, int *pid);

/* Press the power button of a fully virtualized domain: 0, or -ESRCH if its device model does not live. */
int model_power_button(uint32_t domid);

/* Names of the files: at least MODELS_PATH_MAX bytes. */
void model_lock_path(uint32_t domid, char *path);
void model_devices_path(uint32_t domid, char *path);
void model_counts_path(uint32_t domid, char *path);

#endif
