/* SPDX-License-Identifier: MIT */
/*
 * Linux's clock against the machine's, and against itself: "drift SECONDS" holds CLOCK_MONOTONIC against the real-time clock,
 * whose interrupt comes once a second; "order MILLISECONDS" reads it on all CPUs at once. Both print one line of numbers.
 * Invariant: a thread that is late adds to a reading and never takes away, so of several readings the earliest counts.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define MAX_CPUS  64
#define NS        1000000000ll
#define UPDATE_ON _IO('p', 3) /* Linux's RTC_UIE_ON: an interrupt as each second begins */

static int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS + t.tv_nsec;
}

static int fail(const char *what)
{
    perror(what);
    return 1;
}

/* How far the clock has run ahead of the seconds that have passed when each of them begins; the least of `n` of them. */
static int64_t least_ahead(int rtc, int64_t *second, int64_t start, int n)
{
    int64_t least = INT64_MAX;

    for (int i = 0; i < n; i++) {
        unsigned long data;
        int64_t ahead;

        if (read(rtc, &data, sizeof(data)) != sizeof(data)) {
            return INT64_MIN;
        }
        *second += (int64_t)(data >> 8); /* interrupts since the last reading */
        ahead = now() - start - *second * NS;
        least = ahead < least ? ahead : least;
    }
    return least;
}

static int drift(int seconds)
{
    int rtc = open("/dev/rtc0", O_RDONLY), few = seconds / 4 + 1;
    int64_t second = 0, start = now(), first, middle, last;

    if (rtc < 0 || ioctl(rtc, UPDATE_ON, 0)) {
        return fail("/dev/rtc0");
    }
    first = least_ahead(rtc, &second, start, few);
    middle = second;
    while (second < seconds - few) {
        if (least_ahead(rtc, &second, start, 1) == INT64_MIN) {
            return fail("/dev/rtc0");
        }
    }
    last = least_ahead(rtc, &second, start, few);
    if (first == INT64_MIN || last == INT64_MIN || second == middle) {
        return fail("/dev/rtc0");
    }
    printf("drift %" PRId64 " ns in %" PRId64 " s\n", last - first, second - few);
    return 0;
}

static _Atomic int64_t latest;
static _Atomic bool stop;

struct reader {
    pthread_t thread;
    int cpu;
    uint64_t readings, backwards;
    int64_t worst;
};

/* Whoever has read a later time before we began to read has read it on another CPU, or here. */
static void *read_clock(void *arg)
{
    struct reader *r = arg;
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(r->cpu, &set);
    if (sched_setaffinity(0, sizeof(set), &set)) {
        return NULL; /* told by its having read nothing */
    }
    while (!atomic_load(&stop)) {
        int64_t before = atomic_load(&latest), t = now();

        r->readings++;
        if (t < before) {
            r->backwards++;
            r->worst = before - t > r->worst ? before - t : r->worst;
        }
        while (before < t && !atomic_compare_exchange_weak(&latest, &before, t)) {
        }
    }
    return NULL;
}

static int order(int milliseconds)
{
    static struct reader readers[MAX_CPUS];
    struct timespec length = {milliseconds / 1000, milliseconds % 1000 * 1000000l};
    long nr = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t readings = 0, least = UINT64_MAX, backwards = 0;
    int64_t worst = 0;

    nr = nr > MAX_CPUS ? MAX_CPUS : nr;
    for (int i = 0; i < nr; i++) {
        readers[i].cpu = i;
        if (pthread_create(&readers[i].thread, NULL, read_clock, &readers[i])) {
            return fail("pthread_create");
        }
    }
    clock_nanosleep(CLOCK_MONOTONIC, 0, &length, NULL);
    atomic_store(&stop, true);
    for (int i = 0; i < nr; i++) {
        pthread_join(readers[i].thread, NULL);
        readings += readers[i].readings;
        least = readers[i].readings < least ? readers[i].readings : least;
        backwards += readers[i].backwards;
        worst = readers[i].worst > worst ? readers[i].worst : worst;
    }
    printf("order on %ld CPUs: %" PRIu64 " readings, at least %" PRIu64 " a CPU, %" PRIu64
           " backwards, worst %" PRId64 " ns\n",
           nr, readings, least, backwards, worst);
    return backwards || least == 0;
}

int main(int argc, char **argv)
{
    int n = argc == 3 ? atoi(argv[2]) : 0;

    if (n > 0 && strcmp(argv[1], "drift") == 0) {
        return drift(n);
    }
    if (n > 0 && strcmp(argv[1], "order") == 0) {
        return order(n);
    }
    fprintf(stderr, "usage: %s drift SECONDS | order MILLISECONDS\n", argv[0]);
    return 2;
}
