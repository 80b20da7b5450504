/* SPDX-License-Identifier: MIT */
/*
 * The xl.cfg grammar: KEY=VALUE pairs separated by newlines or ';', '#' comments, strings in ' or ", numbers, nested
 * lists, += on strings and lists. Hostile input: bounded, no recursion deeper than CFG_MAX_DEPTH, every error one line.
 */
#ifndef LIBXENO_CFG_CFG_H
#define LIBXENO_CFG_CFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CFG_MAX_DEPTH 4
#define CFG_MAX_BYTES 65536u

enum cfg_type { CFG_NUMBER, CFG_STRING, CFG_LIST };

struct cfg_value {
    enum cfg_type type;
    int64_t number;          /* CFG_NUMBER */
    char *text;              /* CFG_STRING, and the source text of a number */
    struct cfg_value *items; /* CFG_LIST: chained by next */
    struct cfg_value *next;
};

struct cfg_pair {
    char *key;
    struct cfg_value *value;
    unsigned int line;
    bool used;               /* some reader asked for it */
    struct cfg_pair *next;
};

struct cfg {
    const char *file;        /* for messages */
    struct cfg_pair *pairs;  /* in the order of the file; a later pair of the same key replaces the earlier */
};

/* Parse; 0, or -1 with one line "FILE:LINE: what, what to do" in err. The text need not be terminated. */
int cfg_parse(struct cfg *c, const char *file, const char *text, size_t size, char *err, size_t err_size);
/* Parse more pairs (key=value from a command line) over what is there. */
int cfg_parse_more(struct cfg *c, const char *where, const char *text, size_t size, char *err, size_t err_size);
void cfg_free(struct cfg *c);

/* The pair of a key, marked as used; NULL if it is not there. */
struct cfg_pair *cfg_find(struct cfg *c, const char *key);

#endif
