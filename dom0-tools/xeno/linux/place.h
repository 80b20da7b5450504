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
/* Until the domain has ended, however long that takes. */
void place_wait_end(struct cli *c, uint32_t domid);

/* Until the domain's first byte of output: 0, or 1 after a line. */
int place_wait_running(struct cli *c, const char *name);

/* What the matter is with a domain: struct cli's trouble. */
const char *place_trouble(struct cli *c, uint32_t domid);

int cmd_config_update(struct cli *c, int argc, char **argv);
int cmd_destroy_linux(struct cli *c, int argc, char **argv);
int cmd_device_model(struct cli *c, int argc, char **argv);
int cmd_doctor_verb(struct cli *c, int argc, char **argv);
int cmd_dump_core(struct cli *c, int argc, char **argv);
int cmd_kernel_cache(struct cli *c, int argc, char **argv);
int cmd_mem_set(struct cli *c, int argc, char **argv);
int cmd_network_attach(struct cli *c, int argc, char **argv);
int cmd_network_detach(struct cli *c, int argc, char **argv);
int cmd_network_list(struct cli *c, int argc, char **argv);
int cmd_reboot_linux(struct cli *c, int argc, char **argv);
int cmd_shutdown_linux(struct cli *c, int argc, char **argv);
int cmd_sysrq(struct cli *c, int argc, char **argv);
int cmd_top(struct cli *c, int argc, char **argv);
int cmd_uptime(struct cli *c, int argc, char **argv);
int cmd_vcpu_set(struct cli *c, int argc, char **argv);
int cmd_service(struct cli *c, int argc, char **argv);

#endif
