#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Installs the headers into a folder of its own, moves that folder, and builds a guest-like source against it the two ways
# that users have: find_package(Xenolith) and pkg-config. Both must find the headers there, in C and in C++.
# Ends with "N passed, M failed".
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@" # also when started by sh
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
for tool in cmake gcc g++ pkg-config; do
    command -v "$tool" > /dev/null || { echo "install: $tool is missing: apt-get install cmake gcc g++ pkg-config"; exit 2; }
done
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
expect() { # what, command...
    if "${@:2}" > "$work/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $1:"
        tail -20 "$work/log"
    fi
}

# The headers' folder stands alone, so a project of three lines is enough to install it.
mkdir -p "$work/src" "$work/user"
cat > "$work/src/CMakeLists.txt" << END
cmake_minimum_required(VERSION 3.25)
project(xenolith VERSION 0.1.0 LANGUAGES NONE)
include(GNUInstallDirs)
add_subdirectory($root/include include)
END
expect configure cmake -S "$work/src" -B "$work/build" -DCMAKE_INSTALL_PREFIX="$work/first"
expect install cmake --install "$work/build" --component headers
# What has been installed must not remember where; pkg-config learns the new place from the file's own.
mv "$work/first" "$work/moved"

cat > "$work/user/use.c" << 'END'
#include <xen/domctl.h>
#include <xen/io/blkif.h>
#include <xen/xen.h>
#ifndef XEN_PUBLIC_XEN_H
#error "these are other headers"
#endif
int use_of_headers(void);
int use_of_headers(void)
{
    return (int)sizeof(struct start_info) + (int)__CONST_RING_SIZE(blkif, 4096);
}
END
cp "$work/user/use.c" "$work/user/use_too.cc"
cat > "$work/user/CMakeLists.txt" << 'END'
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES C CXX)
find_package(Xenolith 0.1 REQUIRED)
add_library(use STATIC use.c use_too.cc)
target_link_libraries(use PRIVATE Xenolith::headers)
END
expect "find_package, configure" cmake -S "$work/user" -B "$work/user/build" -DCMAKE_PREFIX_PATH="$work/moved"
expect "find_package, build" cmake --build "$work/user/build"

export PKG_CONFIG_PATH="$work/moved/share/pkgconfig"
flags=$(pkg-config --cflags xenolith)
read -ra flags <<< "$flags"
expect "pkg-config names the folder" test "$(realpath "${flags[0]#-I}")" = "$(realpath "$work/moved/include")"
expect "pkg-config, C" gcc -std=c99 -Wall -Werror "${flags[@]}" -c "$work/user/use.c" -o "$work/use.o"
expect "pkg-config, C++" g++ -std=c++11 -Wall -Werror "${flags[@]}" -c "$work/user/use_too.cc" -o "$work/use_too.o"
expect "version" pkg-config --atleast-version=0.1 xenolith

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
