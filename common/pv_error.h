/* SPDX-License-Identifier: MIT */
/*
 * Why an image or a memory plan was refused: one reason, one line for the operator. Shared by the ELF reader, the notes
 * and the plan, so that a builder has one error to show and not a cascade.
 */
#ifndef COMMON_PV_ERROR_H
#define COMMON_PV_ERROR_H

enum pv_error {
    PV_OK = 0,
    PV_NOT_ELF,
    PV_TRUNCATED,
    PV_NOT_64BIT,
    PV_WRONG_ARCH,
    PV_NOT_EXECUTABLE,
    PV_NO_SEGMENTS,
    PV_BAD_SEGMENT,
    PV_NO_NOTES,
    PV_NOT_PV,
    PV_BAD_NOTE,
    PV_BAD_XEN_VERSION,
    PV_UNKNOWN_FEATURE,
    PV_BAD_ADDRESS,
    PV_P2M_OVERLAP,
    PV_TOO_BIG,
    PV_NO_DOM0_SUPPORT,
};

/* What is wrong and, where there is something, what to do; no newline. */
const char *pv_error_text(enum pv_error e);

#endif
