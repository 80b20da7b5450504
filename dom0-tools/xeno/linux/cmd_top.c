/* SPDX-License-Identifier: MIT */
/*
 * xeno top: time and memory of each domain, again and again. -b prints the columns of xentop's batch mode; on a terminal the screen
 * is xeno-top's, or redrawn by plain ANSI sequences where that is not there; q ends it. The first table has no CPU share: there is nothing to compare with.
 */
#include <errno.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "libxeno/linux/top.h"
#include "xeno/linux/place.h"

#define DELAY_S 3
#define PROGRAM "xeno-top"

struct options {
    bool batch, json;
    long count, delay;
};

static void json_row(struct cli *c, const struct top_row *r, bool first)
{
    const struct io_counts *io = &r->io;

    cli_print(c, "%s    {\"name\": ", first ? "" : ",\n");
    cli_json_string(c, r->name);
    cli_print(
        c,
        ", \"domid\": %u, \"state\": \"%s\", \"cpu_ns\": %lu, \"cpu_permille\": %lu, \"memory_kib\": %lu, \"vcpus\": %u, ",
        r->domid, r->state, r->cpu_ns, r->cpu_permille, r->kib, r->vcpus);
    cli_print(
        c,
        "\"nets\": %u, \"sent_bytes\": %lu, \"received_bytes\": %lu, \"vbds\": %u, \"reads\": %lu, \"writes\": %lu, \"sectors_read\": %lu, \"sectors_written\": %lu}",
        io->nets, io->sent, io->received, io->vbds, io->disk.reads, io->disk.writes,
        io->disk.sectors_read, io->disk.sectors_written);
}

static void row(struct cli *c, const struct top_row *r, uint64_t total_kib)
{
    const struct io_counts *io = &r->io;
    char limit[24], percent[16];

    snprintf(limit, sizeof(limit), r->unlimited ? "no limit" : "%lu", r->max_kib);
    snprintf(percent, sizeof(percent), r->unlimited ? "n/a" : "%.1f",
             (double)r->max_kib * 100 / (double)total_kib);
    cli_print(c, "%10.10s %6s %10lu %4lu.%lu %10lu %6lu.%lu %11s %9s %5u %4u %8lu %8lu ", r->name,
              r->state, r->cpu_ns / 1000000000, r->cpu_permille / 10, r->cpu_permille % 10, r->kib,
              r->kib * 1000 / total_kib / 10, r->kib * 1000 / total_kib % 10, limit, percent,
              r->vcpus, io->nets, io->sent / 1024, io->received / 1024);
    cli_print(c, "%4u %8lu %8lu %8lu %10lu %10lu %4u\n", io->vbds, io->disk.starved, io->disk.reads,
              io->disk.writes, io->disk.sectors_read, io->disk.sectors_written, r->ssid);
}

static void table(struct cli *c, const struct top *t, const struct options *o)
{
    if (o->json) {
        cli_print(c, "[\n");
    } else {
        if (!o->batch) {
            cli_print(c, "\033[H\033[2Jxeno top   %u domains, %lu of %lu MiB free   q ends it\n",
                      t->nr, t->free_kib / 1024, t->total_kib / 1024);
        }
        cli_print(
            c,
            "      NAME  STATE   CPU(sec) CPU(%%)     MEM(k) MEM(%%)  MAXMEM(k) MAXMEM(%%) VCPUS NETS NETTX(k) NETRX(k) VBDS   "
            "VBD_OO   VBD_RD   VBD_WR  VBD_RSECT  VBD_WSECT SSID\n");
    }
    for (uint32_t i = 0; i < t->nr; i++) {
        if (o->json) {
            json_row(c, &t->rows[i], i == 0);
        } else {
            row(c, &t->rows[i], t->total_kib);
        }
    }
    if (o->json) {
        cli_print(c, "\n]\n");
    }
    place_flush();
}

/* False when the operator wants no more. */
static bool pause_until_next(const struct options *o)
{
    struct pollfd p = {.fd = o->batch || o->json ? -1 : STDIN_FILENO, .events = POLLIN};
    char key;

    if (poll(&p, 1, (int)o->delay * 1000) <= 0) {
        return true;
    }
    return read(STDIN_FILENO, &key, 1) == 1 && key != 'q' && key != 'Q' && key != 3;
}

static int run(struct cli *c, const struct options *o)
{
    struct top t = {.order = TOP_BY_ID};
    int status = 0;

    for (long i = 0; status == 0 && (o->count == 0 || i < o->count); i++) {
        if (i && !pause_until_next(o)) {
            break;
        }
        status = top_take(&t, c->m);
        if (status == 0) {
            table(c, &t, o);
        }
    }
    top_free(&t);
    return status ? cli_error(c, "top",
                              status == -1 ? "cannot list domains"
                                           : "the control domain is out of memory")
                  : 0;
}

/*
 * On a terminal the program beside this one does it, where it is installed and finds its library: 127 is the loader's, and its own status
 * for a terminal that it does not know. -1: it is to be done here.
 */
static int run_program(const struct options *o)
{
    char path[512], count[24], delay[24];
    char *const words[] = {path, (char *)"-i", count, (char *)"-d", delay, NULL};
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof(PROGRAM));
    char *slash;
    int status;
    pid_t pid;

    path[n > 0 ? n : 0] = '\0';
    slash = strrchr(path, '/');
    strcpy(slash ? slash + 1 : path, PROGRAM);
    snprintf(count, sizeof(count), "%ld", o->count);
    snprintf(delay, sizeof(delay), "%ld", o->delay);
    if (access(path, X_OK) || posix_spawn(&pid, path, NULL, NULL, words, environ)) {
        return -1;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) != 127 ? WEXITSTATUS(status) : -1;
}

static long value(struct cli *c, int *argc, char **argv, const char *option, long def)
{
    for (int i = 1; i + 1 < *argc; i++) {
        if (strcmp(argv[i], option) == 0) {
            long n = cli_number(c, "top", argv[i + 1], 1000000);

            memmove(&argv[i], &argv[i + 2], (size_t)(*argc - i - 1) * sizeof(*argv));
            *argc -= 2;
            return n;
        }
    }
    return def;
}

int cmd_top(struct cli *c, int argc, char **argv)
{
    struct options o = {.json = cli_flag(&argc, argv, "--json")};
    struct termios old, raw;
    bool terminal;
    int status;

    o.batch = cli_flag(&argc, argv, "-b");
    o.count = value(c, &argc, argv, "-i", o.json ? 1 : 0);
    o.delay = value(c, &argc, argv, "-d", DELAY_S);
    if (o.count < 0 || o.delay < 0) {
        return 1;
    }
    if (argc != 1) {
        return cli_usage(c, "top");
    }
    terminal = !o.batch && !o.json && isatty(STDOUT_FILENO) && tcgetattr(STDIN_FILENO, &old) == 0;
    o.batch = o.batch || !terminal;
    if (terminal && (status = run_program(&o)) >= 0) {
        return status;
    }
    if (terminal) {
        raw = old;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    status = run(c, &o);
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSANOW, &old);
    }
    return status;
}
