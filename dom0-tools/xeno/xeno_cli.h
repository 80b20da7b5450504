/* SPDX-License-Identifier: MIT */
/*
 * What every verb gets: the manager, and the terminal as functions, so that the same verbs run in a Linux process and in
 * the boot domain. A verb returns the exit status: 0, 1 for an error (one line has been printed), 2 for wrong usage.
 */
#ifndef XENO_XENO_CLI_H
#define XENO_XENO_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "libxeno/manager.h"

struct xeno_io {
    void *ctx;
    void (*out)(void *ctx, const char *text, size_t n);
    void (*err)(void *ctx, const char *text, size_t n);
    /*
     * Wait until there is input or manager.console_changed was called: bytes of input (0: none yet, something changed),
     * or -1 when there will be no input any more; then it still waits for changes.
     */
    long (*wait_input)(void *ctx, char *buf, size_t n);
};

struct cli;

struct verb {
    const char *name;
    int (*run)(struct cli *c, int argc, char **argv); /* argv[0] is the verb */
    const char *usage;                                /* arguments */
    const char *help;                                 /* one line; NULL: not shown */
};

struct cli {
    struct manager *m;
    const struct xeno_io *io;
    /* Until a domain that was just made has said something: 0, or 1 after a line that says why it will not. NULL: not here. */
    int (*wait_running)(struct cli *c, const char *name);
    /* Until a domain has ended. NULL: not here. */
    void (*wait_end)(struct cli *c, uint32_t domid);
    /* What keeps a domain from running, a phrase; NULL: nothing that is known. NULL: not here. */
    const char *(*trouble)(struct cli *c, uint32_t domid);
    const char *name; /* of the program, in front of errors; NULL: xeno */
    bool dry_run;     /* -N before the verb: create makes nothing */
    bool terminal; /* a person looks at the output: colours, and what a script would stumble over */
    const struct verb
        *more; /* verbs of the place, which win over those below; NULL: none. Ends as those do. */
};

/* Ends with an entry whose name is NULL. Sorted by name. */
extern const struct verb verbs[];

/* The verbs of the place and the common ones in one order of names: n from 0; NULL at the end. */
const struct verb *cli_verb(const struct cli *c, unsigned int n);

/* Run one command given as words. */
int cli_run(struct cli *c, int argc, char **argv);

void cli_print(struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "xeno VERB: text" on the error channel; returns 1. */
int cli_error(struct cli *c, const char *verb, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The verb's usage line; returns 2. */
int cli_usage(struct cli *c, const char *verb);

/* Is this word among the arguments (before "--")? It is taken out of them. */
bool cli_flag(int *argc, char **argv, const char *word);
/* A whole number from 0 to max; -1 after an error line. */
long cli_number(struct cli *c, const char *verb, const char *text, long max);
/* MiB, or with k, m, g, t behind the number that unit: KiB; -1 after an error line. */
int64_t cli_memory_kib(struct cli *c, const char *verb, const char *text);

/* JSON strings are printed with their quotes. */
void cli_json_string(struct cli *c, const char *text);

/* A domain by name or number, alive or not ours: its number; -1 after an error line. */
long cli_domid(struct cli *c, const char *verb, const char *name);

int cmd_console(struct cli *c, int argc, char **argv);
int cmd_create(struct cli *c, int argc, char **argv);
int cmd_destroy(struct cli *c, int argc, char **argv);
int cmd_dmesg(struct cli *c, int argc, char **argv);
int cmd_domid(struct cli *c, int argc, char **argv);
int cmd_domname(struct cli *c, int argc, char **argv);
int cmd_help(struct cli *c, int argc, char **argv);
int cmd_info(struct cli *c, int argc, char **argv);
int cmd_list(struct cli *c, int argc, char **argv);
int cmd_debug_keys(struct cli *c, int argc, char **argv);
int cmd_mem_max(struct cli *c, int argc, char **argv);
int cmd_pause(struct cli *c, int argc, char **argv);
int cmd_reboot(struct cli *c, int argc, char **argv);
int cmd_rename(struct cli *c, int argc, char **argv);
int cmd_sched_credit2(struct cli *c, int argc, char **argv);
int cmd_shutdown(struct cli *c, int argc, char **argv);
int cmd_stat(struct cli *c, int argc, char **argv);
int cmd_trace(struct cli *c, int argc, char **argv);
int cmd_trigger(struct cli *c, int argc, char **argv);
int cmd_unpause(struct cli *c, int argc, char **argv);
int cmd_vcpu_list(struct cli *c, int argc, char **argv);
int cmd_vcpu_pin(struct cli *c, int argc, char **argv);
int cmd_vm_list(struct cli *c, int argc, char **argv);
int cmd_version(struct cli *c, int argc, char **argv);

#endif
