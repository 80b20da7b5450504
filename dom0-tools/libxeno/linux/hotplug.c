/* SPDX-License-Identifier: MIT */
/*
 * Running a hotplug script, see hotplug.h. It is a process group of its own, which is killed when its time is over; what it prints
 * goes into a file in memory, whose last line tells the operator why it failed where the store does not.
 */
#include "libxeno/linux/hotplug.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libxeno/fault.h"
#include "libxeno/linux/clock.h"

#define PATIENCE_MS 40000u

void hotplug_path(const char *script, char *path, size_t size)
{
    snprintf(path, size, "%s%s", strchr(script, '/') ? "" : HOTPLUG_DIR "/", script);
}

static void child(const struct device *d, char *path, const char *how, const char *interface,
                  int output, const sigset_t *mask)
{
    char type_if[] = "type_if=vif";
    char *words[] = {path, (char *)how, type_if, NULL};
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

    sigprocmask(SIG_SETMASK, mask, NULL);
    setpgid(0, 0);
    setenv("script", path, 1);
    setenv("XENBUS_TYPE", d->type, 1);
    setenv("XENBUS_PATH", d->back + strlen("/local/domain/0/"), 1);
    setenv("XENBUS_BASE_PATH", "backend", 1);
    setenv("vif", interface, 1);
    setenv("netdev", interface, 1);
    dup2(nothing, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execv(path, words);
    fprintf(stderr, "%s\n", strerror(errno));
    _exit(127);
}

/* SIGCHLD is blocked since before the fork, so that its coming ends the wait. The wait's status; -1: it was over time. */
static int wait_for(pid_t pid, const sigset_t *set)
{
    uint64_t end = clock_ms() + PATIENCE_MS, now;
    int status = 0;

    while (waitpid(pid, &status, WNOHANG) == 0) {
        struct timespec left;

        now = clock_ms();
        if (now >= end) {
            kill(-pid, SIGKILL);
            kill(pid, SIGKILL); /* where it had no time to become a group */
            while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
            }
            return -1;
        }
        left.tv_sec = (time_t)((end - now) / 1000);
        left.tv_nsec = (long)((end - now) % 1000) * 1000000;
        (void)sigtimedwait(set, NULL, &left);
    }
    return status;
}

static void last_line(int fd, char *line, size_t size)
{
    off_t bytes = lseek(fd, 0, SEEK_END), from = bytes < (off_t)size ? 0 : bytes - (off_t)size + 1;
    ssize_t n = pread(fd, line, size - 1, from);
    char *start;

    line[n > 0 ? n : 0] = '\0';
    for (n--; n >= 0 && (unsigned char)line[n] <= ' '; n--) {
        line[n] = '\0';
    }
    start = strrchr(line, '\n');
    memmove(line, start ? start + 1 : line, strlen(start ? start + 1 : line) + 1);
}

int hotplug_run(struct xeno_store *s, const struct device *d, const char *script, const char *how,
                const char *interface, struct xeno_error *err)
{
    int output = fault_now() ? -1 : memfd_create("hotplug", MFD_CLOEXEC), status;
    char path[160], why[128];
    sigset_t set, old;
    pid_t pid;

    hotplug_path(script, path, sizeof(path));
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, &old);
    pid = output < 0 ? -1 : fork();
    if (pid == 0) {
        child(d, path, how, interface, output, &old);
    }
    status = pid > 0 ? wait_for(pid, &set) : 0;
    sigprocmask(SIG_SETMASK, &old, NULL);
    if (pid > 0 && status > 0 && !*device_read(s, d->back, "hotplug-error", why, sizeof(why))) {
        last_line(output, why, sizeof(why));
    }
    if (output >= 0) {
        close(output);
    }
    if (pid < 0) {
        return xeno_fail(err, "script %s: cannot run it: the control domain is out of memory",
                         path);
    }
    if (status < 0) {
        return xeno_fail(err, "script %s %s: it has not ended after %u s and is killed", path, how,
                         PATIENCE_MS / 1000);
    }
    return status ? xeno_fail(err, "script %s %s: it failed: %s", path, how,
                              *why ? why : "without a word")
                  : 0;
}
