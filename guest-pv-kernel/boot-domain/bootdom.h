/* SPDX-License-Identifier: MIT */
/* What the files of the boot domain share. */
#ifndef BOOTDOM_H
#define BOOTDOM_H

#include <stdbool.h>
#include <stddef.h>

#include "libxeno/manager.h"
#include "xeno/xeno_cli.h"

/* The direct transport: hypercalls without a kernel in between. */
const struct xeno_transport *bootdom_transport(void);

/* Terminal: output, input by a thread of its own, and the wake-up for both. */
extern const struct xeno_io bootdom_io;
void terminal_start(void);
/* Something has changed that wait_input() callers want to look at; any context. */
void terminal_changed(void);

/* A line as typed, edited, with history; false at the end of input. The text is terminated. */
bool line_read(struct cli *c, const char *prompt, char *line, size_t size);

/* Run a command line: verbs with or without "xeno", ';', '&&', quotes; the last status. */
int shell_run(struct cli *c, const char *line);

#endif
