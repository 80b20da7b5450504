/* SPDX-License-Identifier: MIT */
/*
 * xeno as a Linux program: the devices, the terminal, and the verbs. One command, one process; its exit status is the verb's.
 */
#include <errno.h>
#include <signal.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libxeno/fault.h"
#include "libxeno/linux/files.h"
#include "libxeno/linux/models.h"
#include "xeno/linux/doctor.h"

static void write_all(int fd, const char *text, size_t n)
{
    while (n) {
        ssize_t done = write(fd, text, n);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            _exit(EXIT_FAILURE); /* nobody reads any more */
        }
        text += done;
        n -= (size_t)done;
    }
}

/* Output is gathered: a list is one system call. */
static char pending[8192];
static size_t nr_pending;

static void flush(void)
{
    write_all(STDOUT_FILENO, pending, nr_pending);
    nr_pending = 0;
}

static void out(void *ctx, const char *text, size_t n)
{
    (void)ctx;
    if (n > sizeof(pending) - nr_pending) {
        flush();
    }
    if (n > sizeof(pending)) {
        write_all(STDOUT_FILENO, text, n);
        return;
    }
    memcpy(pending + nr_pending, text, n);
    nr_pending += n;
}

static void err(void *ctx, const char *text, size_t n)
{
    (void)ctx;
    flush();
    write_all(STDERR_FILENO, text, n);
}

static long wait_input(void *ctx, char *buf, size_t n)
{
    ssize_t got;

    (void)ctx;
    flush();
    got = read(STDIN_FILENO, buf, n);
    return got > 0 ? got : got < 0 && errno == EINTR ? 0 : -1;
}

struct registry *place;

void place_flush(void)
{
    flush();
}

static const struct xeno_io io = {.out = out, .err = err, .wait_input = wait_input};

static void say(void *ctx, const char *line)
{
    (void)ctx;
    err(NULL, "xeno: ", 6);
    err(NULL, line, strlen(line));
    err(NULL, "\n", 1);
}

static bool is_xl(const struct cli *c)
{
    return strcmp(c->name, "xl") == 0;
}

/* A link of the name xl is for scripts that were written for it: they look for its words and its two statuses, and for no more. */
static void called_as(struct cli *c, const char *path)
{
    const char *slash = strrchr(path, '/');

    c->name = slash ? slash + 1 : path;
    c->name = is_xl(c) ? c->name : "xeno";
    c->terminal = !is_xl(c) && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
}

static int end_status(const struct cli *c, int status)
{
    return is_xl(c) && status ? EXIT_FAILURE : status;
}

/* xl's options before the verb: more to read, its lock, time stamps; and nothing to be done. The first one has no meaning here. */
static void before_verb(struct cli *c, int *argc, char ***argv)
{
    while (*argc > 1 && (*argv)[1][0] == '-' && (*argv)[1][1] &&
           strspn((*argv)[1] + 1, "vftTN") == strlen((*argv)[1] + 1)) {
        c->dry_run = c->dry_run || strchr((*argv)[1], 'N');
        (*argc)--;
        (*argv)++;
    }
}

static void die(void)
{
    raise(SIGKILL);
}

/* N, or kill:N. */
static void set_fault(struct xeno_transport *t, const char *text)
{
    bool kill = text && strncmp(text, "kill:", 5) == 0;

    fault_set(t, text ? strtol(kill ? text + 5 : text, NULL, 10) : 0, kill ? die : NULL);
}

int main(int argc, char **argv)
{
    static struct xeno_linux linux_transport;
    static struct manager manager;
    static struct registry registry;
    struct cli cli = {.m = &manager,
                      .io = &io,
                      .more = linux_verbs,
                      .wait_running = place_wait_running,
                      .wait_end = place_wait_end,
                      .trouble = place_trouble};
    struct xeno_error error;
    int status;

    called_as(&cli, argv[0]);
    before_verb(&cli, &argc, &argv);
    if (argc < 2 || !strcmp(argv[1], "help") || !strcmp(argv[1], "--help")) {
        status = cmd_help(&cli, argc - 1, argv + 1); /* needs no hypervisor */
        flush();
        return argc < 2 ? EXIT_FAILURE : end_status(&cli, status);
    }
    if (strcmp(argv[1], "kernel-cache") == 0) { /* nor does this */
        status = cli_run(&cli, argc - 1, argv + 1);
        flush();
        return end_status(&cli, status);
    }
    if (xeno_linux_open(&linux_transport, &error)) {
        if (strcmp(argv[1], "doctor") == 0) {
            status = cmd_doctor(&cli, argc - 1, argv + 1, error.text);
            flush();
            return status;
        }
        return cli_error(&cli, argv[1], "%s", error.text);
    }
    linux_transport.short_lived = true;
    linux_files_init(&linux_transport);
    set_fault(&linux_transport.t, getenv("XENO_FAULT"));
    manager_init(&manager, &linux_transport.t);
    manager.log = say;
    models_init(&manager);
    place = &registry;
    registry_init(&registry, &linux_transport, &manager);
    if (strcmp(argv[1], "create") != 0) { /* which reads the list with the lock held */
        manager_refresh(&manager);
    }
    status = cli_run(&cli, argc - 1, argv + 1);
    flush();
    registry_close(&registry);
    if (fault_not_struck() >= 0) {
        fprintf(stderr, "xeno: the fault switch has not struck: %ld operations\n",
                fault_not_struck());
    }
    xeno_linux_close(&linux_transport);
    return end_status(&cli, status);
}
