/* SPDX-License-Identifier: MIT */
/*
 * The table of verbs, unambiguous prefixes, and what verbs share: printing, errors, JSON strings, domain lookup.
 */
#include <stdarg.h>
#include <stdlib.h>

#include "common/compiler.h"
#include "common/format.h"
#include "common/string.h"
#include "xeno/xeno_cli.h"

const struct verb verbs[] = {
    {"console", cmd_console, "[--log] DOMAIN",
     "show a domain's console from its first byte; Ctrl-] leaves it"},
    {"create", cmd_create, "[-p] [-c] [-F] [-q] [-n] [--wait] FILE [KEY=VALUE]…",
     "build and start a domain from an xl.cfg file"},
    {"debug-keys", cmd_debug_keys, "KEYS", "press keys at the hypervisor's console"},
    {"destroy", cmd_destroy, "[-f] DOMAIN…", "end a domain at once"},
    {"dmesg", cmd_dmesg, "[--json] [-c]", "the hypervisor's log; -c empties it"},
    {"domid", cmd_domid, "[--json] NAME", "the number of a domain"},
    {"domname", cmd_domname, "[--json] NUMBER", "the name of a domain"},
    {"help", cmd_help, "[VERB]", "this list, or one verb"},
    {"info", cmd_info, "[--json] [KEY]", "the machine and its hypervisor"},
    {"list", cmd_list, "[-l] [-v] [-n] [-c] [--json] [--ended] [DOMAIN]…", "the domains there are"},
    {"mem-max", cmd_mem_max, "DOMAIN MIB", "how much memory a domain may have"},
    {"pause", cmd_pause, "DOMAIN", "stop a domain's vCPUs"},
    {"reboot", cmd_reboot, "DOMAIN", "ask a domain to start again"},
    {"rename", cmd_rename, "DOMAIN NAME", "give a domain another name"},
    {"sched-credit2", cmd_sched_credit2, "[--json] [-d DOMAIN [-w WEIGHT] [-c CAP]]",
     "shares of the CPUs"},
    {"shutdown", cmd_shutdown, "[-w] DOMAIN", "ask a domain to shut down"},
    {"stat", cmd_stat, "[--json] DOMAIN", "counters of hypercalls, traps and emulations"},
    {"trace", cmd_trace,
     "[--json|--summary] [--marks|--armed] DOMAIN | --on [--marks|--armed] DOMAIN | --off DOMAIN | [--json|--summary] --read",
     "each hypercall, trap, exit and switch of a domain in order"},
    {"trigger", cmd_trigger, "DOMAIN nmi|reset|init|power|sleep [VCPU]",
     "send a domain a signal of the hardware"},
    {"unpause", cmd_unpause, "DOMAIN", "let a paused domain go on"},
    {"vcpu-list", cmd_vcpu_list, "[--json] [DOMAIN]…", "vCPUs, their CPUs and their time"},
    {"vcpu-pin", cmd_vcpu_pin, "DOMAIN VCPU|all CPUS [SOFT-CPUS]",
     "say where vCPUs may run, and where they had better"},
    {"version", cmd_version, "[--json]", "versions of tool and hypervisor"},
    {"vm-list", cmd_vm_list, "[--json]", "domains by their identities"},
    {NULL, NULL, NULL, NULL},
};

void cli_print(struct cli *c, const char *fmt, ...)
{
    char line[1024];
    va_list args;
    int n;

    va_start(args, fmt);
    n = format_v(line, sizeof(line), fmt, args);
    va_end(args);
    c->io->out(c->io->ctx, line, MIN((size_t)n, sizeof(line) - 1));
}

int cli_error(struct cli *c, const char *verb, const char *fmt, ...)
{
    char line[512];
    va_list args;
    int n = format(line, sizeof(line), "%s %s: ", c->name ? c->name : "xeno", verb);

    va_start(args, fmt);
    n += format_v(line + n, sizeof(line) - (size_t)n - 1, fmt, args);
    va_end(args);
    n = MIN(n, (int)sizeof(line) - 2);
    line[n++] = '\n';
    c->io->err(c->io->ctx, line, (size_t)n);
    return 1;
}

static const struct verb *in_table(const struct verb *table, const char *name)
{
    for (const struct verb *v = table; v && v->name; v++) {
        if (strcmp(v->name, name) == 0) {
            return v;
        }
    }
    return NULL;
}

static const struct verb *verb_exact(const struct cli *c, const char *name)
{
    const struct verb *v = in_table(c->more, name);

    return v ? v : in_table(verbs, name);
}

const struct verb *cli_verb(const struct cli *c, unsigned int n)
{
    static const struct verb none = {NULL, NULL, NULL, NULL};
    const struct verb *a = c->more ? c->more : &none, *b = verbs, *v = NULL;

    for (unsigned int i = 0; i <= n; i++) {
        int order = !a->name ? 1 : !b->name ? -1 : strcmp(a->name, b->name);

        if (!a->name && !b->name) {
            return NULL;
        }
        v = order <= 0 ? a : b;
        a += order <= 0;
        b += order >= 0;
    }
    return v;
}

int cli_usage(struct cli *c, const char *verb)
{
    const struct verb *v = verb_exact(c, verb);

    cli_error(c, verb, "usage: %s %s %s", c->name ? c->name : "xeno", v->name, v->usage);
    return 2;
}

/* xl's verbs for what is not here: other kinds of machines, devices, moving domains. Told apart from what is misspelt. */
static const char not_here[] =
    " block-attach block-detach block-list button-press cd-eject cd-insert channel-list claims cpupool-cpu-add "
    "cpupool-cpu-remove cpupool-create cpupool-destroy cpupool-list cpupool-migrate cpupool-numa-split cpupool-rename "
    "devd getenforce loadpolicy migrate migrate-receive network-attach network-detach network-list "
    "pci-assignable-add pci-assignable-list pci-assignable-remove pci-attach pci-detach pci-list psr-cat-cbm-set "
    "psr-cat-show psr-cmt-attach psr-cmt-detach psr-cmt-show psr-hwinfo psr-mba-set psr-mba-show "
    "qemu-monitor-command remus restore resume save sched-credit sched-rtds set-parameters setenforce sharing "
    "suspend usb-list usbctrl-attach usbctrl-detach usbdev-attach usbdev-detach vkb-attach vkb-detach vkb-list "
    "vncviewer vsnd-attach vsnd-detach vsnd-list vtpm-attach vtpm-detach vtpm-list ";

static bool is_not_here(const char *word)
{
    size_t n = strlen(word);

    for (const char *at = not_here; n && (at = strchr(at, ' ')) != NULL; at++) {
        if (strncmp(at + 1, word, n) == 0 && at[1 + n] == ' ') {
            return true;
        }
    }
    return false;
}

/* An exact name wins; else the one verb that begins so. */
static const struct verb *verb_find(struct cli *c, const char *word, int *status)
{
    const struct verb *found = verb_exact(c, word), *v;
    unsigned int matches = 0;

    for (unsigned int i = 0; !found && !is_not_here(word) && (v = cli_verb(c, i)) != NULL; i++) {
        matches += v->help && strncmp(v->name, word, strlen(word)) == 0;
    }
    for (unsigned int i = 0; matches == 1 && !found && (v = cli_verb(c, i)) != NULL; i++) {
        found = v->help && strncmp(v->name, word, strlen(word)) == 0 ? v : NULL;
    }
    if (found) {
        return found;
    }
    cli_error(c, word,
              is_not_here(word) ? "not supported: 'xeno help' lists what is"
              : matches         ? "could mean several verbs: write more of it"
                                : "no such verb: 'xeno help' lists them");
    *status = 1;
    return NULL;
}

#define WORDS_MAX 256

/* "-pc": letters in one word, as xl takes them too. */
static size_t letters_in(const char *word)
{
    size_t n = 0;

    while (word[0] == '-' && ((word[n + 1] >= 'a' && word[n + 1] <= 'z') ||
                              (word[n + 1] >= 'A' && word[n + 1] <= 'Z'))) {
        n++;
    }
    return n > 1 && !word[n + 1] ? n : 0;
}

/* The words with each of such letters in a word of its own; as they are if those would be too many. */
static char **split_words(int *argc, char **argv)
{
    static char letters[WORDS_MAX][3], *words[WORDS_MAX + 1];
    int nr = 0, used = 0;

    for (int i = 0; i < *argc; i++) {
        size_t n = letters_in(argv[i]);

        if (nr + (int)MAX(n, 1u) > WORDS_MAX) {
            return argv;
        }
        for (size_t k = 1; k <= n; k++) {
            words[nr++] = memcpy(letters[used++], (const char[3]){'-', argv[i][k]}, 3);
        }
        if (n == 0) {
            words[nr++] = argv[i];
        }
    }
    words[nr] = NULL;
    *argc = nr;
    return words;
}

int cli_run(struct cli *c, int argc, char **argv)
{
    const struct verb *v;
    int status = 1;

    if (argc == 0) {
        return 0;
    }
    v = verb_find(c, argv[0], &status);
    if (v && argc == 2 && strcmp(argv[1], "--help") == 0) { /* before a verb takes it for a name, or for keys to press */
        char *words[] = {(char *)"help", (char *)v->name};

        return cmd_help(c, 2, words);
    }
    argv = split_words(&argc, argv);
    return v ? v->run(c, argc, argv) : status;
}

void cli_json_string(struct cli *c, const char *text)
{
    cli_print(c, "\"");
    for (; *text; text++) {
        unsigned char ch = (unsigned char)*text;

        if (ch == '"' || ch == '\\') {
            cli_print(c, "\\%c", ch);
        } else if (ch < ' ') {
            cli_print(c, "\\u%04x", ch);
        } else {
            cli_print(c, "%c", ch);
        }
    }
    cli_print(c, "\"");
}

long cli_domid(struct cli *c, const char *verb, const char *name)
{
    struct xeno_error err;
    struct managed *d = manager_find(c->m, name, &err);
    struct xen_domctl_getdomaininfo info;
    unsigned long id;
    char *end;

    if (d) {
        return (long)d->domid;
    }
    if (strcmp(name, "Domain-0") == 0) {
        return (long)c->m->x.t->own_domid;
    }
    id = strtoul(name, &end, 10);
    if (*name && !*end && id < DOMID_FIRST_RESERVED &&
        xeno_domain_info(&c->m->x, (uint32_t)id, &info) == 0) {
        return (long)id;
    }
    cli_error(c, verb, "%s", err.text);
    return -1;
}

bool cli_flag(int *argc, char **argv, const char *word)
{
    for (int i = 1; i < *argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], word) == 0) {
            memmove(&argv[i], &argv[i + 1],
                    (size_t)(*argc - i) * sizeof(*argv)); /* with the NULL at the end */
            (*argc)--;
            return true;
        }
    }
    return false;
}

long cli_number(struct cli *c, const char *verb, const char *text, long max)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (!*text || *end || *text == '-' || n > (unsigned long)max) {
        return cli_error(c, verb, "'%s': expected a number from 0 to %ld", text, max), -1;
    }
    return (long)n;
}

int64_t cli_memory_kib(struct cli *c, const char *verb, const char *text)
{
    static const char units[] = "kmgt";
    const char *unit;
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    int shift = 10;

    unit = *end ? strchr(units, *end | 0x20) : NULL;
    if (unit && *unit) {
        shift = 10 * (int)(unit - units);
        end++;
    }
    if (end > text && (*end == 'b' || *end == 'B')) {
        end++;
    }
    if (*text < '0' || *text > '9' || *end || n == 0 || n > (1ul << 34) >> (shift / 10 * 4)) {
        return cli_error(c, verb, "'%s': expected a size in MiB, or a number with k, m, g", text),
               -1;
    }
    return (int64_t)(n << shift);
}
