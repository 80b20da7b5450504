/* SPDX-License-Identifier: MIT */
/*
 * Names of ring layouts, for a frontend's xenstore node "protocol": which ABI's padding its
 * requests have. A frontend of the backend's own kind may leave it out.
 */
#ifndef XEN_PUBLIC_IO_PROTOCOLS_H
#define XEN_PUBLIC_IO_PROTOCOLS_H

#define XEN_IO_PROTO_ABI_X86_32 "x86_32-abi"
#define XEN_IO_PROTO_ABI_X86_64 "x86_64-abi"
#define XEN_IO_PROTO_ABI_ARM    "arm-abi"

#define XEN_IO_PROTO_ABI_NATIVE XEN_IO_PROTO_ABI_X86_64

#endif /* XEN_PUBLIC_IO_PROTOCOLS_H */
