#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The front door: installs what is missing, builds, and boots Xenolith in QEMU. See ./run.sh --help, docs/how-to/run.md.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ "${1:-}" = contrast ]; then
    shift
    sh "$here/scripts/setup.sh" run
    exec python3 -B "$here/scripts/contrast" "$@"
fi
group=run
for word in "$@"; do
    case "$word" in
    --) break ;;
    --xen) [ "$group" = disk ] || group=xen ;;
    --disk) group=disk ;;
    esac
done
sh "$here/scripts/setup.sh" "$group"
exec python3 -B "$here/scripts/xenorun" "$@"
