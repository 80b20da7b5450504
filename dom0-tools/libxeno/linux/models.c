/* SPDX-License-Identifier: MIT */
/*
 * Starting, finding and ending device models, see models.h. One is ended by SIGKILL: whatever it is doing, its domain is about to go, and
 * the kernel gives back all that it maps before its lock falls.
 */
#include "libxeno/linux/models.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "xeno-dm"

void model_lock_path(uint32_t domid, char *path)
{
    snprintf(path, MODELS_PATH_MAX, MODELS_DIR "/%u.lock", domid);
}

void model_devices_path(uint32_t domid, char *path)
{
    snprintf(path, MODELS_PATH_MAX, MODELS_DIR "/%u.devices", domid);
}

void model_counts_path(uint32_t domid, char *path)
{
    snprintf(path, MODELS_PATH_MAX, MODELS_DIR "/%u.counts", domid);
}

/* The lock's file; -1: there never was one. */
static int open_lock(uint32_t domid)
{
    char path[MODELS_PATH_MAX];

    model_lock_path(domid, path);
    return open(path, O_RDWR | O_CLOEXEC);
}

/* The process that holds it, 0: none does. Looking takes nothing, so it is never in a beginner's way. */
static int holder(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? lock.l_pid : 0;
}

enum model_state model_state(uint32_t domid, int *pid)
{
    int fd = open_lock(domid);

    *pid = 0;
    if (fd < 0) {
        return MODEL_NONE;
    }
    *pid = holder(fd);
    close(fd);
    return *pid ? MODEL_RUNS : MODEL_DIED;
}

/* ---- starting one: the process that is spawned ends when the domain is served, or says in one line why it is not ---- */

static int spawn(uint32_t domid, int complaints)
{
    char path[512], number[16];
    char *const words[] = {(char *)PROGRAM, number, NULL}, *const nothing[] = {NULL};
    posix_spawn_file_actions_t files;
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof(PROGRAM));
    char *slash;
    pid_t pid;
    int rc;

    path[n > 0 ? n : 0] = '\0';
    slash = strrchr(path, '/');
    strcpy(slash ? slash + 1 : path, PROGRAM); /* the program that lies beside this one */
    snprintf(number, sizeof(number), "%u", domid);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&files, complaints, STDERR_FILENO);
    rc = posix_spawn(&pid, path, &files, NULL, words, nothing);
    posix_spawn_file_actions_destroy(&files);
    return rc ? -rc : pid;
}

static void read_line(int fd, char *line, size_t size)
{
    size_t n = 0;
    ssize_t got;

    while (n + 1 < size &&
           ((got = read(fd, line + n, size - 1 - n)) > 0 || (got < 0 && errno == EINTR))) {
        n += got > 0 ? (size_t)got : 0;
    }
    line[n] = '\0';
    line[strcspn(line, "\n")] = '\0';
}

int model_start(uint32_t domid, const char *name, struct xeno_error *err)
{
    int ends[2], status = -1, pid;
    char why[256];

    if (pipe2(ends, O_CLOEXEC)) {
        return xeno_fail(err, "%s: its device model: %s", name, strerror(errno));
    }
    pid = spawn(domid, ends[1]);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return xeno_fail(err, "%s: it needs a device model, and %s", name,
                         pid == -ENOENT ? PROGRAM " is not installed beside xeno" : strerror(-pid));
    }
    read_line(ends[0], why, sizeof(why));
    close(ends[0]);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return 0;
    }
    return xeno_fail(err, "%s: %s", name, *why ? why : "its device model was killed as it started");
}

int model_power_button(uint32_t domid)
{
    int pid;

    return model_state(domid, &pid) == MODEL_RUNS && kill(pid, SIGUSR1) == 0 ? 0 : -ESRCH;
}

/* ---- what the manager calls ---- */

/* What another domain of this number has left behind. */
static void forget(uint32_t domid)
{
    char path[MODELS_PATH_MAX];

    model_lock_path(domid, path);
    unlink(path);
    model_devices_path(domid, path);
    unlink(path);
    model_counts_path(domid, path);
    unlink(path);
}

static void stop(uint32_t domid)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open_lock(domid), pid;

    if (fd < 0) {
        return;
    }
    pid = holder(fd);
    if (pid) {
        kill(pid, SIGKILL);
        while (fcntl(fd, F_SETLKW, &lock) && errno == EINTR) {
        }
    }
    close(fd);
    forget(domid);
}

static int built(void *ctx, struct managed *d, struct xeno_error *err)
{
    (void)ctx;
    if (mkdir(MODELS_DIR, 0700) && errno != EEXIST) {
        return xeno_fail(err, MODELS_DIR ": cannot make it: %s", strerror(errno));
    }
    stop(d->domid);
    return model_start(d->domid, d->name, err);
}

static void gone(void *ctx, const struct managed *d)
{
    (void)ctx;
    stop(d->last_domid);
}

void models_init(struct manager *m)
{
    m->device_model = built;
    m->device_model_gone = gone;
}
