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

enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void hv_log(enum log_level level, const char *fmt, ...) __printf_like(2, 3);
#define log_err(...)   hv_log(LOG_ERR, __VA_ARGS__)
#define log_warn(...)  hv_log(LOG_WARN, __VA_ARGS__)
#define log_info(...)  hv_log(LOG_INFO, __VA_ARGS__)
#define log_debug(...) hv_log(LOG_DEBUG, __VA_ARGS__)

/* For lines that a guest can provoke: rate-limited per call site (token bucket), says how many were dropped. */
void hv_log_guest(const char *fmt, ...) __printf_like(1, 2);

/* Early set-up with port numbers from the command line (console=, log=); before it, COM1 polled. */
void console_init(const char *cmdline);
void console_write_control(const char *buf, size_t n); /* control domain output, raw */
void console_write_guest(uint16_t domid, const char *buf, size_t n); /* debug output of others: "(dN) line" into the log */
size_t console_read_control(char *buf, size_t n);      /* input typed at the console, what is there */
size_t console_read_ring(char *buf, size_t n, uint32_t *index, bool clear, bool incremental);
void console_set_input_hook(void (*fn)(void));         /* called (interrupt context) when input arrives */
void console_poll_input(void);

/* End QEMU with a status when exit=debug is on the command line, otherwise power off / reboot / halt. */
void machine_exit(int status) __noreturn_fn;
void machine_halt(void) __noreturn_fn;
void machine_reboot(void) __noreturn_fn;

#endif
