/* SPDX-License-Identifier: MIT */
/*
 * The states through which a front and back end of a device walk, each in a node "state" of its
 * xenstore directory, written as a decimal number.
 */
#ifndef XEN_PUBLIC_IO_XENBUS_H
#define XEN_PUBLIC_IO_XENBUS_H

enum xenbus_state {
    XenbusStateUnknown = 0,       /* no or unreadable node */
    XenbusStateInitialising = 1,  /* created by the tools, not yet looked at */
    XenbusStateInitWait = 2,      /* backend: features published, waiting for the frontend */
    XenbusStateInitialised = 3,   /* frontend: rings and event channel published */
    XenbusStateConnected = 4,     /* in use */
    XenbusStateClosing = 5,       /* wants to end */
    XenbusStateClosed = 6,        /* has ended */
    XenbusStateReconfiguring = 7, /* devices of this bus change (PCI) */
    XenbusStateReconfigured = 8
};
typedef enum xenbus_state XenbusState;

#endif /* XEN_PUBLIC_IO_XENBUS_H */
