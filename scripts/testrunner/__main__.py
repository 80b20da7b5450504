# SPDX-License-Identifier: MIT
#
# The test driver behind ./test.sh: finds tests by folder convention, builds what they need, runs them two at a time and
# sums up. Invariant: the last line is 'N passed, M failed' (', K skipped'), and the exit status is 0 only for M == 0
# and N > 0.
import argparse
import fnmatch
import sys

import discover
import execute


def parse():
    parser = argparse.ArgumentParser(
        prog="test.sh", description="Builds and runs the tests; logs go to build/test-logs/NAME.log.",
        epilog="Categories: " + " ".join(discover.CATEGORIES) + ". A pattern is a part of a name, or a shell pattern.")
    parser.add_argument("--fast", action="store_true", help="host unit tests, policy and ABI layout only (under two minutes)")
    parser.add_argument("--list", action="store_true", help="print the names of the tests, run nothing")
    parser.add_argument("--bench", action="store_true", help="run the benchmarks instead")
    parser.add_argument("--soak", action="store_true", help="run the long tests instead: minutes each, for releases")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="tests at a time (2)")
    parser.add_argument("pattern", nargs="*", help="run only tests whose name contains, or matches, one of these")
    return parser.parse_args()


def selected(test, args):
    if args.bench != (test.category == "bench") or args.soak != (test.category == "soak"):
        return False
    if args.fast and not test.fast:
        return False
    patterns = args.pattern
    return not patterns or any(p in test.name or fnmatch.fnmatch(test.name, p) for p in patterns)


def main():
    args = parse()
    everything = discover.all_tests()
    tests = [test for test in everything if selected(test, args)]
    if args.list:
        print("\n".join(test.name for test in tests))
        return 0
    if not tests:
        print(f"no test matches {' '.join(args.pattern)}; ./test.sh --list names them")
        print("0 passed, 0 failed")
        return 1
    return execute.run_all(tests, everything, args.jobs)


if __name__ == "__main__":
    sys.exit(main())
