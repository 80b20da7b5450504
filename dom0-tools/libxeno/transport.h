/* SPDX-License-Identifier: MIT */
/*
 * What libxeno asks of the place it runs in: hypercalls, foreign frames, events, files, output. One structure of functions;
 * a Linux control domain and the boot domain each have theirs. Buffers handed to hypercalls come from malloc(): a
 * transport whose memory may not be touched by the hypervisor directly copies them.
 */
#ifndef LIBXENO_TRANSPORT_H
#define LIBXENO_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xeno_transport {
    void *ctx;
    uint32_t own_domid;
    bool gives_memory; /* this domain has a balloon: 'xeno mem-set 0' makes it smaller */

    /* The result, or -errno. */
    long (*hypercall)(void *ctx, unsigned int nr, uint64_t a1, uint64_t a2, uint64_t a3,
                      uint64_t a4);

    /* Frames of another domain side by side, readable and writable; NULL when one is refused. */
    void *(*map_foreign)(void *ctx, uint32_t domid, const uint64_t *mfns, size_t nr);
    void (*unmap_foreign)(void *ctx, void *va, size_t nr);
    /* One frame that the hypervisor keeps for a domain (XENMEM_acquire_resource), undone by unmap_foreign; NULL: refused. */
    void *(*map_resource)(void *ctx, uint32_t domid, uint32_t type, uint32_t id, uint64_t frame);
    /* A page that another domain has granted us, undone by unmap_grant; NULL: refused, or this place has no grants. */
    void *(*map_grant)(void *ctx, uint32_t domid, uint32_t ref, bool writable);
    void (*unmap_grant)(void *ctx, void *va);
    /* What a device model asks (<xen/hvm/dm_op.h>); op is written back. The result, or -errno. */
    long (*dm_op)(void *ctx, uint32_t domid, void *op, size_t size);

    /* Our end of a channel whose other end waits at remote_port; fn runs when it is notified. Port or -errno. */
    long (*event_bind)(void *ctx, uint32_t domid, uint32_t remote_port, void (*fn)(void *arg),
                       void *arg);
    void (*event_unbind)(void *ctx, uint32_t port);
    void (*event_notify)(void *ctx, uint32_t port);

    /*
     * A file (or boot module); stays readable until file_close. A small one lies at data whole; of a large one it may be that only what
     * describes an ELF file is there (what elf.h and elf_notes.h read), and zeros else: file_bytes has the rest. 0 or -errno.
     */
    int (*file_open)(void *ctx, const char *path, const void **data, size_t *size);
    /*
     * All its bytes, which may change as others write to it; NULL: files are whole here. Were those that have been read its own? 0, or
     * -errno: they could not be read, or it has become shorter; zeros were in their place.
     */
    const void *(*file_bytes)(void *ctx, const void *data);
    int (*file_intact)(void *ctx, const void *data);
    void (*file_close)(void *ctx, const void *data, size_t size);
    /*
     * The ELF kernel in a file that is none (a bzImage, a packed kernel); NULL: this place cannot. 0, or -1 with what is wrong
     * with the file in why. Closed by file_close.
     */
    int (*kernel_unpack)(void *ctx, const char *path, const void **data, size_t *size, char *why,
                         size_t why_size);

    /* Serialise with the console service of this process: nested calls are not made. */
    void (*lock)(void *ctx);
    void (*unlock)(void *ctx);
};

#endif
