/* SPDX-License-Identifier: MIT */
/*
 * State of a fully virtualized domain as a row of records (XEN_DOMCTL_sethvmcontext, gethvmcontext):
 * each a descriptor and its data; the first is the header, the last has type and length 0.
 */
#ifndef XEN_PUBLIC_HVM_SAVE_H
#define XEN_PUBLIC_HVM_SAVE_H

#include "../xen.h"

#ifndef __ASSEMBLY__

struct hvm_save_descriptor {
    uint16_t typecode;
    uint16_t instance; /* which of its kind, e.g. vCPU */
    uint32_t length;   /* bytes of data behind this descriptor */
};

#include "../arch-x86/hvm/save.h"

#endif /* __ASSEMBLY__ */

/* typecode */
#define HVM_SAVE_CODE_END    0
#define HVM_SAVE_CODE_HEADER 1
#define HVM_SAVE_CODE_CPU    2

#endif /* XEN_PUBLIC_HVM_SAVE_H */
