/* SPDX-License-Identifier: MIT */
/* The table of Linux's verbs, sorted by name; a verb without a help line is for the tools themselves. */
#include "xeno/linux/place.h"

const struct verb linux_verbs[] = {
    {"console", cmd_console_linux, "[--log] DOMAIN",
     "a domain's console from its first byte; Ctrl-] leaves it"},
    {"service", cmd_service, "", NULL},
    {NULL, NULL, NULL, NULL},
};
