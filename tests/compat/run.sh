#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Proves the ABI headers: each compiles alone and without a warning; layouts, constants and macros are those of another set
# of Xen's public headers (Debian's libxen-dev); the proof itself notices what is broken; docs/abi agrees with both.
# Ends with "N passed, M failed", exit 1 on any failure, 2 if something it needs is missing.
# Usage: run.sh [BUILD-FOLDER]        XEN_INCLUDE=/usr/include: where the other set lies
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@" # also when started by sh
set -u
here=$(cd "$(dirname "$0")" && pwd)
include=$(cd "$here/../../include" && pwd)
theirs=${XEN_INCLUDE:-/usr/include}
build=${1:-}
if [ -z "$build" ]; then
    build=$(mktemp -d) || exit 2
    trap 'rm -rf "$build"' EXIT
fi
mkdir -p "$build" || exit 2
for tool in gcc g++ python3 readelf; do
    command -v "$tool" > /dev/null || { echo "compat: $tool is missing: apt-get install gcc g++ python3 binutils"; exit 2; }
done
[ -f "$theirs/xen/xen.h" ] || { echo "compat: $theirs/xen/xen.h is missing: apt-get install libxen-dev"; exit 2; }

passed=0
failed=0
count() { # a line "N passed, M failed"
    [[ $1 =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]] || { failed=$((failed + 1)); return; }
    passed=$((passed + BASH_REMATCH[1]))
    failed=$((failed + BASH_REMATCH[2]))
}

# 1. Every header alone, in every language and by every compiler there is.
languages=("gcc -std=c99 -x c" "gcc -std=c11 -x c" "g++ -std=c++11 -x c++")
command -v clang > /dev/null && languages+=("clang -std=c99 -x c")
command -v clang++ > /dev/null && languages+=("clang++ -std=c++11 -x c++")
strict="-Wall -Wextra -Wshadow -Wconversion -pedantic -Werror -ffreestanding -fsyntax-only"
alone() { # header, compiler and language
    text="#include <$1>"
    [[ $2 == *assembler* ]] || text+=$'\nextern int one_declaration;'
    # shellcheck disable=SC2086 # the second argument is a command with options
    if out=$(printf '%s\n' "$text" | $2 -I"$include" - 2>&1); then echo ok; else printf 'FAIL %s: %s\n%s\n' "$1" "$2" "$out"; fi
}
export -f alone
export include
cd "$include" || exit 2
mapfile -t headers < <(find xen -name '*.h' | sort)
# shellcheck disable=SC2016 # the inner shell at the end expands its own arguments
{
    for header in "${headers[@]}"; do
        for language in "${languages[@]}"; do
            printf '%s\0%s\0' "$header" "$language $strict"
        done
        # Headers that provide for assembly keep that promise.
        if ! grep -q typedef "$header" || grep -q __ASSEMBLY__ "$header"; then
            [[ $header == xen/io/* ]] || printf '%s\0%s\0' "$header" "gcc -x assembler-with-cpp -c -o /dev/null"
        fi
    done
} | xargs -0 -n 2 -P 2 bash -c 'alone "$1" "$2"' alone > "$build/alone.txt"
good=$(grep -c '^ok$' "$build/alone.txt")
bad=$(grep -c '^FAIL ' "$build/alone.txt")
grep -v '^ok$' "$build/alone.txt"
echo "standalone: ${#headers[@]} headers, ${#languages[@]} languages and assembly, $bad failures"
passed=$((passed + good))
failed=$((failed + bad))
[ "$good" -gt 0 ] || failed=$((failed + 1))

# 2. Layout, constants, macros.
python3 "$here/gen_layout.py" --theirs "$theirs" --build "$build/layout" > "$build/layout.txt" 2>&1
grep -v ' passed, ' "$build/layout.txt"
count "$(tail -1 "$build/layout.txt")"

# 3. Macros that do something, against both sets.
behave() { # program, compiler options
    gcc -std=gnu11 "${@:2}" "$here/behaviour.c" -o "$build/$1" && timeout 20 "$build/$1" > "$build/$1.txt"
}
if behave ours -Wall -Wextra -Werror -g -fsanitize=address,undefined -fno-sanitize-recover=all "-I$include" &&
   behave theirs -w -D__XEN_TOOLS__ "-I$theirs" && [ -s "$build/ours.txt" ] && cmp "$build/ours.txt" "$build/theirs.txt"; then
    echo "behaviour: $(wc -l < "$build/ours.txt") lines agree"
    passed=$((passed + 1))
else
    echo "FAIL behaviour: behaviour.c does not do the same with both sets of headers"
    failed=$((failed + 1))
fi

# 4. Would a mistake be noticed?
python3 "$here/self_test.py" --theirs "$theirs" --build "$build/self-test" > "$build/self-test.txt" 2>&1
grep -v ' passed, ' "$build/self-test.txt"
count "$(tail -1 "$build/self-test.txt")"

# 5. The pages that describe the calls.
python3 "$here/check_docs.py" > "$build/docs.txt" 2>&1
grep -v ' passed, ' "$build/docs.txt"
count "$(tail -1 "$build/docs.txt")"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
