/* SPDX-License-Identifier: MIT */
/*
 * A line editor: arrows, history, Ctrl-A E K U W C D L, Tab completes verbs and domain names. The line on the screen is redrawn
 * whole after each change, which needs two escape sequences and no terminal description.
 */
#include <string.h>

#include "bootdom.h"
#include "common/format.h"

#define LINE_MAX 512u
#define HISTORY  32u
#define CTRL(c)  ((c)&0x1f)

struct editor {
    struct cli *c;
    const char *prompt;
    char text[LINE_MAX];
    size_t len, pos;
    unsigned int back; /* how far into the history, 0: the new line */
    char saved[LINE_MAX];
    enum {
        PLAIN,
        ESCAPE,
        BRACKET
    } state;
};

static char history[HISTORY][LINE_MAX];
static unsigned int history_nr; /* lines ever added */

static void emit(struct editor *e, const char *s, size_t n)
{
    e->c->io->out(e->c->io->ctx, s, n);
}

static void redraw(struct editor *e)
{
    char tail[32];
    int n;

    emit(e, "\r", 1);
    emit(e, e->prompt, strlen(e->prompt));
    emit(e, e->text, e->len);
    n = format(tail, sizeof(tail), "\033[K\r\033[%uC", (unsigned int)(strlen(e->prompt) + e->pos));
    emit(e, tail, (size_t)n);
}

static void replace(struct editor *e, const char *line)
{
    e->len = strlen(line);
    memcpy(e->text, line, e->len);
    e->pos = e->len;
}

static void erase(struct editor *e, size_t from, size_t to)
{
    memmove(e->text + from, e->text + to, e->len - to);
    e->len -= to - from;
    e->pos = from;
}

static void insert(struct editor *e, const char *s, size_t n)
{
    if (e->len + n < LINE_MAX) {
        memmove(e->text + e->pos + n, e->text + e->pos, e->len - e->pos);
        memcpy(e->text + e->pos, s, n);
        e->len += n;
        e->pos += n;
    }
}

static void walk_history(struct editor *e, int step)
{
    unsigned int kept = history_nr < HISTORY ? history_nr : HISTORY;
    unsigned int to = e->back + (unsigned int)step;

    if (to > kept) {
        return; /* also when step is -1 at 0: it wraps to a large number */
    }
    e->text[e->len] = '\0';
    if (e->back == 0) {
        memcpy(e->saved, e->text, e->len + 1);
    }
    e->back = to;
    replace(e, to ? history[(history_nr - to) % HISTORY] : e->saved);
}

static void history_add(const char *line)
{
    if (*line && (history_nr == 0 || strcmp(history[(history_nr - 1) % HISTORY], line) != 0)) {
        memcpy(history[history_nr % HISTORY], line, strlen(line) + 1);
        history_nr++;
    }
}

/* What a word may become: verbs for the first one, domain names for the others. The nth candidate, NULL at the end. */
static const char *candidate(const struct editor *e, bool first, unsigned int n)
{
    if (first) {
        return verbs[n].name;
    }
    for (const struct managed *d = e->c->m->list; d; d = d->next) {
        if (d->domid != DOMID_NONE && n-- == 0) {
            return d->name;
        }
    }
    return NULL;
}

static void complete(struct editor *e)
{
    size_t start = e->pos, common = 0;
    const char *found = NULL, *c;
    unsigned int matches = 0;

    while (start > 0 && e->text[start - 1] != ' ') {
        start--;
    }
    for (unsigned int i = 0; (c = candidate(e, start == 0, i)) != NULL; i++) {
        if (strncmp(c, e->text + start, e->pos - start) != 0) {
            continue;
        }
        if (!found) {
            found = c;
            common = strlen(c);
        }
        while (strncmp(found, c, common) != 0) {
            common--;
        }
        matches++;
    }
    if (found) {
        size_t typed = e->pos - start;

        insert(e, found + typed, common - typed);
        if (matches == 1) {
            insert(e, " ", 1);
        }
    }
}

static void erase_word(struct editor *e)
{
    size_t from = e->pos;

    while (from > 0 && e->text[from - 1] == ' ') {
        from--;
    }
    while (from > 0 && e->text[from - 1] != ' ') {
        from--;
    }
    erase(e, from, e->pos);
}

static void escape_key(struct editor *e, char key)
{
    switch (key) {
    case 'A':
        walk_history(e, 1);
        break;
    case 'B':
        walk_history(e, -1);
        break;
    case 'C':
        e->pos += e->pos < e->len;
        break;
    case 'D':
        e->pos -= e->pos > 0;
        break;
    case 'H':
        e->pos = 0;
        break;
    case 'F':
        e->pos = e->len;
        break;
    default:
        break;
    }
}

static void control_key(struct editor *e, char key)
{
    switch (key) {
    case CTRL('A'):
        e->pos = 0;
        break;
    case CTRL('E'):
        e->pos = e->len;
        break;
    case CTRL('K'):
        e->len = e->pos;
        break;
    case CTRL('U'):
        erase(e, 0, e->pos);
        break;
    case CTRL('W'):
        erase_word(e);
        break;
    case CTRL('L'):
        emit(e, "\033[2J\033[H", 7);
        break;
    case '\t':
        complete(e);
        break;
    case CTRL('C'):
        e->len = e->pos = 0;
        break;
    case '\b':
    case 0x7f:
        if (e->pos) {
            erase(e, e->pos - 1, e->pos);
        }
        break;
    default:
        break;
    }
}

/* True when the line is complete. */
static bool key(struct editor *e, char k)
{
    if (e->state == ESCAPE) {
        e->state = k == '[' || k == 'O' ? BRACKET : PLAIN;
        return false;
    }
    if (e->state == BRACKET) {
        if (k >= '@' && k <= '~') { /* digits and ';' before the final letter are parameters */
            e->state = PLAIN;
            escape_key(e, k);
        }
        return false;
    }
    if (k == 0x1b) {
        e->state = ESCAPE;
    } else if (k == '\r' || k == '\n') {
        return true;
    } else if ((unsigned char)k < ' ' || k == 0x7f) {
        control_key(e, k);
    } else {
        insert(e, &k, 1);
    }
    return false;
}

bool line_read(struct cli *c, const char *prompt, char *line, size_t size)
{
    static struct editor e;

    memset(&e, 0, sizeof(e));
    e.c = c;
    e.prompt = prompt;
    redraw(&e);
    for (;;) {
        char buf[1]; /* one at a time: what is typed ahead stays for the next line */
        long n = c->io->wait_input(c->io->ctx, buf, sizeof(buf));

        if (n < 0) {
            return false;
        }
        if (n && key(&e, buf[0])) {
            break;
        }
        redraw(&e);
    }
    e.text[e.len] = '\0';
    emit(&e, "\r\n", 2);
    history_add(e.text);
    format(line, size, "%s", e.text);
    return true;
}
