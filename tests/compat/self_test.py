#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Does gen_layout.py notice? Breaks a copy of our headers in one place of each kind, runs the proof against the other set,
# and expects every break to be named.
# Invariant: each break below must still apply, so a header that changes under it fails here instead of testing nothing.
import argparse
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent

# header, what stands there, what to put there, what the proof has to complain about
BREAKS = [
    ("xen.h", "    uint32_t store_evtchn; ", "    uint64_t store_evtchn; ", ["struct start_info.store_evtchn"]),
    ("vcpu.h", "    uint64_t time[4];", "    uint64_t time[5];", ["struct vcpu_runstate_info", "struct vcpu_runstate_info.time"]),
    ("xen.h", "    int8_t tsc_shift; ", "    uint8_t tsc_shift; ", ["struct vcpu_time_info.tsc_shift"]),
    ("xen.h", "#define VIRQ_CONSOLE     2", "#define VIRQ_CONSOLE     5", ["VIRQ_CONSOLE"]),
    ("xen.h", "#define DOMID_IDLE           xen_mk_uint(0x7FFF)", "#define DOMID_IDLE           0x7FFFUL", ["DOMID_IDLE"]),
    ("sched.h", "    unsigned int nr_ports; ", "    unsigned int nr_doors; ", ["struct sched_poll.nr_doors"]),
    ("event_channel.h", "typedef uint32_t evtchn_port_t;", "typedef int32_t evtchn_port_t;", ["evtchn_port_t"]),
    ("errno.h", "XEN_ERRNO(EBUSY, 16)", "XEN_ERRNO(EBUSY, 15)", ["XEN_EBUSY"]),
    ("io/xs_wire.h", "    XS_MKDIR, ", "    XS_MKDIR = 20, ", ["XS_MKDIR", "XS_RM"]),
    ("io/protocols.h", '"x86_64-abi"', '"x86_64"', ["XEN_IO_PROTO_ABI_X86_64"]),
    ("trace.h", "uint32_t event : 28;", "uint32_t event : 27;", ["struct t_rec.event", "struct t_rec.extra_u32"]),
    ("memory.h", "(((x) + 1) << 8) ", "(((x) + 2) << 8) ", ["XENMEMF_node"]),
    ("callback.h", "struct callback_register {", "struct novel { int a; };\nstruct callback_register {", ["struct novel"]),
    ("callback.h", "#define CALLBACKOP_register   0", "#define CALLBACKOP_novel 9\n#define CALLBACKOP_register   0", ["CALLBACKOP_novel"]),
    ("callback.h", "#define CALLBACKOP_unregister 1", "#define CALLBACKOP_of(x) (x)\n#define CALLBACKOP_unregister 1", ["CALLBACKOP_of"]),
    ("platform.h", "#define xenpf_settime xenpf_settime64", "#define xenpf_settime xenpf_settime32", ["xenpf_settime"]),
    ("grant_table.h", "    uint16_t page_off; ", "    uint16_t pad_first; uint16_t page_off; ", ["union grant_entry_v2.sub_page.page_off"]),
    ("xenolith.h", "#define DOMID_BOOT 0x7fef", "#define DOMID_BOOT 0x7fef\n#define XEN_PAGE_SHIFT 13", ["XEN_PAGE_SHIFT"]),
]


def main():
    parser = argparse.ArgumentParser(description="break our headers and see whether the proof notices")
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--theirs", default="/usr/include")
    args = parser.parse_args()
    copy = args.build / "include"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(HERE.parent.parent / "include", copy)
    for header, before, after, _ in BREAKS:
        path = copy / "xen" / header
        text = path.read_text()
        # However much white space the layout of the file puts between two words.
        pattern = r"\s+".join(re.escape(word) for word in before.split())
        text, count = re.subn(pattern, lambda _, after=after: after, text, count=1)
        if not count:
            sys.exit(f"self_test: '{before}' no longer stands in {header}: adapt this break")
        path.write_text(text)
    result = subprocess.run([sys.executable, str(HERE / "gen_layout.py"), "--ours", str(copy), "--theirs", args.theirs,
                             "--build", str(args.build / "work"), "--all"], capture_output=True, text=True, check=False)
    reported = set(re.findall(r"^FAIL (.*?): ", result.stdout, re.M))
    failed = 0 if result.returncode else 1
    if not reported:
        print(f"FAIL self-test: the proof did not run:\n{result.stdout}{result.stderr}")
    for header, before, _, names in BREAKS:
        for name in names:
            if name not in reported:
                print(f"FAIL self-test: {header}: '{before.strip()}' was broken and {name} not reported")
                failed += 1
    expected = sum(len(names) for _, _, _, names in BREAKS)
    print(f"self-test: {len(BREAKS)} breaks, {len(reported)} names reported")
    print(f"{expected - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
