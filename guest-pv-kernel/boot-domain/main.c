/* SPDX-License-Identifier: MIT */
/*
 * The boot domain: builds what it is told to, then ends (a dom0 has been built) or stays as the control domain with a prompt.
 * Its arguments: command=TEXT (run it and exit with its status), dom0=MODULE [dom0-initrd=MODULE] [dom0-memory=MIB]
 * [dom0-vcpus=N], launch=MODULE (a device tree), exit-port=N (where libpvk writes the exit status).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/sched.h>

#include "bootdom.h"
#include "pvk/machine.h"
#include "pvk/pv/events.h"
#include "pvk/pv/hypercall.h"
#include "pvk/thread.h"

static struct manager manager;
static struct cli cli = {.m = &manager, .io = &bootdom_io};
static struct wait_queue service_wanted = WAIT_QUEUE_INIT(service_wanted);
static bool service_pending;

static void console_changed(void *ctx, struct managed *m)
{
    (void)ctx;
    (void)m;
    terminal_changed();
}

static void service_log(void *ctx, const char *line)
{
    (void)ctx;
    cli_print(&cli, "xeno: %s\n", line);
}

/* A domain has ended: looked at in a thread, because dealing with it takes hypercalls that take their time. */
static void domain_exception(uint32_t port, void *arg)
{
    (void)port;
    (void)arg;
    __atomic_store_n(&service_pending, true, __ATOMIC_RELEASE);
    wait_queue_wake(&service_wanted);
}

static void service_thread(void *unused)
{
    (void)unused;
    for (;;) {
        wait_until(&service_wanted, __atomic_load_n(&service_pending, __ATOMIC_ACQUIRE), 0);
        __atomic_store_n(&service_pending, false, __ATOMIC_RELEASE);
        manager_service(&manager);
        terminal_changed();
    }
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* %XX as in a URL, in place. */
static void percent_decode(char *s)
{
    char *w = s;

    for (; *s; s++) {
        if (s[0] == '%' && s[1] && s[2] && hex(s[1]) >= 0 && hex(s[2]) >= 0) {
            *w++ = (char)(hex(s[1]) << 4 | hex(s[2]));
            s += 2;
        } else {
            *w++ = *s;
        }
    }
    *w = '\0';
}

static void end_quietly(void)
{
    struct sched_shutdown s = {.reason = SHUTDOWN_poweroff};

    hc_sched_op(SCHEDOP_shutdown, &s);
}

static int start_services(void)
{
    manager_init(&manager, bootdom_transport());
    manager.console_changed = console_changed;
    manager.log = service_log;
    device_models_init(&manager);
    if (store_start(&manager)) {
        return cli_error(&cli, "boot", "no memory for the store");
    }
    if (event_bind_virq(VIRQ_DOM_EXC, 0, domain_exception, NULL) < 0) {
        return cli_error(&cli, "boot", "cannot bind VIRQ_DOM_EXC: not a control domain");
    }
    thread_detach(thread_create("service", service_thread, NULL));
    terminal_start();
    return 0;
}

static int prompt(void)
{
    char line[512];
    int status = 0;

    cli_print(&cli, "Xenolith control domain: 'help' lists the verbs, Ctrl-A X ends QEMU\n");
    while (line_read(&cli, "xeno> ", line, sizeof(line))) {
        if (strcmp(line, "exit") == 0 || strcmp(line, "poweroff") == 0) {
            break;
        }
        status = shell_run(&cli, line);
    }
    return status;
}

int main(int argc, char **argv)
{
    static char text[1024];
    bool control = false;
    int status;

    (void)argc;
    (void)argv;
    if (start_services()) {
        return STATUS_FAILED;
    }
    if (cmdline_value("dom0", text, sizeof(text))) {
        status = boot_dom0(&manager, &cli, text);
        if (status == 0) {
            end_quietly();
        }
        return status;
    }
    if (cmdline_value("launch", text, sizeof(text))) {
        status = boot_launch(&manager, &cli, text, &control);
        if (status == 0 && control) {
            end_quietly();
        }
        if (status) {
            return status;
        }
    }
    if (cmdline_value("command", text, sizeof(text))) {
        percent_decode(text);
        return shell_run(&cli, text);
    }
    return prompt();
}
