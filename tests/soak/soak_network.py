#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Networks of guests on both hypervisors: stock guests, a restart, scripts, and every operation of making an interface that can fail.
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "system"))
import qemu # after the path: these stand with the system tests

qemu.HANG = 1500 # before those that take it for their own
import network_cases as cases


def soak_every_operation_fails_once():
    cases.with_a_restart([], 1)


def soak_networks_on_debian_xen():
    cases.with_a_restart(["--xen"], 3)


def soak_an_interface_with_a_rate():
    for where in ([], ["--xen"]):
        cases.rate(where)


if __name__ == "__main__":
    qemu.main(sys.modules[__name__], "soak_")
