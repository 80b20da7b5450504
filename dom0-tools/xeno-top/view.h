/* SPDX-License-Identifier: MIT */
/* The screen of xeno-top: draws a table again and again until a key ends it. Where the table comes from is its caller's matter. */
#ifndef XENO_TOP_VIEW_H
#define XENO_TOP_VIEW_H

#include "libxeno/linux/top.h"

#define VIEW_NO_TERMINAL 127 /* the terminal is none that is known: xeno does it by itself then */

struct view {
    struct top table;
    long count;            /* tables until it ends by itself; 0: it does not */
    unsigned int delay_ms; /* between two */
    /* Take the table anew: NULL, or why it cannot be had. */
    const char *(*take)(void *ctx, struct top *t);
    void *ctx;
};

/* The exit status: 0, 1 after a line on the error channel, VIEW_NO_TERMINAL. */
int view_run(struct view *v);

#endif
