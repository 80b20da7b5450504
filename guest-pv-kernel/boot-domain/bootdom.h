/* SPDX-License-Identifier: MIT */
/* What the files of the boot domain share. */
#ifndef BOOTDOM_H
#define BOOTDOM_H

#include <stdbool.h>
#include <stddef.h>

#include "libxeno/manager.h"
#include "xeno/xeno_cli.h"

#define STATUS_FAILED 1

/* The direct transport: hypercalls without a kernel in between. */
struct xeno_transport *bootdom_transport(void);

/* Terminal: output, input by a thread of its own, and the wake-up for both. */
extern const struct xeno_io bootdom_io;
void terminal_start(void);
/* Something has changed that wait_input() callers want to look at; any context. */
void terminal_changed(void);

/* A line as typed, edited, with history; false at the end of input. The text is terminated. */
bool line_read(struct cli *c, const char *prompt, char *line, size_t size);

/*
 * What is built at boot; a status, after one line on the console if it is not 0. Domain 0 out of module `kernel` and the boot
 * domain's own arguments; or what launch description `name` says, *control telling whether a control domain is among it.
 */
int boot_dom0(struct manager *m, struct cli *c, const char *kernel);
int boot_launch(struct manager *m, struct cli *c, const char *name, bool *control);

/* The text screen that a control domain inherits; false if there is none. */
bool screen_text(struct dom0_vga_console_info *info);

/* The store for guests: from here on domains are connected to it as they are built. 0 or -errno. */
int store_start(struct manager *m);

/* The store for ourselves, under the transport's lock: a value's length, or 0; or -errno. perms: "n0" or "n0 r5". */
long store_read(void *unused, const char *path, char *buf, size_t size);
int store_write(void *unused, const char *path, const char *value);
int store_perms(void *unused, const char *path, const char *perms);
void store_remove(const char *path);

/* Run a command line: verbs with or without "xeno", ';', '&&', quotes; the last status. */
int shell_run(struct cli *c, const char *line);

/* Device models of fully virtualized domains, and disks, run in here, by events. */
void device_models_init(struct manager *m);
/* "poweroff": the power button; "reboot": the reset button. Under the transport's lock. 0 or -errno. */
int device_model_press(const struct managed *d, const char *how);
/* Somebody has changed something in the store. */
void device_models_store_changed(void);

#endif
