# SPDX-License-Identifier: MIT
#
# Compiler flags in one place: the warnings that every part must pass, and what freestanding code is built with.
# Invariant: warnings are errors for gcc and clang alike; no part adds a blanket -Wno-*.
set(XENO_WARNINGS -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wimplicit-fallthrough
    -Wpointer-arith -Wwrite-strings -Wundef)

# A source may silence a warning that only gcc has; with clang the pragma must not be an error.
if(CMAKE_C_COMPILER_ID MATCHES "Clang")
    list(APPEND XENO_WARNINGS -Wno-unknown-warning-option)
endif()

# Truncation is an error in shipped code; sign changes are everywhere in ABI code and say nothing.
set(XENO_WARNINGS_STRICT ${XENO_WARNINGS} -Wconversion -Wno-sign-conversion)

# Freestanding x86-64 code without vector registers: the FPU state belongs to guests (hypervisor) or to user mode (PV kernel).
# The compiler's own headers and no others: Debian's libxen-dev would quietly answer for a <xen/…> that we lack.
execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=include OUTPUT_VARIABLE XENO_COMPILER_INCLUDE
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)

# -fbuiltin after -ffreestanding: there is no C library, but the compiler may still expand memcpy() of a known size in place.
set(XENO_FREESTANDING_CFLAGS -nostdinc -isystem ${XENO_COMPILER_INCLUDE} -ffreestanding -fbuiltin -mno-red-zone -mgeneral-regs-only -mcmodel=small -fvisibility=hidden
    -fno-asynchronous-unwind-tables -fno-stack-protector -fcf-protection=none -fno-strict-aliasing -fno-common
    -ffunction-sections -fdata-sections "-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=")

# Frame pointers make the backtraces of debug builds exact.
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
    list(APPEND XENO_FREESTANDING_CFLAGS -fno-omit-frame-pointer -DXENO_DEBUG=1)
endif()
