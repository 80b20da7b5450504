/* SPDX-License-Identifier: MIT */
/*
 * The wire protocol of xenstore: messages of a fixed header and len bytes of payload, over a
 * shared page with two byte rings (guests) or a Unix socket (tools). A reply repeats type and
 * req_id of its request, or has type XS_ERROR and the name of an error, zero-terminated.
 */
#ifndef XEN_PUBLIC_IO_XS_WIRE_H
#define XEN_PUBLIC_IO_XS_WIRE_H

#include "../xen-compat.h"

/* "|" stands for a zero byte. */
enum xsd_sockmsg_type {
    XS_CONTROL,              /* command|arguments| */
    XS_DIRECTORY,            /* path|                     -> name|... */
    XS_READ,                 /* path|                     -> value */
    XS_GET_PERMS,            /* path|                     -> permission|... */
    XS_WATCH,                /* path|token| */
    XS_UNWATCH,              /* path|token| */
    XS_TRANSACTION_START,    /* |                         -> id| */
    XS_TRANSACTION_END,      /* T| or F| */
    XS_INTRODUCE,            /* domid|frame|port| */
    XS_RELEASE,              /* domid| */
    XS_GET_DOMAIN_PATH,      /* domid|                    -> path| */
    XS_WRITE,                /* path|value */
    XS_MKDIR,                /* path| */
    XS_RM,                   /* path| */
    XS_SET_PERMS,            /* path|permission|... */
    XS_WATCH_EVENT,          /* to the client: path|token| */
    XS_ERROR,                /* to the client: name of an error| */
    XS_IS_DOMAIN_INTRODUCED, /* domid|                    -> T| or F| */
    XS_RESUME,               /* domid| */
    XS_SET_TARGET,           /* domid|target domid| */
    /* 20 is not used */
    XS_RESET_WATCHES = XS_SET_TARGET + 2, /* | */
    XS_DIRECTORY_PART,                    /* path|offset|              -> generation|name|... */

    XS_TYPE_COUNT,
    XS_INVALID = 0xffff /* never a message */
};
#define XS_DEBUG XS_CONTROL

/* Argument of the old form of XS_WRITE. */
#define XS_WRITE_NONE        "NONE"
#define XS_WRITE_CREATE      "CREATE"
#define XS_WRITE_CREATE_EXCL "CREATE|EXCL"

/* One error number of the C library and the name that goes over the wire. */
struct xsd_errors {
    int errnum;
    const char *errstring;
};

/* All errors the protocol knows; only for those who have included errno.h before. */
#ifdef EINVAL
#define XSD_ERROR(x)                                                                               \
    {                                                                                              \
        x, #x                                                                                      \
    }
#if defined(__GNUC__)
__attribute__((unused))
#endif
static const struct xsd_errors xsd_errors[] = {
    XSD_ERROR(E2BIG),  XSD_ERROR(EACCES), XSD_ERROR(EAGAIN),    XSD_ERROR(EBUSY),
    XSD_ERROR(EEXIST), XSD_ERROR(EINVAL), XSD_ERROR(EIO),       XSD_ERROR(EISCONN),
    XSD_ERROR(EISDIR), XSD_ERROR(ENOENT), XSD_ERROR(ENOMEM),    XSD_ERROR(ENOSPC),
    XSD_ERROR(ENOSYS), XSD_ERROR(EPERM),  XSD_ERROR(ENOTEMPTY), XSD_ERROR(EROFS),
};
#endif

struct xsd_sockmsg {
    uint32_t type;   /* XS_* */
    uint32_t req_id; /* chosen by the client, repeated in the reply; 0 in events */
    uint32_t tx_id;  /* transaction; 0: none */
    uint32_t len;    /* bytes of payload that follow, at most XENSTORE_PAYLOAD_MAX */
};

/* The strings of an XS_WATCH_EVENT, by position. */
enum xs_watch_type {
    XS_WATCH_PATH = 0,
    XS_WATCH_TOKEN
};

#define XENSTORE_RING_SIZE 1024
typedef uint32_t XENSTORE_RING_IDX;
#define MASK_XENSTORE_IDX(idx) ((idx) & (XENSTORE_RING_SIZE - 1))

/* The shared page. Indices run freely and are masked on use. */
struct xenstore_domain_interface {
    char req[XENSTORE_RING_SIZE];         /* guest to daemon */
    char rsp[XENSTORE_RING_SIZE];         /* daemon to guest */
    XENSTORE_RING_IDX req_cons, req_prod; /* bytes taken by the daemon, put by the guest */
    XENSTORE_RING_IDX rsp_cons, rsp_prod; /* bytes taken by the guest, put by the daemon */
    uint32_t server_features;             /* by the daemon: XENSTORE_SERVER_FEATURE_* */
    uint32_t connection;                  /* by both: XENSTORE_CONNECTED or _RECONNECT */
    uint32_t error;                       /* by the daemon: XENSTORE_ERROR_* */
};

/* Bytes, terminating zero included. */
#define XENSTORE_PAYLOAD_MAX                 4096
#define XENSTORE_ABS_PATH_MAX                3072
#define XENSTORE_REL_PATH_MAX                2048

#define XENSTORE_SERVER_FEATURE_RECONNECTION 1
#define XENSTORE_SERVER_FEATURE_ERROR        2

#define XENSTORE_CONNECTED                   0 /* normal */
#define XENSTORE_RECONNECT                   1 /* the guest asks for a fresh connection */

#define XENSTORE_ERROR_NONE                  0
#define XENSTORE_ERROR_COMM                  1 /* trouble with the transport */
#define XENSTORE_ERROR_RINGIDX               2 /* an index that cannot be */
#define XENSTORE_ERROR_PROTO                 3 /* a message that breaks the protocol */

#endif /* XEN_PUBLIC_IO_XS_WIRE_H */
