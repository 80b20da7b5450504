/* SPDX-License-Identifier: MIT */
/*
 * test-top FILE DELAY_MS: xeno-top's screen with a table out of a file, read anew each time: the machine's memory in KiB, what is free, its
 * CPUs; then a line a domain. Where the file has gone, the table cannot be had.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xeno-top/view.h"

#define MOST 64u

static const char *take(void *ctx, struct top *t)
{
    FILE *f = fopen(ctx, "re");
    struct top_row *rows = calloc(MOST, sizeof(*rows));

    if (!f || !rows || fscanf(f, "%lu %lu %u", &t->total_kib, &t->free_kib, &t->cpus) != 3) {
        free(rows);
        if (f) {
            fclose(f);
        }
        return "there is no table";
    }
    free(t->rows);
    t->rows = rows;
    for (t->nr = 0; t->nr < MOST; t->nr++) {
        struct top_row *r = &rows[t->nr];

        if (fscanf(f, "%u %63s %6s %lu %lu %lu %u %u %lu %lu %u %lu %lu", &r->domid, r->name,
                   r->state, &r->cpu_ns, &r->cpu_permille, &r->kib, &r->vcpus, &r->io.nets,
                   &r->io.sent, &r->io.received, &r->io.vbds, &r->io.disk.sectors_read,
                   &r->io.disk.sectors_written) != 13) {
            break;
        }
    }
    fclose(f);
    return NULL;
}

int main(int argc, char **argv)
{
    struct view v = {.take = take};

    if (argc != 3) {
        return 2;
    }
    v.ctx = argv[1];
    v.delay_ms = (unsigned int)strtoul(argv[2], NULL, 10);
    return view_run(&v);
}
