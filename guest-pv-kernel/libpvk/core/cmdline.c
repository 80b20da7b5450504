/* SPDX-License-Identifier: MIT */
/*
 * The command line: words separated by blanks, looked up in place.
 */
#include <stdlib.h>
#include <string.h>

#include "libpvk/core/backend.h"
#include "pvk/machine.h"

#define CMDLINE_SIZE 1024

static char line[CMDLINE_SIZE];

void cmdline_init(const char *text)
{
    size_t len = strnlen(text, sizeof(line) - 1);

    memcpy(line, text, len);
    line[len] = '\0';
}

const char *cmdline(void)
{
    return line;
}

/* The first word that starts with name, followed by `next`; points behind it. NULL if there is none. */
static const char *find(const char *name, char next)
{
    size_t len = strlen(name);

    for (const char *word = line; *word != '\0';) {
        if (strncmp(word, name, len) == 0) {
            char after = word[len];

            if (next == '=' ? after == '=' : (after == ' ' || after == '\0')) {
                return word + len + (next == '=');
            }
        }
        while (*word != ' ' && *word != '\0') {
            word++;
        }
        while (*word == ' ') {
            word++;
        }
    }
    return NULL;
}

const char *cmdline_value(const char *name, char *buf, size_t size)
{
    const char *value = find(name, '=');
    size_t len = 0;

    if (value == NULL || size == 0) {
        return NULL;
    }
    while (value[len] != ' ' && value[len] != '\0' && len < size - 1) {
        buf[len] = value[len];
        len++;
    }
    buf[len] = '\0';
    return buf;
}

uint64_t cmdline_number(const char *name, uint64_t otherwise)
{
    char text[32];
    char *end;
    uint64_t number;

    if (cmdline_value(name, text, sizeof(text)) == NULL) {
        return otherwise;
    }
    number = strtoul(text, &end, 0);
    return end == text || *end != '\0' ? otherwise : number;
}

bool cmdline_has(const char *name)
{
    return find(name, ' ') != NULL;
}

void pvk_exit(enum exit_reason reason, int status)
{
    backend_exit(reason, (unsigned)cmdline_number("exit-port", 0), status);
}
