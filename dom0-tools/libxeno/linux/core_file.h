/* SPDX-License-Identifier: MIT */
/*
 * The head of a core file in Xen's own format (version 0.1): an ELF file without segments, whose sections are the notes, the
 * vCPUs' contexts, the shared page, the table of frames and the frames themselves. Pure: fills a buffer, writes nothing.
 */
#ifndef LIBXENO_LINUX_CORE_FILE_H
#define LIBXENO_LINUX_CORE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <xen/version.h>

/* What one frame of .xen_pages is: its number in the guest and in the machine. */
struct core_frame {
    uint64_t pfn, mfn;
};

/* The descriptor of the version note, as the format has it. */
struct core_version {
    uint64_t major, minor;
    xen_extraversion_t extra;
    xen_compile_info_t compile;
    xen_capabilities_info_t capabilities;
    xen_changeset_info_t changeset;
    xen_platform_parameters_t platform;
    uint64_t page_size;
};

/* Where in the file the parts behind the head lie; pages at a multiple of the page size. */
struct core_layout {
    uint64_t head_bytes, contexts, shared_info, frames, pages, end;
};

#define CORE_HEAD_MAX 4096u

/* The head for so many vCPUs and frames into buf[CORE_HEAD_MAX], and where the rest goes. */
void core_file_head(const struct core_version *v, uint64_t nr_vcpus, uint64_t nr_frames,
                    uint8_t *buf, struct core_layout *out);

#endif
