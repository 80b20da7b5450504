/* SPDX-License-Identifier: MIT */
/* Names of what Xenolith counts (<xen/xenolith.h>), for xeno stat and xeno trace; "?" for a number without one. */
#ifndef XENO_COUNTER_NAMES_H
#define XENO_COUNTER_NAMES_H

/* XENOLITH_COUNT_* */
const char *counter_kind(unsigned int kind);
const char *counter_name(unsigned int kind, unsigned int index);

#endif
