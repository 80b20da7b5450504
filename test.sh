#!/bin/sh
# SPDX-License-Identifier: MIT
#
# All tests: installs what is missing, builds, runs, and ends with a line 'N passed, M failed'. See ./test.sh --help.
set -eu
cd "$(dirname "$0")"
sh scripts/setup.sh test
# A fresh machine has ninja and no make.
export CMAKE_GENERATOR=Ninja
exec python3 -B scripts/testrunner "$@"
