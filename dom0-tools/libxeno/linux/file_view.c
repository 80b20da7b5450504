/* SPDX-License-Identifier: MIT */
/*
 * Views of files. The kernel says that a page of a mapping is not to be had, because its file has been cut or its disk is broken, by
 * SIGBUS; the handler puts zeros in place of the rest of the view, and notes it.
 * Invariant: a SIGBUS that is not for a view does what it does without us.
 */
#include "libxeno/linux/file_view.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "common/compiler.h"

#define PAGE 4096u

/* Of the process, as its signals are. The handler runs in the middle of a read of the view, so nothing else is using it. */
static struct view {
    uint8_t *start; /* NULL: free */
    size_t size;
    volatile sig_atomic_t cut;
} views[8];

static struct view *find(const void *start)
{
    for (size_t i = 0; i < ARRAY_SIZE(views); i++) {
        if (views[i].start == start) {
            return &views[i];
        }
    }
    return NULL;
}

static void on_bus_error(int signal_nr, siginfo_t *info, void *context)
{
    uintptr_t at = (uintptr_t)info->si_addr;

    (void)context;
    for (size_t i = 0; i < ARRAY_SIZE(views); i++) {
        struct view *v = &views[i];
        uintptr_t page = at & ~(uintptr_t)(PAGE - 1), start = (uintptr_t)v->start;

        if (v->start && page - start < v->size &&
            mmap((void *)page, v->size - (page - start), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED) {
            v->cut = 1;
            return;
        }
    }
    signal(signal_nr, SIG_DFL); /* the instruction is tried again */
}

const void *file_view_open(int fd, size_t size)
{
    struct sigaction sa = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
    struct view *v = find(NULL);
    void *va;

    if (!v) {
        errno = EMFILE;
        return NULL;
    }
    va = sigaction(SIGBUS, &sa, NULL) ? MAP_FAILED : mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    if (va == MAP_FAILED) {
        return NULL;
    }
    madvise(va, size, MADV_SEQUENTIAL); /* once, from its beginning: advice, so it need not be taken */
    *v = (struct view){.start = va, .size = size};
    return va;
}

int file_view_intact(const void *view, int fd)
{
    const struct view *v = find(view);
    struct stat st;

    if (fstat(fd, &st)) {
        return -errno;
    }
    return (uint64_t)st.st_size < v->size ? -ETXTBSY : v->cut ? -EIO : 0;
}

void file_view_close(const void *view)
{
    struct view *v = find(view);

    munmap(v->start, v->size);
    *v = (struct view){.start = NULL};
}
