/* SPDX-License-Identifier: MIT */
/*
 * Included before every freestanding source by the build: nothing here is ever bound at run time, so every declaration is
 * hidden and the compiler may address it relative to the instruction pointer.
 */
#pragma GCC visibility push(hidden)
