/* SPDX-License-Identifier: MIT */
/*
 * callback_op(cmd, argument): where the hypervisor enters the guest kernel for anything that is not
 * an exception of set_trap_table. An entry point holds for the vCPU that registers it.
 */
#ifndef XEN_PUBLIC_CALLBACK_H
#define XEN_PUBLIC_CALLBACK_H

#include "xen.h"

#define CALLBACKOP_register              0 /* struct callback_register */
#define CALLBACKOP_unregister            1 /* struct callback_unregister */

#define CALLBACKTYPE_event               0 /* an event is pending and events are not masked */
#define CALLBACKTYPE_failsafe            1 /* a data selector could not be loaded */
#define CALLBACKTYPE_syscall             2 /* SYSCALL in 64-bit user mode */
#define CALLBACKTYPE_sysenter_deprecated 3 /* old number of 5 */
#define CALLBACKTYPE_nmi                 4 /* non-maskable interrupt */
#define CALLBACKTYPE_sysenter            5 /* SYSENTER in user mode */
#define CALLBACKTYPE_syscall32           7 /* SYSCALL in 32-bit user mode */

/* Enter with events masked. */
#define _CALLBACKF_mask_events 0
#define CALLBACKF_mask_events  (1U << _CALLBACKF_mask_events)

#ifndef __ASSEMBLY__

struct callback_register {
    uint16_t type;          /* IN: CALLBACKTYPE_* */
    uint16_t flags;         /* IN: CALLBACKF_* */
    xen_callback_t address; /* IN: canonical virtual address of the entry */
};
typedef struct callback_register callback_register_t;
DEFINE_XEN_GUEST_HANDLE(callback_register_t);

struct callback_unregister {
    uint16_t type; /* IN: CALLBACKTYPE_* */
    uint16_t _unused;
};
typedef struct callback_unregister callback_unregister_t;
DEFINE_XEN_GUEST_HANDLE(callback_unregister_t);

#endif /* __ASSEMBLY__ */

#endif /* XEN_PUBLIC_CALLBACK_H */
