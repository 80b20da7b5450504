/* SPDX-License-Identifier: MIT */
/* The table of Linux's verbs, sorted by name; a verb without a help line is for the tools themselves. */
#include "xeno/linux/place.h"

const struct verb linux_verbs[] = {
    {"config-update", cmd_config_update, "DOMAIN FILE",
     "what a domain will be when it starts the next time"},
    {"console", cmd_console_linux, "[--log] [-t pv] [-n 0] [-e CHAR] DOMAIN",
     "a domain's console from its first byte; Ctrl-] leaves it"},
    {"destroy", cmd_destroy_linux, "[-f] [--why] DOMAIN…",
     "end a domain at once; --why: what keeps one that does not go"},
    {"device-model", cmd_device_model, "[--json|DOMAIN]",
     "start a device model for a domain whose own has died; those that there are"},
    {"doctor", cmd_doctor_verb, "[--json] [--fix]",
     "look for what is missing here, and tell what to do"},
    {"dump-core", cmd_dump_core, "DOMAIN FILE",
     "write a domain's memory and vCPUs into a core file"},
    {"mem-set", cmd_mem_set, "DOMAIN MIB", "ask a domain to make do with so much memory"},
    {"network-attach", cmd_network_attach, "DOMAIN [FIELD=VALUE…]",
     "give a domain a network interface, as one of vif= is"},
    {"network-detach", cmd_network_detach, "[--force] DOMAIN NUMBER|MAC",
     "take one away, when the guest has let go of it; --force: at once"},
    {"network-list", cmd_network_list, "[--json] DOMAIN…", "a domain's network interfaces"},
    {"reboot", cmd_reboot_linux, "[-a] [-w] [-F] [DOMAIN]", "ask a domain, or all, to start again"},
    {"service", cmd_service, "", NULL},
    {"shutdown", cmd_shutdown_linux, "[-a] [-w] [-F] [DOMAIN]",
     "ask a domain, or all, to shut down"},
    {"sysrq", cmd_sysrq, "DOMAIN LETTER", "send a Linux domain a magic key"},
    {"top", cmd_top, "[-b] [--json] [-i COUNT] [-d SECONDS]",
     "domains by time and memory, again and again"},
    {"uptime", cmd_uptime, "[--json] [DOMAIN]", "since when domains have run"},
    {"vcpu-set", cmd_vcpu_set, "DOMAIN N", "how many of its vCPUs a domain is to use"},
    {NULL, NULL, NULL, NULL},
};
