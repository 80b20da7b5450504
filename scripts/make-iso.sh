#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Makes a bootable ISO of the built images: GRUB loads Xenolith by multiboot2, under BIOS and under UEFI from the same file.
# make-iso.sh [--build-dir DIR] [-o FILE] [--hv-args STRING] [--boot-args STRING] [--add FILE[:NAME]]…
# Invariant: a module's line is 'PATH NAME ARGUMENTS' as run.sh has it, so the boot domain sees no difference.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build="$root/build"
output=
hv_args='log=com2 console=com1 exit=debug'
boot_args=
modules=

die() {
    echo "make-iso.sh: $1" >&2
    exit "${2:-1}"
}

tree=$(mktemp -d)
trap 'rm -rf "$tree" "$tree.log"' EXIT
mkdir -p "$tree/boot/grub"

add_module() {
    file=$1
    name=$(basename "$file")
    case "$1" in
    *:*) [ -e "$1" ] || {
        file=${1%:*}
        name=${1##*:}
    } ;;
    esac
    [ -f "$file" ] || die "--add $file: no such file"
    case "$name" in
    boot-domain | xenolith | *[!A-Za-z0-9._+-]*) die "--add: the name '$name' is taken, or has more than letters, digits and ._+-" ;;
    esac
    [ ! -e "$tree/boot/$name" ] || die "--add: the name '$name' is given twice"
    cp "$file" "$tree/boot/$name"
    modules="$modules    module2 /boot/$name /boot/$name $name
"
}

while [ $# -gt 0 ]; do
    case "$1" in
    --build-dir | -o | --hv-args | --boot-args | --add) [ $# -ge 2 ] || die "$1 needs a value" 2 ;;
    *) die "unknown option '$1'" 2 ;;
    esac
    case "$1" in
    --build-dir) build=$2 ;;
    -o) output=$2 ;;
    --hv-args) hv_args=$2 ;;
    --boot-args) boot_args=$2 ;;
    --add) add_module "$2" ;;
    esac
    shift 2
done

sh "$root/scripts/setup.sh" iso
output=${output:-$build/xenolith.iso}
for image in xenolith.elf guests/boot-domain; do
    [ -f "$build/$image" ] || die "$build/$image is not there: build it first (./run.sh does)"
done
cp "$build/xenolith.elf" "$tree/boot/xenolith"
cp "$build/guests/boot-domain" "$tree/boot/boot-domain"
cat >"$tree/boot/grub/grub.cfg" <<CONFIG
set timeout=0
serial --unit=1 --speed=115200
terminal_output serial
menuentry 'Xenolith' {
    multiboot2 /boot/xenolith $hv_args
    module2 /boot/boot-domain /boot/boot-domain boot-domain exit-port=0x501 $boot_args
$modules}
CONFIG
log="$tree.log"
# Without fonts, themes and locales: the menu is never seen.
if ! grub-mkrescue -o "$output" --locales= --fonts= --themes= "$tree/boot/.." -- -volid XENOLITH >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    die "grub-mkrescue fails"
fi
echo "$output"
