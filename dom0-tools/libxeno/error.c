/* SPDX-License-Identifier: MIT */
/* The one line that an operator sees, and words for error numbers. */
#include <stdarg.h>

#include "common/errno.h"
#include "common/format.h"
#include "libxeno/xeno.h"

int xeno_fail(struct xeno_error *err, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    format_v(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    return -1;
}

const char *xeno_errno_text(long rc)
{
    switch (-rc) {
    case EPERM:
        return "not permitted";
    case ENOENT:
        return "not found";
    case ESRCH:
        return "no such domain";
    case ENOMEM:
        return "not enough memory";
    case EFAULT:
        return "bad address";
    case EBUSY:
        return "busy";
    case EEXIST:
        return "it exists already";
    case EINVAL:
        return "refused as invalid";
    case ENOSYS:
        return "this hypervisor cannot do that";
    case EACCES:
        return "the hypervisor speaks another version of the interface";
    case EOPNOTSUPP:
        return "not supported";
    case ENOSPC:
        return "no room left";
    case ETXTBSY:
        return "somebody is writing the file";
    case EFBIG:
        return "larger than any that could be used";
    default:
        return "failed";
    }
}
