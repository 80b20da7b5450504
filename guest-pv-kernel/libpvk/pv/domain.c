/* SPDX-License-Identifier: MIT */
/*
 * No hypercall tells a domain its number, but a port that is open for ourselves shows whom it is open for.
 */
#include "pvk/pv/domain.h"

#include <xen/errno.h>

#include "pvk/pv/hypercall.h"

int domain_id(void)
{
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    struct evtchn_status status = {.dom = DOMID_SELF};
    struct evtchn_close close;
    long rc = hc_event_channel_op(EVTCHNOP_alloc_unbound, &alloc);

    if (rc != 0) {
        return (int)rc;
    }
    status.port = alloc.port;
    rc = hc_event_channel_op(EVTCHNOP_status, &status);
    close.port = alloc.port;
    hc_event_channel_op(EVTCHNOP_close, &close);
    if (rc != 0) {
        return (int)rc;
    }
    return status.status == EVTCHNSTAT_unbound ? status.u.unbound.dom : -XEN_EINVAL;
}
