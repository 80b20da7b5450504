/* SPDX-License-Identifier: MIT */
/*
 * The log and the control domain's console over two serial ports, which may be the same one: then a log line begins on a
 * line of its own. Locks: LOCK_CONSOLE, the last in the order, so that any code may log.
 * Invariant: a line goes out under one lock; after console_panic_mode() nothing waits for anybody.
 */
#include "debug/console.h"

#include <stdarg.h>

#include "common/format.h"
#include "common/string.h"
#include "debug/log_ring.h"
#include "x86/lock.h"
#include "x86/time.h"
#include "x86/uart.h"

#define LINE_MAX       512
#define INPUT_BYTES    1024u
#define GUEST_SITES    32u
#define GUEST_BURST    20
#define GUEST_INTERVAL 200000000ull /* ns: five lines a second and site */

/* A debug build shows every line: tests and writers of guests read them. */
#ifdef XENO_DEBUG
#define GUEST_LINES_LIMITED false
#else
#define GUEST_LINES_LIMITED true
#endif

struct port {
    const struct uart *uart;
    bool there;
    char last; /* last character sent */
};

static struct port ports[3] = {{0}, {&uart_com1, false, '\n'}, {&uart_com2, false, '\n'}};
static struct port *control_port = &ports[PORT_NONE];
static struct port *log_port = &ports[PORT_NONE];
static enum log_level max_level = LOG_DEBUG;
static struct log_ring ring;
static struct spinlock lock = SPINLOCK_INIT("console", LOCK_CONSOLE);
static bool panic_mode;

/* lock: console */
static struct {
    char data[INPUT_BYTES];
    uint32_t produced, consumed;
} input;
static void (*input_hook)(void);
static struct rate_limit guest_sites[GUEST_SITES];

static void lock_console(void)
{
    if (!panic_mode) {
        spin_lock(&lock);
    }
}

static void unlock_console(void)
{
    if (!panic_mode) {
        spin_unlock(&lock);
    }
}

/* Terminals want a carriage return before each newline. */
static void port_write(struct port *p, const char *s, size_t n)
{
    if (!p->there) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\n' && p->last != '\r') {
            uart_put(p->uart, '\r');
        }
        uart_put(p->uart, s[i]);
        p->last = s[i];
    }
}

static void log_emit(const char *line, size_t n)
{
    log_ring_put(&ring, line, n);
    if (log_port->last != '\n') {
        port_write(log_port, "\n", 1);
    }
    port_write(log_port, line, n);
}

static void __printf_like(2, 0) log_line(const char *prefix, const char *fmt, va_list args)
{
    char line[LINE_MAX];
    int head = format(line, sizeof(line), "(hv) %s", prefix);
    int rest = format_v(line + head, sizeof(line) - (size_t)head - 1, fmt, args);
    size_t n = MIN((size_t)head + (size_t)rest, sizeof(line) - 2);

    if (line[n - 1] != '\n') {
        line[n++] = '\n';
    }
    lock_console();
    log_emit(line, n);
    unlock_console();
}

void hv_log(enum log_level level, const char *fmt, ...)
{
    static const char *const prefix[] = {"error: ", "warning: ", "", ""};
    va_list args;

    if (level > max_level) {
        return;
    }
    va_start(args, fmt);
    log_line(prefix[level], fmt, args);
    va_end(args);
}

/* The bucket of a call site, known by its format string; a full table shares. Lock held. */
static struct rate_limit *site_of(const char *fmt)
{
    uint32_t first = (uint32_t)((uintptr_t)fmt >> 3) % GUEST_SITES;
    uint32_t i = first;

    do {
        struct rate_limit *b = &guest_sites[i];

        if (b->key == fmt) {
            return b;
        }
        if (!b->key) {
            *b = (struct rate_limit){.key = fmt, .tokens = GUEST_BURST, .last_ns = now_ns()};
            return b;
        }
        i = (i + 1) % GUEST_SITES;
    } while (i != first);
    return &guest_sites[first];
}

void hv_log_guest(const char *fmt, ...)
{
    uint32_t dropped = 0;
    bool pass = true;
    va_list args;

    if (GUEST_LINES_LIMITED) {
        lock_console();
        pass = rate_limit_pass(site_of(fmt), now_ns(), GUEST_INTERVAL, GUEST_BURST, &dropped);
        unlock_console();
    }
    if (!pass) {
        return;
    }
    if (dropped > 0) {
        hv_log(LOG_INFO, "%u lines like the next one were dropped", dropped);
    }
    va_start(args, fmt);
    log_line("", fmt, args);
    va_end(args);
}

void console_init(const struct console_options *options)
{
    uint32_t index = 0;
    char chunk[128];
    size_t n;

    for (unsigned int i = PORT_COM1; i <= PORT_COM2; i++) {
        if (options->console == i || options->log == i) {
            ports[i].there = uart_init(ports[i].uart);
        }
    }
    control_port = &ports[options->console];
    log_port = &ports[options->log];
    max_level = options->level;
    while ((n = log_ring_read(&ring, chunk, sizeof(chunk), &index, false, true)) > 0) {
        port_write(log_port, chunk, n);
    }
}

void console_panic_mode(void)
{
    panic_mode = true;
    if (!log_port->there) {
        log_port = control_port->there ? control_port : &ports[PORT_COM1];
        if (!log_port->there) {
            log_port->there = uart_init(log_port->uart);
        }
    }
    max_level = LOG_DEBUG;
}

void console_write_control(const char *buf, size_t n)
{
    lock_console();
    port_write(control_port, buf, n);
    unlock_console();
}

/* A guest's bytes must not steer the operator's terminal. */
static char printable(char c)
{
    if (c == '\t' || (c >= ' ' && c <= '~')) {
        return c;
    }
    return (char)(c == '\r' ? ' ' : '.');
}

void console_write_guest(uint16_t domid, const char *buf, size_t n)
{
    char line[LINE_MAX];
    size_t at = 0;

    while (at < n) {
        const char *end = memchr(buf + at, '\n', n - at);
        size_t len = end ? (size_t)(end - (buf + at)) : n - at;
        size_t shown = MIN(len, sizeof(line) - 16);
        size_t head = (size_t)format(line, sizeof(line), "(d%u) ", domid);

        for (size_t i = 0; i < shown; i++) {
            line[head + i] = printable(buf[at + i]);
        }
        line[head + shown] = '\n';
        lock_console();
        log_emit(line, head + shown + 1);
        unlock_console();
        at += end ? len + 1 : shown;
    }
}

void console_poll_input(void)
{
    bool news = false;
    int c;

    if (!control_port->there) {
        return;
    }
    lock_console();
    while (input.produced - input.consumed < INPUT_BYTES &&
           (c = uart_get(control_port->uart)) >= 0) {
        input.data[input.produced++ % INPUT_BYTES] = (char)c;
        news = true;
    }
    unlock_console();
    if (news && input_hook) {
        input_hook();
    }
}

size_t console_read_control(char *buf, size_t n)
{
    bool full;
    size_t count = 0;

    lock_console();
    full = input.produced - input.consumed == INPUT_BYTES;
    while (count < n && input.consumed != input.produced) {
        buf[count++] = input.data[input.consumed++ % INPUT_BYTES];
    }
    unlock_console();
    if (full && count > 0) {
        console_poll_input(); /* what waited in the UART raises no new interrupt */
    }
    return count;
}

size_t console_read_ring(char *buf, size_t n, uint32_t *index, bool clear, bool incremental)
{
    size_t count;

    lock_console();
    count = log_ring_read(&ring, buf, n, index, clear, incremental);
    unlock_console();
    return count;
}

void console_set_input_hook(void (*fn)(void))
{
    input_hook = fn;
}

int console_input_irq(void)
{
    return control_port->there ? control_port->uart->irq : -1;
}

void console_input_irq_enable(void)
{
    if (control_port->there) {
        uart_irq_enable(control_port->uart);
        console_poll_input();
    }
}
