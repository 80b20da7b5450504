#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# xeno, xenostored and xenoconsoled in Debian's Linux for minutes, on our hypervisor and on Debian's Xen: cycles beside a stock guest,
# daemons killed every second, each action for each end, each fault of a build, sizes of stock guests.
# Invariant: the same cases as the system tests', longer or more of them.
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
import qemu # after the path: these stand with the system tests

qemu.HANG = 1500 # before those that take it for their own
import end_cases
import stock_guest_cases
import store_linux_cases
import xeno_linux_cases

BOTH = ([], ["--xen"])


def soak_two_hundred_domains_beside_a_stock_guest():
    for where in BOTH:
        stock_guest_cases.cycles_beside(where, 200)


def soak_daemons_killed_for_a_minute():
    for where in BOTH:
        print(store_linux_cases.killed_under_load(where, "60").output)


def soak_each_action_for_each_end():
    for where in BOTH:
        end_cases.each_action_for_each_end(where)


def soak_each_action_for_each_end_of_a_stock_guest():
    for where in BOTH:
        stock_guest_cases.actions(where)


def soak_two_verbs_at_once():
    for where in BOTH:
        end_cases.two_at_once(where)


def soak_killed_in_the_middle():
    for where in BOTH:
        end_cases.killed_in_the_middle(where, step=4)


def soak_verbs_with_a_stock_guest():
    for where in BOTH:
        stock_guest_cases.verbs(where)


def soak_core_like_xls():
    stock_guest_cases.core_like_xls()


def soak_each_fault_on_xen():
    xeno_linux_cases.nothing_is_left_behind(["--xen"], step=1)


def soak_sizes_of_stock_guests():
    for where in BOTH:
        stock_guest_cases.sizes(where, "-cloud")
    stock_guest_cases.sizes([], "")


def soak_each_payload_of_stock_kernels():
    for kind in ("", "-cloud"):
        for where in BOTH:
            found = stock_guest_cases.payloads(where, kind)
            if not all(found.values()):
                raise qemu.Failure(f"on {where}, {kind}: expected each to run: {found}")
    found = stock_guest_cases.payloads(["--xen"], "", "xl")
    if not all(found.values()):
        raise qemu.Failure(f"expected xl to make the same guests: {found}")


if __name__ == "__main__":
    qemu.main(sys.modules[__name__], "soak_")
