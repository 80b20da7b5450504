/* SPDX-License-Identifier: MIT */
/*
 * A scanner over the text and a recursive value parser of bounded depth. The text is hostile: nothing is read at or
 * behind `end`, and every allocation is freed by cfg_free() whatever happened.
 */
#include "libxeno/cfg/cfg.h"

#include <stdlib.h>

#include "common/format.h"
#include "common/string.h"

struct parser {
    const char *p, *end;
    const char *where;
    unsigned int line;
    char *err;
    size_t err_size;
};

static int fail(struct parser *s, const char *what)
{
    format(s->err, s->err_size, "%s:%u: %s", s->where, s->line, what);
    return -1;
}

static char *copy_text(const char *s, size_t n)
{
    char *t = malloc(n + 1);

    if (t) {
        memcpy(t, s, n);
        t[n] = '\0';
    }
    return t;
}

static void value_free(struct cfg_value *v)
{
    while (v) {
        struct cfg_value *next = v->next;

        value_free(v->items); /* bounded: no list is nested deeper than CFG_MAX_DEPTH */
        free(v->text);
        free(v);
        v = next;
    }
}

void cfg_free(struct cfg *c)
{
    while (c->pairs) {
        struct cfg_pair *next = c->pairs->next;

        value_free(c->pairs->value);
        free(c->pairs->key);
        free(c->pairs);
        c->pairs = next;
    }
}

/* Blanks, comments, and newlines where they mean nothing. */
static void skip(struct parser *s, bool newlines)
{
    while (s->p < s->end) {
        if (*s->p == '#') {
            while (s->p < s->end && *s->p != '\n') {
                s->p++;
            }
        } else if (*s->p == ' ' || *s->p == '\t' || *s->p == '\r' || (newlines && *s->p == '\n')) {
            s->line += *s->p == '\n';
            s->p++;
        } else {
            return;
        }
    }
}

static bool at(const struct parser *s, char c)
{
    return s->p < s->end && *s->p == c;
}

static bool key_char(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (!first && ((c >= '0' && c <= '9') || c == '.' || c == '_'));
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

/* 0x… hexadecimal, 0… octal, else decimal; a leading minus. */
static int parse_number(struct parser *s, struct cfg_value *v)
{
    const char *start = s->p;
    bool negative = at(s, '-');
    int base = 10;
    uint64_t n = 0;

    s->p += negative;
    if (at(s, '0') && s->end - s->p > 1 && (s->p[1] == 'x' || s->p[1] == 'X')) {
        base = 16;
        s->p += 2;
    } else if (at(s, '0')) {
        base = 8;
    }
    if (s->p == s->end || digit_of(*s->p) >= base) {
        return fail(s, "a value is a number, a string in quotes or a list in brackets: put quotes around it");
    }
    for (; s->p < s->end && digit_of(*s->p) < base; s->p++) {
        if (n > ((uint64_t)INT64_MAX - (uint64_t)digit_of(*s->p)) / (uint64_t)base) {
            return fail(s, "the number is too large");
        }
        n = n * (uint64_t)base + (uint64_t)digit_of(*s->p);
    }
    if (base == 8 && s->p < s->end && (*s->p == '8' || *s->p == '9')) {
        return fail(s, "a number that begins with 0 is octal: take the 0 away");
    }
    if (s->p < s->end && (digit_of(*s->p) < 99 || (*s->p >= 'g' && *s->p <= 'z') || (*s->p >= 'G' && *s->p <= 'Z'))) {
        return fail(s, "letters behind a number: give a plain number (memory is in MiB), or put quotes around it");
    }
    v->type = CFG_NUMBER;
    v->number = negative ? -(int64_t)n : (int64_t)n;
    v->text = copy_text(start, (size_t)(s->p - start));
    return v->text ? 0 : fail(s, "out of memory");
}

static int escape(struct parser *s, char *out)
{
    static const char from[] = "abfnrtv\\'\"", to[] = "\a\b\f\n\r\t\v\\'\"";
    const char *f = strchr(from, *s->p);

    if (*s->p && f) {
        *out = to[f - from];
        return 0;
    }
    return fail(s, "unknown \\ escape in a string: write \\\\ for a backslash");
}

/* No more than the string has, escapes counted double: a file of many short strings takes no more memory than its own. */
static size_t string_bytes(const struct parser *s, char quote)
{
    const char *p = s->p;

    while (p < s->end && *p != quote && *p != '\n') {
        p += *p == '\\' && s->end - p > 1 ? 2 : 1;
    }
    return (size_t)(p - s->p);
}

static int parse_string(struct parser *s, struct cfg_value *v)
{
    char quote = *s->p++;
    size_t n = 0;

    v->type = CFG_STRING;
    v->text = malloc(string_bytes(s, quote) + 1);
    if (!v->text) {
        return fail(s, "out of memory");
    }
    for (; s->p < s->end && *s->p != quote; s->p++) {
        char c = *s->p;

        if (c == '\n' || c == '\0') {
            return fail(s, c ? "a string does not end on its line: close the quote" : "a NUL byte in a string");
        }
        if (c == '\\') {
            s->p++;
            if (s->p == s->end || escape(s, &c)) {
                return s->p == s->end ? fail(s, "a string is not closed: add the quote") : -1;
            }
        }
        v->text[n++] = c;
    }
    v->text[n] = '\0';
    if (s->p == s->end) {
        return fail(s, "a string is not closed: add the quote");
    }
    s->p++;
    return 0;
}

static int parse_value(struct parser *s, struct cfg_value **out, int depth);

static int parse_list(struct parser *s, struct cfg_value *v, int depth)
{
    struct cfg_value **tail = &v->items;

    v->type = CFG_LIST;
    if (depth == CFG_MAX_DEPTH) {
        return fail(s, "lists are nested too deeply");
    }
    s->p++;
    for (skip(s, true); !at(s, ']'); skip(s, true)) {
        if (s->p == s->end) {
            return fail(s, "a list is not closed: add ]");
        }
        if (parse_value(s, tail, depth + 1)) {
            return -1;
        }
        tail = &(*tail)->next;
        skip(s, true);
        if (at(s, ',')) {
            s->p++;
        } else if (!at(s, ']')) {
            return fail(s, s->p == s->end ? "a list is not closed: add ]" : "expected , or ] in a list");
        }
    }
    s->p++;
    return 0;
}

static int parse_value(struct parser *s, struct cfg_value **out, int depth)
{
    struct cfg_value *v = calloc(1, sizeof(*v));

    if (!v) {
        return fail(s, "out of memory");
    }
    *out = v; /* owned by the pair from here on, complete or not */
    if (at(s, '"') || at(s, '\'')) {
        return parse_string(s, v);
    }
    if (at(s, '[')) {
        return parse_list(s, v, depth);
    }
    return parse_number(s, v);
}

static int append(struct parser *s, struct cfg_pair *to, struct cfg_pair *from)
{
    struct cfg_value *a = to->value, *b = from->value;
    struct cfg_value **tail;
    char *text;

    if (a->type != b->type || a->type == CFG_NUMBER) {
        return fail(s, "+= needs two strings or two lists");
    }
    if (a->type == CFG_STRING) {
        text = malloc(strlen(a->text) + strlen(b->text) + 1);
        if (!text) {
            return fail(s, "out of memory");
        }
        memcpy(text, a->text, strlen(a->text));
        memcpy(text + strlen(a->text), b->text, strlen(b->text) + 1);
        free(a->text);
        a->text = text;
        return 0;
    }
    for (tail = &a->items; *tail; tail = &(*tail)->next) {
    }
    *tail = b->items;
    b->items = NULL;
    return 0;
}

static struct cfg_pair *lookup(const struct cfg *c, const char *key)
{
    struct cfg_pair *p = c->pairs;

    while (p && strcmp(p->key, key) != 0) {
        p = p->next;
    }
    return p;
}

static void pair_free(struct cfg_pair *p)
{
    value_free(p->value);
    free(p->key);
    free(p);
}

/* Takes the new pair over in any case. */
static int store(struct parser *s, struct cfg *c, struct cfg_pair *new, bool add)
{
    struct cfg_pair *old = lookup(c, new->key), **tail;
    struct cfg_value *v;
    int rc = 0;

    if (old && add) {
        rc = append(s, old, new);
        pair_free(new);
        return rc;
    }
    if (old) {
        v = old->value;
        old->value = new->value;
        old->line = new->line;
        new->value = v;
        pair_free(new);
        return 0;
    }
    for (tail = &c->pairs; *tail; tail = &(*tail)->next) {
    }
    *tail = new;
    return 0;
}

static int parse_pair(struct parser *s, struct cfg *c)
{
    struct cfg_pair *pair;
    const char *key = s->p;
    bool add;

    if (!key_char(*s->p, true)) {
        return fail(s, "expected KEY=VALUE; Python configuration files are not read, only the xl.cfg format");
    }
    while (s->p < s->end && key_char(*s->p, false)) {
        s->p++;
    }
    pair = calloc(1, sizeof(*pair));
    if (!pair) {
        return fail(s, "out of memory");
    }
    pair->key = copy_text(key, (size_t)(s->p - key));
    pair->line = s->line;
    skip(s, false);
    add = at(s, '+');
    s->p += add;
    if (!pair->key || !at(s, '=')) {
        bool named = pair->key != NULL;

        pair_free(pair);
        return fail(s, !named ? "out of memory" : "expected = behind a key; Python configuration files are not read, only the xl.cfg format");
    }
    s->p++;
    skip(s, false);
    if (parse_value(s, &pair->value, 0)) {
        pair_free(pair);
        return -1;
    }
    return store(s, c, pair, add);
}

int cfg_parse_more(struct cfg *c, const char *where, const char *text, size_t size, char *err, size_t err_size)
{
    struct parser s = {.p = text, .end = text + size, .where = where, .line = 1, .err = err, .err_size = err_size};

    if (size > CFG_MAX_BYTES) {
        return fail(&s, "the file is larger than 64 KiB: this is no configuration");
    }
    for (skip(&s, true); s.p < s.end; skip(&s, true)) {
        if (at(&s, ';')) {
            s.p++;
            continue;
        }
        if (parse_pair(&s, c)) {
            return -1;
        }
        skip(&s, false);
        if (s.p < s.end && *s.p != '\n' && *s.p != ';') {
            return fail(&s, "something follows a value: one KEY=VALUE a line, or ; between them");
        }
    }
    return 0;
}

int cfg_parse(struct cfg *c, const char *file, const char *text, size_t size, char *err, size_t err_size)
{
    c->file = file;
    c->pairs = NULL;
    if (cfg_parse_more(c, file, text, size, err, err_size)) {
        cfg_free(c);
        return -1;
    }
    return 0;
}

struct cfg_pair *cfg_find(struct cfg *c, const char *key)
{
    struct cfg_pair *p = lookup(c, key);

    if (p) {
        p->used = true;
    }
    return p;
}
