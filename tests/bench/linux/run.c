/* SPDX-License-Identifier: MIT */
/*
 * linux-bench run [-u TEXT] NAME COMMAND…: what a command takes, with its children and everything that works for it, by the
 * time-stamp counter, and as a window of tests/bench/profile/count.c. -u: only until it has said TEXT.
 * Invariant: a command that fails, or ends without having said TEXT, ends the program without a number.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static pid_t start(char **words, int in, int out)
{
    posix_spawn_file_actions_t files;
    pid_t pid;

    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    errno = posix_spawnp(&pid, words[0], &files, NULL, words, environ);
    if (errno) {
        bench_fail(words[0]);
    }
    posix_spawn_file_actions_destroy(&files);
    return pid;
}

/* The time until TEXT has come out of fd; what comes later is read, too, so that the command can go on. */
static uint64_t until_said(int fd, const char *text)
{
    char said[4096];
    size_t have = 0;
    uint64_t when = 0;
    ssize_t n;

    while ((n = read(fd, said + have, sizeof(said) - 1 - have)) > 0) {
        have += (size_t)n;
        said[have] = '\0';
        if (!when && strstr(said, text)) {
            window_end();
            when = ticks();
        }
        if (when || have > sizeof(said) / 2) {
            have = 0;
        }
    }
    if (!when) {
        errno = ENOMSG;
        bench_fail(text);
    }
    return when;
}

int bench_run(int argc, char **argv)
{
    const char *text = argc > 1 && strcmp(argv[0], "-u") == 0 ? argv[1] : NULL;
    char **words = argv + (text ? 2 : 0);
    int in[2], out[2], status, null = open("/dev/null", O_RDWR | O_CLOEXEC);
    uint64_t begin, end;
    pid_t pid;

    if (argc - (text ? 2 : 0) < 2 || null < 0 || pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)) {
        errno = EINVAL;
        bench_fail("run [-u TEXT] NAME COMMAND…");
    }
    window_begin();
    begin = ticks();
    /* An input that says nothing and does not end: a console client goes on for as long as there is something to show. */
    pid = start(words + 1, in[0], text ? out[1] : null);
    close(out[1]);
    end = text ? until_said(out[0], text) : 0;
    if (waitpid(pid, &status, 0) != pid || status != 0) {
        errno = ECHILD;
        bench_fail(words[1]);
    }
    if (!text) {
        window_end();
        end = ticks();
    }
    printf("BENCH %s %" PRIu64 "\n", words[0], end - begin);
    return 0;
}
