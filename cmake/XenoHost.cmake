# SPDX-License-Identifier: MIT
#
# Host programs made of shipped sources: xeno_host_program(NAME FILE) reads what to link from the first 15 lines of FILE:
#   /* SOURCES: common/elf.c … */  shipped sources from the repository root   /* LIBS: fdt … */  system libraries
#   /* DEFINES: X=1 … */           for this program and its sources alone
# Invariant: a shipped source is compiled once for all programs that do not ask for definitions of their own.
set(XENO_HOST_INCLUDES "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/hypervisor"
    "${PROJECT_SOURCE_DIR}/dom0-tools" "${PROJECT_SOURCE_DIR}/guest-pv-kernel")
set(XENO_HOST_CFLAGS -fno-omit-frame-pointer -DXENO_HOST_TEST=1 -DXENO_DEBUG=1)

# The words after "KEY:" in the head of a file.
function(xeno_head_words file key out)
    file(STRINGS "${file}" head LIMIT_COUNT 40)
    list(SUBLIST head 0 15 head)
    set(words "")
    foreach(line IN LISTS head)
        if(line MATCHES "^[ /*]*${key}:(.*)$")
            string(REGEX REPLACE "\\*/.*" "" line "${CMAKE_MATCH_1}")
            string(STRIP "${line}" line)
            string(REGEX REPLACE "[ \t]+" ";" line "${line}")
            list(APPEND words ${line})
        endif()
    endforeach()
    set(${out} "${words}" PARENT_SCOPE)
    set_property(DIRECTORY "${PROJECT_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
endfunction()

function(xeno_host_options target)
    target_include_directories(${target} PRIVATE ${XENO_HOST_INCLUDES})
    target_compile_options(${target} PRIVATE ${XENO_HOST_CFLAGS} ${XENO_WARNINGS} ${ARGN})
endfunction()

# The object library of one shipped source, made at its first use.
function(xeno_host_object source out)
    string(MAKE_C_IDENTIFIER "host_${source}" lib)
    if(NOT TARGET ${lib})
        add_library(${lib} OBJECT EXCLUDE_FROM_ALL "${PROJECT_SOURCE_DIR}/${source}")
        xeno_host_options(${lib} ${XENO_HOST_SANITIZE})
    endif()
    set(${out} $<TARGET_OBJECTS:${lib}> PARENT_SCOPE)
endfunction()

function(xeno_host_program name file)
    xeno_head_words("${file}" SOURCES sources)
    xeno_head_words("${file}" LIBS libs)
    xeno_head_words("${file}" DEFINES defines)
    set(parts "")
    foreach(source IN LISTS sources)
        if(NOT EXISTS "${PROJECT_SOURCE_DIR}/${source}")
            message(SEND_ERROR "${file}: its SOURCES line names ${source}, which does not exist")
        elseif(defines)
            list(APPEND parts "${PROJECT_SOURCE_DIR}/${source}")
        else()
            xeno_host_object("${source}" part)
            list(APPEND parts ${part})
        endif()
    endforeach()
    add_executable(${name} "${file}" ${parts})
    xeno_host_options(${name} ${XENO_HOST_SANITIZE})
    target_compile_definitions(${name} PRIVATE ${defines})
    target_link_options(${name} PRIVATE ${XENO_HOST_SANITIZE})
    target_link_libraries(${name} PRIVATE ${libs})
endfunction()
