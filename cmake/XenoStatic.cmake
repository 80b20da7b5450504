# SPDX-License-Identifier: MIT
#
# Static tools of the control domain: xeno_static_tool(NAME SOURCE…) links a program with musl, the same way with gcc and
# clang, so that it runs in any Linux (an initramfs without a C library too), starts in a few system calls and stays small.
# Invariant: it sees musl's headers, the compiler's and ours, none of the machine's C library.
set(XENO_MUSL_INCLUDE /usr/include/x86_64-linux-musl CACHE PATH "musl's headers")
set(XENO_MUSL_LIB /usr/lib/x86_64-linux-musl CACHE PATH "musl's libc.a and start files")

set(XENO_STATIC_CFLAGS -nostdinc "-I${PROJECT_SOURCE_DIR}" "-I${PROJECT_SOURCE_DIR}/include" "-I${PROJECT_SOURCE_DIR}/dom0-tools"
    "-isystem${XENO_MUSL_INCLUDE}" "-isystem${XENO_COMPILER_INCLUDE}" -D_GNU_SOURCE -fno-pie -ffunction-sections -fdata-sections
    -fno-asynchronous-unwind-tables -fcf-protection=none -fstack-protector-strong "-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=")

# The compiler's run-time library: the one thing of the machine's that is linked.
execute_process(COMMAND ${CMAKE_C_COMPILER} --print-file-name=libgcc.a OUTPUT_VARIABLE XENO_LIBGCC
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)

function(xeno_static_tool name)
    add_executable(${name} ${ARGN})
    target_compile_options(${name} PRIVATE ${XENO_STATIC_CFLAGS} ${XENO_WARNINGS})
    target_link_options(${name} PRIVATE -static -nostdlib -Wl,--gc-sections -Wl,-z,noexecstack -Wl,-z,relro
        -Wl,--build-id=none "${XENO_MUSL_LIB}/crt1.o" "${XENO_MUSL_LIB}/crti.o")
    target_link_libraries(${name} PRIVATE "${XENO_MUSL_LIB}/libc.a" "${XENO_LIBGCC}" "${XENO_MUSL_LIB}/libc.a"
        "${XENO_MUSL_LIB}/crtn.o")
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tools")
    # What is shipped has no debug information; NAME.debug has it.
    add_custom_command(TARGET ${name} POST_BUILD
        COMMAND ${CMAKE_OBJCOPY} --strip-all "$<TARGET_FILE:${name}>" "$<TARGET_FILE:${name}>.stripped"
        COMMAND ${CMAKE_COMMAND} -E rename "$<TARGET_FILE:${name}>" "$<TARGET_FILE:${name}>.debug"
        COMMAND ${CMAKE_COMMAND} -E rename "$<TARGET_FILE:${name}>.stripped" "$<TARGET_FILE:${name}>" VERBATIM)
endfunction()
