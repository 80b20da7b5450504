/* SPDX-License-Identifier: MIT */
/* The verbs that xeno has in a Linux control domain only: they need files, a terminal, a store or a daemon. */
#ifndef XENO_LINUX_PLACE_H
#define XENO_LINUX_PLACE_H

#include "libxeno/linux/registry.h"
#include "xeno/xeno_cli.h"

extern const struct verb linux_verbs[];

/* What stands behind the cli: set once, by main(). */
extern struct registry *place;

/* Write what is gathered for the terminal. */
void place_flush(void);

int cmd_console_linux(struct cli *c, int argc, char **argv);
int cmd_service(struct cli *c, int argc, char **argv);

#endif
