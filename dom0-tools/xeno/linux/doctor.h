/* SPDX-License-Identifier: MIT */
/* xeno doctor runs whether or not the devices could be opened: what went wrong there is one of its findings. */
#ifndef XENO_LINUX_DOCTOR_H
#define XENO_LINUX_DOCTOR_H

#include "xeno/linux/place.h"

/* open_error: why the hypervisor cannot be reached; NULL if it can. Status 0, or 1 if anything is wrong. */
int cmd_doctor(struct cli *c, int argc, char **argv, const char *open_error);

#endif
