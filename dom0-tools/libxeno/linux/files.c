/* SPDX-License-Identifier: MIT */
/*
 * Files for the build of domains. A small one is read whole. Of a large one, a kernel or a RAM disk, only the headers are read, into a
 * mapping of its size, private to us; the rest is looked at where the kernel has it (file_view.h).
 * Invariant: what is checked is a copy that nobody else can change, and of the rest nothing is checked.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/compiler.h"
#include "common/elf.h"
#include "libxeno/linux/file_view.h"
#include "libxeno/linux/files.h"

#define LARGE      ((size_t)1 << 20)
#define LARGE_MOST ((size_t)1 << 30)

int linux_file_read(int fd, uint64_t offset, void *to, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = pread(fd, (char *)to + done, n - done, (off_t)(offset + done));

        if (got == 0) {
            return -ETXTBSY; /* it has become shorter: somebody is writing it */
        }
        if (got < 0 && errno != EINTR) {
            return -errno;
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

static int read_whole(int fd, size_t size, void **data, size_t *got)
{
    char *buf = malloc(size + 1);
    size_t done = 0;
    ssize_t n = 1;

    while (buf && n > 0 && done < size) {
        n = read(fd, buf + done, size - done);
        done += n > 0 ? (size_t)n : 0; /* it has become shorter: what there was is what it is */
    }
    if (!buf || n < 0) {
        free(buf);
        return buf ? -errno : -ENOMEM;
    }
    buf[done] = '\0';
    *data = buf;
    *got = done;
    return 0;
}

/* A file that can be read, or -errno. */
static int open_file(const char *path, size_t limit, struct stat *st)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;

    if (fd < 0 || fstat(fd, st)) {
        rc = -errno;
    } else if (S_ISDIR(st->st_mode)) {
        rc = -EISDIR;
    } else if ((uint64_t)st->st_size > limit) {
        rc = -EFBIG;
    }
    if (rc && fd >= 0) {
        close(fd);
    }
    return rc ? rc : fd;
}

int xeno_linux_read_file(const char *path, size_t limit, void **data, size_t *size)
{
    struct stat st;
    int fd = open_file(path, limit, &st), rc;

    if (fd < 0) {
        return fd;
    }
    rc = read_whole(fd, (size_t)st.st_size, data, size);
    close(fd);
    return rc;
}

/* ---- the headers of a large file ---- */

struct head {
    int fd, rc;
    uint8_t *data;
    size_t size, budget; /* what may still be read piece by piece */
};

/* Its ranges overlap as the file likes: whoever asks for more than there is gets all of it, once. */
static void fetch(struct head *h, uint64_t offset, uint64_t n)
{
    if (h->rc || h->budget == 0 || n == 0) {
        return;
    }
    if (n > h->budget) {
        offset = 0;
        n = h->size;
        h->budget = 0;
    } else {
        h->budget -= n;
    }
    h->rc = linux_file_read(h->fd, offset, h->data + offset, n);
}

int linux_file_headers(int fd, void *data, size_t size)
{
    struct head h = {.fd = fd, .data = data, .size = size, .budget = size};
    struct elf_segment segment;
    struct elf_section section;
    struct elf_file f;

    fetch(&h, 0, MIN(size, (size_t)64)); /* an ELF header's size */
    if (h.rc || elf_open(&f, data, size) != PV_OK) {
        return h.rc; /* who looks at it says what it is not */
    }
    fetch(&h, f.phoff, (uint64_t)f.phnum * f.phentsize);
    fetch(&h, f.shoff, (uint64_t)f.shnum * f.shentsize);
    for (unsigned int i = 0; i < f.phnum; i++) {
        if (elf_segment(&f, i, &segment) == PV_OK && segment.type == ELF_PT_NOTE) {
            fetch(&h, segment.offset, segment.file_size);
        }
    }
    for (unsigned int i = 0; i < f.shnum; i++) {
        if (elf_section(&f, i, &section) == PV_OK &&
            (section.type == ELF_SHT_NOTE || i == f.shstrndx)) {
            fetch(&h, section.offset, section.size);
        }
    }
    for (unsigned int i = 0; i < f.shnum; i++) {
        if (elf_section(&f, i, &section) == PV_OK && elf_section_named(&f, &section, "__xen_guest")) {
            fetch(&h, section.offset, section.size);
        }
    }
    return h.rc;
}

/* ---- what the transport gives out ---- */

static struct linux_file *find(struct xeno_linux *l, const void *data)
{
    for (size_t i = 0; i < ARRAY_SIZE(l->files); i++) {
        if (l->files[i].data == data) {
            return &l->files[i];
        }
    }
    return NULL;
}

int linux_file_adopt(struct xeno_linux *l, int fd, const void **data, size_t *size)
{
    struct linux_file *f = find(l, NULL);
    const void *bytes = NULL;
    void *va = MAP_FAILED;
    struct stat st;
    int rc = 0;

    if (!f || fstat(fd, &st) || (uint64_t)st.st_size > LARGE_MOST) {
        rc = f ? -EFBIG : -EMFILE;
    } else {
        va = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        rc = va == MAP_FAILED ? -errno : linux_file_headers(fd, va, (size_t)st.st_size);
    }
    if (rc == 0) {
        bytes = file_view_open(fd, (size_t)st.st_size);
        if (!bytes) { /* not every file system can: all of it, then */
            rc = linux_file_read(fd, 0, va, (size_t)st.st_size);
            bytes = va;
        }
    }
    if (rc) {
        if (va != MAP_FAILED) {
            munmap(va, (size_t)st.st_size);
        }
        close(fd);
        return rc;
    }
    *f = (struct linux_file){.data = va, .bytes = bytes, .fd = fd};
    *data = va;
    *size = (size_t)st.st_size;
    return 0;
}

int linux_file_open(void *ctx, const char *path, const void **data, size_t *size)
{
    struct stat st;
    int fd = open_file(path, LARGE_MOST, &st), rc;
    void *buf;

    if (fd < 0) {
        return fd;
    }
    if (S_ISREG(st.st_mode) && (size_t)st.st_size >= LARGE) {
        return linux_file_adopt(ctx, fd, data, size);
    }
    rc = read_whole(fd, (size_t)st.st_size, &buf, size);
    close(fd);
    if (rc == 0) {
        *data = buf;
    }
    return rc;
}

const void *linux_file_bytes(void *ctx, const void *data)
{
    const struct linux_file *f = find(ctx, data);

    return f ? f->bytes : data;
}

int linux_file_intact(void *ctx, const void *data)
{
    const struct linux_file *f = find(ctx, data);

    return f && f->bytes != f->data ? file_view_intact(f->bytes, f->fd) : 0;
}

void linux_file_close(void *ctx, const void *data, size_t size)
{
    struct linux_file *f = find(ctx, data);

    if (!f) {
        free((void *)(uintptr_t)data);
        return;
    }
    munmap((void *)(uintptr_t)data, size);
    if (f->bytes != f->data && !((struct xeno_linux *)ctx)->short_lived) {
        file_view_close(f->bytes);
    }
    close(f->fd);
    *f = (struct linux_file){.data = NULL};
}
