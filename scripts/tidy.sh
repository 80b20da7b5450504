#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs clang-tidy as .clang-tidy says: tidy.sh [FILE…]; without files, over all of common/ and hypervisor/.
# Invariant: uses the compile commands of the clang build, so that it sees what the compiler sees.
set -eu
cd "$(dirname "$0")/.."
[ -f build-clang/compile_commands.json ] || cmake --preset release-clang >/dev/null
if [ $# -eq 0 ]; then
    # shellcheck disable=SC2046
    set -- $(git ls-files 'common/*.c' 'hypervisor/*.c' | grep -v asm_offsets)
fi
printf '%s\n' "$@" | xargs -n 4 -P "$(nproc)" clang-tidy -p build-clang --quiet
