/* SPDX-License-Identifier: MIT */
/*
 * The screen, see view.h, by ncurses. All that is drawn is computed anew from the table and the screen's size, so that a resize or a domain
 * that goes needs no code of its own. Columns that have no room are left out from the right.
 */
#include "xeno-top/view.h"

#include <curses.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HEAD_LINES 2 /* summary and titles; the last line of the screen is for keys */
#define TEXT_MAX   32
#define MOST_MS    1000000u

enum {
    COLOUR_BUSY = 1,
    COLOUR_ENDED,
    COLOUR_PAUSED
};

/* ---- columns ---- */

static void name(const struct top_row *r, uint64_t total, char *text)
{
    (void)total;
    snprintf(text, TEXT_MAX, "%.20s", r->name);
}

static void id(const struct top_row *r, uint64_t total, char *text)
{
    (void)total;
    snprintf(text, TEXT_MAX, "%u", r->domid);
}

static void state(const struct top_row *r, uint64_t total, char *text)
{
    (void)total;
    snprintf(text, TEXT_MAX, "%s", r->state);
}

static void seconds(const struct top_row *r, uint64_t total, char *text)
{
    (void)total;
    snprintf(text, TEXT_MAX, "%lu", r->cpu_ns / 1000000000);
}

static void tenths(char *text, uint64_t permille)
{
    snprintf(text, TEXT_MAX, "%lu.%lu", permille / 10, permille % 10);
}

static void share(const struct top_row *r, uint64_t total, char *text)
{
    (void)total;
    tenths(text, r->cpu_permille);
}

static void mib(const struct top_row *r, uint64_t total, char *text)
{
    (void)total;
    snprintf(text, TEXT_MAX, "%lu", r->kib / 1024);
}

static void memory_share(const struct top_row *r, uint64_t total, char *text)
{
    tenths(text, r->kib * 1000 / total);
}

static void vcpus(const struct top_row *r, uint64_t total, char *text)
{
    (void)total;
    snprintf(text, TEXT_MAX, "%u", r->vcpus);
}

static void bytes(char *text, uint32_t devices, uint64_t n)
{
    static const char units[] = "BKMGT";
    unsigned int u = 0;

    while (n >= 10000 && u + 2 < sizeof(units)) {
        n /= 1024;
        u++;
    }
    snprintf(text, TEXT_MAX, devices ? "%lu%c" : "-", n, units[u]);
}

static void sent(const struct top_row *r, uint64_t total, char *text)
{
    (void)total;
    bytes(text, r->io.nets, r->io.sent);
}

static void received(const struct top_row *r, uint64_t total, char *text)
{
    (void)total;
    bytes(text, r->io.nets, r->io.received);
}

static void read_from_disk(const struct top_row *r, uint64_t total, char *text)
{
    (void)total;
    bytes(text, r->io.vbds, r->io.disk.sectors_read * 512);
}

static void written_to_disk(const struct top_row *r, uint64_t total, char *text)
{
    (void)total;
    bytes(text, r->io.vbds, r->io.disk.sectors_written * 512);
}

static const struct {
    const char *title;
    int width; /* negative: to the left */
    void (*text)(const struct top_row *r, uint64_t total_kib, char *text);
} columns[] = {
    {"NAME", -20, name},         {"ID", 5, id},
    {"STATE", 6, state},         {"CPU(s)", 8, seconds},
    {"CPU%", 6, share},          {"MiB", 7, mib},
    {"MEM%", 5, memory_share},   {"VCPUS", 5, vcpus},
    {"SENT", 6, sent},           {"RECVD", 6, received},
    {"READ", 6, read_from_disk}, {"WRITTEN", 7, written_to_disk},
};

#define NR_COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* Titles (r NULL) or a row, as much of it as has room. */
static void draw_line(int y, const struct top_row *r, uint64_t total_kib)
{
    int x = 0;

    for (size_t i = 0; i < NR_COLUMNS; i++) {
        char text[TEXT_MAX];
        int width = abs(columns[i].width);

        if (i && x + width > COLS) {
            break;
        }
        if (r) {
            columns[i].text(r, total_kib, text);
        } else {
            snprintf(text, sizeof(text), "%s", columns[i].title);
        }
        mvaddnstr(y, x, "", 0);
        printw("%*.*s", columns[i].width, width, text);
        x += width + 1;
    }
}

static int attribute(const struct top_row *r)
{
    int colour = strchr(r->state, 'c') || strchr(r->state, 'd') ? COLOUR_ENDED
                 : strchr(r->state, 'p')                        ? COLOUR_PAUSED
                 : r->cpu_permille >= 900                       ? COLOUR_BUSY
                                                                : 0;

    return colour ? COLOR_PAIR(colour) : A_NORMAL;
}

/* ---- the screen ---- */

struct screen {
    struct view *v;
    uint32_t first; /* row on top */
    bool asks;      /* for a delay */
    char answer[12];
};

static uint32_t rows_shown(void)
{
    return LINES > HEAD_LINES + 1 ? (uint32_t)(LINES - HEAD_LINES - 1) : 0;
}

static void draw(struct screen *s)
{
    struct top *t = &s->v->table;
    uint32_t room = rows_shown();

    s->first = t->nr > room && s->first > t->nr - room ? t->nr - room : s->first;
    s->first = t->nr <= room ? 0 : s->first;
    erase();
    mvprintw(0, 0, "%.*s", COLS, "");
    printw("xeno top: %u domains, %lu of %lu MiB free, %u CPUs, by %s", t->nr, t->free_kib / 1024,
           t->total_kib / 1024, t->cpus, top_order_text(t->order));
    attron(A_REVERSE);
    mvhline(1, 0, ' ', COLS);
    draw_line(1, NULL, 0);
    attroff(A_REVERSE);
    for (uint32_t i = 0; i < room && s->first + i < t->nr; i++) {
        const struct top_row *r = &t->rows[s->first + i];

        attrset((attr_t)attribute(r));
        draw_line((int)i + HEAD_LINES, r, t->total_kib);
        attrset(A_NORMAL);
    }
    if (LINES > HEAD_LINES) {
        move(LINES - 1, 0);
        if (s->asks) {
            printw("seconds between two tables (%.1f): %s", s->v->delay_ms / 1000.0, s->answer);
        } else {
            addnstr("q ends  s, S order  d delay  arrows, pages move", COLS - 1);
        }
        clrtoeol();
    }
    refresh();
}

/* ---- keys ---- */

static void answer_key(struct screen *s, int key)
{
    size_t n = strlen(s->answer);
    double seconds;
    char *end;

    if (key == '\n' || key == KEY_ENTER) {
        seconds = strtod(s->answer, &end);
        if (end != s->answer && !*end && seconds >= 0.1 && seconds * 1000 <= MOST_MS) {
            s->v->delay_ms = (unsigned int)(seconds * 1000);
        }
        s->asks = false;
    } else if (key == 27) {
        s->asks = false;
    } else if ((key == KEY_BACKSPACE || key == 127 || key == '\b') && n) {
        s->answer[n - 1] = '\0';
    } else if (((key >= '0' && key <= '9') || key == '.') && n + 1 < sizeof(s->answer)) {
        s->answer[n] = (char)key;
        s->answer[n + 1] = '\0';
    }
}

static void scroll_by(struct screen *s, long lines)
{
    long first = (long)s->first + lines;

    s->first = first < 0 ? 0 : (uint32_t)first; /* draw() knows the other end */
}

static void sort_by(struct screen *s, int step)
{
    struct top *t = &s->v->table;

    t->order = (enum top_order)(((int)t->order + NR_TOP_ORDERS + step) % NR_TOP_ORDERS);
    s->first = 0;
    top_sort(t);
}

/* False when it is the last. */
static bool take_key(struct screen *s, int key)
{
    if (s->asks) {
        answer_key(s, key);
        return true;
    }
    switch (key) {
    case 'q':
    case 'Q':
    case 3: /* Ctrl-C, where it is no signal */
        return false;
    case 's':
        sort_by(s, 1);
        break;
    case 'S':
        sort_by(s, -1);
        break;
    case 'd':
    case 'D':
        s->asks = true;
        s->answer[0] = '\0';
        break;
    case KEY_DOWN:
        scroll_by(s, 1);
        break;
    case KEY_UP:
        scroll_by(s, -1);
        break;
    case KEY_NPAGE:
        scroll_by(s, (long)rows_shown());
        break;
    case KEY_PPAGE:
        scroll_by(s, -(long)rows_shown());
        break;
    default: /* among them KEY_RESIZE: all is drawn anew anyhow */
        break;
    }
    return true;
}

/* ---- from beginning to end ---- */

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Keys until it is time for the next table: false when one ends it. */
static bool wait_for_keys(struct screen *s)
{
    uint64_t begin = now_ms(), now;

    while ((now = now_ms()) < begin + s->v->delay_ms) {
        int key;

        timeout((int)(begin + s->v->delay_ms - now));
        key = getch();
        if (key != ERR && !take_key(s, key)) {
            return false;
        }
        if (key != ERR) {
            draw(s);
        }
    }
    return true;
}

static void colours(void)
{
    const char *none = getenv("NO_COLOR");

    if ((!none || !*none) && has_colors()) {
        start_color();
        use_default_colors();
        init_pair(COLOUR_BUSY, COLOR_GREEN, -1);
        init_pair(COLOUR_ENDED, COLOR_RED, -1);
        init_pair(COLOUR_PAUSED, COLOR_YELLOW, -1);
    }
}

int view_run(struct view *v)
{
    struct screen s = {.v = v};
    const char *trouble = NULL;
    SCREEN *terminal;

    setlocale(LC_CTYPE, "");
    terminal = newterm(NULL, stdout, stdin);
    if (!terminal) {
        return VIEW_NO_TERMINAL;
    }
    colours();
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    set_escdelay(25);
    curs_set(0);
    for (long i = 0; v->count == 0 || i < v->count; i++) {
        trouble = v->take(v->ctx, &v->table);
        if (trouble) {
            break;
        }
        top_sort(&v->table);
        draw(&s);
        if (!wait_for_keys(&s)) {
            break;
        }
    }
    endwin();
    delscreen(terminal);
    if (trouble) {
        fprintf(stderr, "xeno top: %s\n", trouble);
    }
    return trouble ? EXIT_FAILURE : EXIT_SUCCESS;
}
