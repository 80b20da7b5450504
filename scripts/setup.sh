#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Installs the Debian packages that a group of work needs: setup.sh run | test. Asks nothing; looks at files, not at the
# package database, so with everything there it costs milliseconds and works on systems without apt. Where it cannot
# install, one line says what is missing.
set -eu

run_packages='
gcc:gcc
libc6-dev:/usr/include/stdio.h
binutils:ld
cmake:cmake
ninja-build:ninja
pkg-config:pkg-config
python3:python3
git:git
qemu-system-x86:qemu-system-x86_64
device-tree-compiler:dtc
libfdt-dev:/usr/include/libfdt.h
musl-tools:/usr/lib/x86_64-linux-musl/libc.a
zlib1g-dev:/usr/lib/x86_64-linux-gnu/libz.a
liblzma-dev:/usr/lib/x86_64-linux-gnu/liblzma.a
libzstd-dev:/usr/lib/x86_64-linux-gnu/libzstd.a
liblz4-dev:/usr/lib/x86_64-linux-gnu/liblz4.a
libncurses-dev:/usr/include/curses.h
'
xen_packages='
xen-hypervisor-4.17-amd64:/boot/xen-4.17-amd64.gz
'
disk_packages='
mmdebstrap:mmdebstrap
genext2fs:genext2fs
e2fsprogs:/sbin/resize2fs
'
browser_packages='
chromium:chromium
'
iso_packages='
grub-common:grub-mkrescue
grub-pc-bin:/usr/lib/grub/i386-pc/multiboot2.mod
grub-efi-amd64-bin:/usr/lib/grub/x86_64-efi/multiboot2.mod
xorriso:xorriso
mtools:mformat
ovmf:/usr/share/OVMF/OVMF_CODE.fd
'
test_packages='
g++:g++
clang:clang
libclang-rt-14-dev:/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.fuzzer-x86_64.a
llvm:llvm-symbolizer
check:/usr/include/check.h
xenstore-utils:xenstore-ls
libzydis-dev:/usr/include/Zydis/Zydis.h
libxen-dev:/usr/include/xen/xen.h
tmux:tmux
'

case "${1:-run}" in
run) wanted="$run_packages" ;;
xen) wanted="$run_packages $xen_packages" ;;
iso) wanted="$run_packages $iso_packages" ;;
browser) wanted="$browser_packages" ;;
disk) wanted="$run_packages $xen_packages $disk_packages" ;;
test) wanted="$run_packages $xen_packages $disk_packages $iso_packages $test_packages" ;;
*)
    echo "setup.sh: unknown group '$1' (run, xen, iso, disk, browser, test)" >&2
    exit 2
    ;;
esac

missing=
for entry in $wanted; do
    probe=${entry#*:}
    case "$probe" in
    /*) [ -e "$probe" ] || missing="$missing ${entry%%:*}" ;;
    *) command -v "$probe" >/dev/null 2>&1 || missing="$missing ${entry%%:*}" ;;
    esac
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root=sudo
    else
        echo "setup.sh: not root: install these packages and start again: apt-get install$missing" >&2
        exit 1
    fi
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "setup.sh: no apt-get here: install the counterparts of these Debian packages:$missing" >&2
    exit 1
fi

echo "setup: installing$missing" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -q"
# The package lists of a fresh machine are empty, those of an old one name files that are gone.
# shellcheck disable=SC2086
if ! { $apt update && $apt install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    echo "setup.sh: apt-get could not install$missing" >&2
    exit 1
fi
