#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Lays out C code as .clang-format says: format.sh [--check] [FILE…]; without files, those that differ from the main branch.
# Invariant: --check changes nothing and fails if something would change.
set -eu
cd "$(dirname "$0")/.."
check=
if [ "${1:-}" = --check ]; then
    check=1
    shift
fi
if [ $# -eq 0 ]; then
    base=$(git merge-base HEAD main 2>/dev/null || git rev-parse HEAD)
    # shellcheck disable=SC2046
    set -- $(git diff --name-only --diff-filter=AM "$base" -- '*.c' '*.h')
fi
[ $# -gt 0 ] || exit 0
if [ -n "$check" ]; then
    exec clang-format --dry-run -Werror "$@"
fi
exec clang-format -i "$@"
