/* SPDX-License-Identifier: MIT */
/*
 * nmi_op(cmd, argument): the older way to register an NMI entry point, and the reasons for an NMI
 * that arch_shared_info.nmi_reason gives to the hardware domain.
 */
#ifndef XEN_PUBLIC_NMI_H
#define XEN_PUBLIC_NMI_H

#include "xen.h"

#define XENNMI_register_callback   0 /* struct xennmi_callback */
#define XENNMI_unregister_callback 1 /* no argument */

#define _XEN_NMIREASON_io_error    0 /* I/O channel check */
#define XEN_NMIREASON_io_error     (1UL << _XEN_NMIREASON_io_error)
#define _XEN_NMIREASON_pci_serr    1 /* PCI system error */
#define XEN_NMIREASON_pci_serr     (1UL << _XEN_NMIREASON_pci_serr)
#define _XEN_NMIREASON_unknown     2
#define XEN_NMIREASON_unknown      (1UL << _XEN_NMIREASON_unknown)

#ifndef __ASSEMBLY__

struct xennmi_callback {
    unsigned long handler_address; /* IN: entry point */
    unsigned long pad;
};
typedef struct xennmi_callback xennmi_callback_t;
DEFINE_XEN_GUEST_HANDLE(xennmi_callback_t);

#endif /* __ASSEMBLY__ */

#endif /* XEN_PUBLIC_NMI_H */
