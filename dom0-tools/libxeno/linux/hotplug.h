/* SPDX-License-Identifier: MIT */
/*
 * Hotplug scripts, called as xl calls them: what they are to know is in their environment and in the back end's folder of the store,
 * where they leave hotplug-status=connected, or what went wrong in hotplug-error.
 */
#ifndef LIBXENO_LINUX_HOTPLUG_H
#define LIBXENO_LINUX_HOTPLUG_H

#include "libxeno/linux/device.h"
#include "libxeno/xeno.h"

#define HOTPLUG_DIR "/etc/xen/scripts"

/*
 * Run one ("online" or "offline") and wait for its end, at most 40 s; interface: of which it is, as the kernel calls it now. 0, or -1
 * with err.
 */
int hotplug_run(struct xeno_store *s, const struct device *d, const char *script, const char *how,
                const char *interface, struct xeno_error *err);

/* The file of a script: as it is, or below HOTPLUG_DIR where it is a mere name. */
void hotplug_path(const char *script, char *path, size_t size);

#endif
