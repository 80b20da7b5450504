/* SPDX-License-Identifier: MIT */
/*
 * Command lines: words with quotes, ';' and '&&' between commands, "xeno" in front of a verb or not, and the commands that
 * scripts need besides: sleep SECONDS, echo WORDS, repeat N 'COMMAND LINE' (stops at the first that fails), time 'COMMAND LINE',
 * faults 'COMMAND LINE' 'UNDO' (the first once for each of its operations, which fails; the second where it ended well even so).
 */
#include <stdlib.h>
#include <string.h>

#include "bootdom.h"
#include "libxeno/fault.h"
#include "pvk/clock.h"
#include "pvk/thread.h"

#define MAX_WORDS 32

static int run_faults(struct cli *c, const char *command, const char *undo)
{
    long nr_operations = -1;
    int status = 0;

    for (long nth = 1; nr_operations < 0; nth++) {
        fault_set(bootdom_transport(), nth, NULL);
        status = shell_run(c, command);
        nr_operations = fault_not_struck();
        fault_set(bootdom_transport(), 0, NULL);
        if (status == 0) {
            status = shell_run(c, undo);
        }
    }
    cli_print(c, "faults: %ld operations failed, one at a time\n", nr_operations);
    return status;
}

static int run_words(struct cli *c, int argc, char **argv)
{
    if (argc && strcmp(argv[0], "xeno") == 0) {
        argv++;
        argc--;
    }
    if (argc && strcmp(argv[0], "sleep") == 0) {
        thread_sleep_ns(argc > 1 ? strtoul(argv[1], NULL, 10) * NS_PER_S : 0);
        return 0;
    }
    if (argc && strcmp(argv[0], "echo") == 0) {
        for (int i = 1; i < argc; i++) {
            cli_print(c, "%s%s", i > 1 ? " " : "", argv[i]);
        }
        cli_print(c, "\n");
        return 0;
    }
    if (argc == 3 && strcmp(argv[0], "repeat") == 0) {
        int status = 0;

        for (unsigned long n = strtoul(argv[1], NULL, 10); n && status == 0; n--) {
            status = shell_run(c, argv[2]); /* nesting is bounded by the quotes of one line */
        }
        return status;
    }
    if (argc == 3 && strcmp(argv[0], "faults") == 0) {
        return run_faults(c, argv[1], argv[2]);
    }
    if (argc == 2 && strcmp(argv[0], "time") == 0) {
        uint64_t start = clock_ns();
        int status = shell_run(c, argv[1]);

        cli_print(c, "TIME %lu ns, from %lu ns on\n", clock_ns() - start, start);
        return status;
    }
    return cli_run(c, argc, argv);
}

enum separator {
    SEP_NONE,
    SEP_ALWAYS,
    SEP_AND,
    SEP_END
};

/* A command line being taken apart; words are copied out, because taking quotes off makes room for no terminator. */
struct scanner {
    const char *p;
    char *words; /* where the next word goes: as long as the line and a terminator a word */
};

static bool ends_word(const char *p)
{
    return *p == ' ' || *p == '\t' || *p == ';' || *p == '\n' || (p[0] == '&' && p[1] == '&');
}

static void copy_word(struct scanner *s)
{
    char quote = 0;

    for (; *s->p && (quote || !ends_word(s->p)); s->p++) {
        if (*s->p == quote) {
            quote = 0;
        } else if (!quote && (*s->p == '"' || *s->p == '\'')) {
            quote = *s->p;
        } else {
            *s->words++ = *s->p;
        }
    }
    *s->words++ = '\0';
}

/* The next word, or the separator that stands there instead. */
static enum separator next_word(struct scanner *s, char **out)
{
    while (*s->p == ' ' || *s->p == '\t') {
        s->p++;
    }
    if (*s->p == '\0') {
        return SEP_END;
    }
    if (*s->p == ';' || *s->p == '\n') {
        s->p++;
        return SEP_ALWAYS;
    }
    if (s->p[0] == '&' && s->p[1] == '&') {
        s->p += 2;
        return SEP_AND;
    }
    *out = s->words;
    copy_word(s);
    return SEP_NONE;
}

int shell_run(struct cli *c, const char *line)
{
    char *room = malloc(2 * strlen(line) + 2);
    struct scanner s = {.p = line, .words = room};
    char *words[MAX_WORDS + 1];
    enum separator sep = SEP_NONE;
    bool run = true;
    int status = 0, n = 0;

    if (!room) {
        return cli_error(c, "shell", "out of memory");
    }
    while (sep != SEP_END) {
        if (n == MAX_WORDS) {
            status = cli_error(c, "shell", "more than %d words in one command", MAX_WORDS);
            break;
        }
        sep = next_word(&s, &words[n]);
        if (sep == SEP_NONE) {
            n++;
            continue;
        }
        words[n] = NULL;
        if (run && n) {
            status = run_words(c, n, words);
        }
        run = sep != SEP_AND || status == 0;
        n = 0;
    }
    free(room);
    return status;
}
