/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's log and the control domain's console. The log goes to a ring (dmesg, sysctl readconsole) and to the
 * log UART; control-domain output (console_io) to the console UART; both may be the same one. Lines are atomic.
 */
#ifndef DEBUG_CONSOLE_H
#define DEBUG_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/compiler.h"

enum log_level {
    LOG_ERR,
    LOG_WARN,
    LOG_INFO,
    LOG_DEBUG
};

void hv_log(enum log_level level, const char *fmt, ...) __printf_like(2, 3);
#define log_err(...)   hv_log(LOG_ERR, __VA_ARGS__)
#define log_warn(...)  hv_log(LOG_WARN, __VA_ARGS__)
#define log_info(...)  hv_log(LOG_INFO, __VA_ARGS__)
#define log_debug(...) hv_log(LOG_DEBUG, __VA_ARGS__)

/* For lines that a guest can provoke: rate-limited per call site (token bucket), says how many were dropped. */
void hv_log_guest(const char *fmt, ...) __printf_like(1, 2);

enum console_port {
    PORT_NONE,
    PORT_COM1,
    PORT_COM2
};

struct console_options {
    enum console_port console; /* control domain */
    enum console_port log;
    enum log_level level; /* lines above it go nowhere */
};

/* Open the ports. What was logged before is kept in the ring and comes out now; a panic before goes to COM1. */
void console_init(const struct console_options *options);
/* From now on input arrives by interrupt: returns the ISA interrupt of the console's port, -1 if there is none. */
int console_input_irq(void);
void console_input_irq_enable(void);
/* No locks and no ports but polled ones from here on: for panics. */
void console_panic_mode(void);
void console_write_control(const char *buf, size_t n); /* control domain output, raw */
void console_write_guest(uint16_t domid, const char *buf,
                         size_t n); /* debug output of others: "(dN) line" into the log */
size_t console_read_control(char *buf, size_t n); /* input typed at the console, what is there */
/* The log, see log_ring_read(). */
size_t console_read_ring(char *buf, size_t n, uint32_t *index, bool clear, bool incremental);
void console_set_input_hook(void (*fn)(void)); /* called (interrupt context) when input arrives */
void console_poll_input(void);

/*
 * The end. With "debug" QEMU ends with this status (0 shut down, 3 crashed, 4 panic, 5 boot error); with "reboot" the machine
 * starts anew unless the status is 0; otherwise it halts.
 */
#define EXIT_STATUS_OK         0
#define EXIT_STATUS_CRASHED    3
#define EXIT_STATUS_PANIC      4
#define EXIT_STATUS_BOOT_ERROR 5
void machine_exit_how(const char *option);
void machine_exit(int status) __noreturn_fn;
void machine_halt(void) __noreturn_fn;
void machine_reboot(void) __noreturn_fn;

#endif
