/* SPDX-License-Identifier: MIT */
/*
 * Error numbers that hypercalls return, negated. They are the hypervisor's own and fixed for ever,
 * whatever errno.h of the guest's C library says; each gets the prefix XEN_.
 * Two ways to use this header: plainly, for enum xen_errno; or with a macro XEN_ERRNO(name, value)
 * in scope, which is then applied to every entry (names without prefix) and undefined again.
 */
#ifndef XEN_ERRNO
#ifndef XEN_PUBLIC_ERRNO_H
#define XEN_PUBLIC_ERRNO_H
#define XEN_ERRNO_PLAIN_
#if defined(__ASSEMBLER__) || defined(__ASSEMBLY__)
#define XEN_ERRNO(name, value) .equ XEN_##name, value
#else
#define XEN_ERRNO(name, value) XEN_##name = value,
enum xen_errno {
#endif
#endif /* XEN_PUBLIC_ERRNO_H */
#endif /* XEN_ERRNO */

/* clang-format off */ /* a list, not declarations */
#ifdef XEN_ERRNO
XEN_ERRNO(EPERM, 1)            /* not privileged enough, or not for this domain */
XEN_ERRNO(ENOENT, 2)           /* no such thing */
XEN_ERRNO(ESRCH, 3)            /* no such domain */
XEN_ERRNO(EINTR, 4)            /* inside the hypervisor: interrupted */
XEN_ERRNO(EIO, 5)
XEN_ERRNO(ENXIO, 6)
XEN_ERRNO(E2BIG, 7)
XEN_ERRNO(ENOEXEC, 8)
XEN_ERRNO(EBADF, 9)
XEN_ERRNO(ECHILD, 10)
XEN_ERRNO(EAGAIN, 11)
XEN_ERRNO(EWOULDBLOCK, 11)
XEN_ERRNO(ENOMEM, 12)
XEN_ERRNO(EACCES, 13)          /* in domctl and sysctl: wrong interface version */
XEN_ERRNO(EFAULT, 14)          /* a guest address cannot be read or written */
XEN_ERRNO(EBUSY, 16)
XEN_ERRNO(EEXIST, 17)
XEN_ERRNO(EXDEV, 18)
XEN_ERRNO(ENODEV, 19)
XEN_ERRNO(ENOTDIR, 20)
XEN_ERRNO(EISDIR, 21)
XEN_ERRNO(EINVAL, 22)
XEN_ERRNO(ENFILE, 23)
XEN_ERRNO(EMFILE, 24)
XEN_ERRNO(ENOSPC, 28)
XEN_ERRNO(EROFS, 30)
XEN_ERRNO(EMLINK, 31)
XEN_ERRNO(EDOM, 33)
XEN_ERRNO(ERANGE, 34)
XEN_ERRNO(EDEADLK, 35)
XEN_ERRNO(EDEADLOCK, 35)
XEN_ERRNO(ENAMETOOLONG, 36)
XEN_ERRNO(ENOLCK, 37)
XEN_ERRNO(ENOSYS, 38)          /* no such hypercall or operation */
XEN_ERRNO(ENOTEMPTY, 39)
XEN_ERRNO(ENODATA, 61)
XEN_ERRNO(ETIME, 62)
XEN_ERRNO(EBADMSG, 74)
XEN_ERRNO(EOVERFLOW, 75)
XEN_ERRNO(EILSEQ, 84)
XEN_ERRNO(ERESTART, 85)        /* a control operation stopped half-way: issue it again */
XEN_ERRNO(ENOTSOCK, 88)
XEN_ERRNO(EMSGSIZE, 90)
XEN_ERRNO(EOPNOTSUPP, 95)      /* known, but not for this kind of domain or this machine */
XEN_ERRNO(EADDRINUSE, 98)
XEN_ERRNO(EADDRNOTAVAIL, 99)
XEN_ERRNO(ENOBUFS, 105)
XEN_ERRNO(EISCONN, 106)
XEN_ERRNO(ENOTCONN, 107)
XEN_ERRNO(ETIMEDOUT, 110)
XEN_ERRNO(ECONNREFUSED, 111)
#undef XEN_ERRNO
#endif /* XEN_ERRNO */

#ifdef XEN_ERRNO_PLAIN_
#undef XEN_ERRNO_PLAIN_
#if !defined(__ASSEMBLER__) && !defined(__ASSEMBLY__)
};
#endif
#endif
/* clang-format on */
