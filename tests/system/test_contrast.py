#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# ./run.sh contrast: what it refuses, what its numbers say under each mechanism, and its page in a browser, where a script that is put
# into a copy measures what a reader sees: nothing wider than a phone, no text outside of its picture, colours for light and dark.
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import qemu

CONTRAST = [sys.executable, "-B", str(qemu.ROOT / "scripts" / "contrast"), "--build-dir", str(qemu.BUILD)]
# Operations that a mechanism needs no help for.
UNTOUCHED = {"pv": {"interrupts-off-on", "read-cr3"}, "svm": {"interrupts-off-on", "read-cr3", "null-system-call", "page-fault", "process-switch"}}
# Those of which each run crosses as often as any other, and neither a timer nor another domain comes in between.
WHOLE = ("null-system-call", "interrupts-off-on", "read-cr3", "page-fault", "cpuid", "set-timer")
LOOK = """<script>
const texts = [...document.querySelectorAll('svg text')].filter(text => {
    const box = text.getBBox(), view = text.ownerSVGElement.viewBox.baseVal;
    return box.x < -0.5 || box.x + box.width > view.width + 0.5 || box.y < -0.5 || box.y + box.height > view.height + 0.5;
});
const all = document.documentElement;
all.setAttribute('data-seen', [all.scrollWidth, innerWidth, document.querySelectorAll('svg').length, texts.length,
    getComputedStyle(document.body).backgroundColor, texts.map(text => text.textContent).join('|')].join(';'));
</script>"""


def contrast(*words):
    done = subprocess.run(CONTRAST + [str(word) for word in words], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                          timeout=540, check=False)
    return qemu.Result([str(word) for word in words], done.returncode, done.stdout, done.stderr, "")


def refused(status, said, *words):
    result = contrast(*words)
    lines = [line for line in result.errors.splitlines() if not re.match(r"contrast: \w+$", line)]
    result.expect_status(status).expect(len(lines) == 1 and re.search(said, lines[0]) and not result.output, f"expected one line like {said!r}")


def test_refusals_are_one_line():
    refused(2, "unknown operation 'sing'; there are: null-system-call ", "--op", "sing", "--mechanisms", "pv")
    refused(2, "no mechanism 'vmx': there are native, pv, trap, svm", "--mechanisms", "pv,vmx")
    refused(2, "no such folder", "--json", "/nowhere/at/all.json")
    refused(1, "svm: .*needs a CPU with SVM", "--mechanisms", "svm", "--cpu-model", "max,-svm")


def check_numbers(result, found):
    """Crossings where there must be some, none where there must not, and less paravirtualized than emulated."""
    operations = found["operations"]
    result.expect(set(found["mechanisms"]) == {"native", "pv", "trap", "svm"} and len(operations) == 18, f"expected all of it: {list(operations)}")
    for name, of_one in operations.items():
        result.expect(set(of_one) == set(found["mechanisms"]), f"{name}: expected each mechanism: {list(of_one)}")
        result.expect(not of_one["native"]["crossings"], f"{name}: there is nothing to cross to")
        for mechanism, untouched in UNTOUCHED.items():
            if name in untouched:
                result.expect(not of_one[mechanism]["crossings"], f"{name}, {mechanism}: {of_one[mechanism]['crossings']}")
        if of_one["trap"]["crossings"]:
            pv, trap = of_one["pv"]["instructions"], of_one["trap"]["instructions"]
            result.expect(3 * pv <= trap, f"{name}: expected at most a third of trap's instructions with PV: {pv} of {trap}")
    for name in WHOLE:
        for mechanism in ("pv", "trap", "svm"):
            of_one = operations[name][mechanism]
            shown = sum(r["what"] == "begin" and r["kind"] != "event" for r in of_one["trace"]["first"])
            counted = sum(c["count"] for c in of_one["crossings"] if c["kind"] != "event")
            result.expect(shown == counted, f"{name}, {mechanism}: expected each crossing in the timeline: {shown} of {counted}")
    kinds = {crossing["name"] for crossing in operations["console-1"]["svm"]["crossings"]}
    result.expect({"device model", "port access"} <= kinds, f"console-1, svm: expected the way by the device model: {kinds}")
    result.expect(any(r["what"] == "switch" for r in operations["console-1"]["svm"]["trace"]["first"]), "expected to see the control domain's turn")


def look(page, *words):
    """What a browser of that kind sees of the page: its width and the window's, pictures, texts cut off, background."""
    with tempfile.TemporaryDirectory(prefix="browser-") as profile:
        done = subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={profile}",
                               *words, "--dump-dom", f"file://{page}"], capture_output=True, text=True, errors="replace", timeout=120, check=False)
    seen = re.search(r'data-seen="([^"]*)"', done.stdout)
    if not seen:
        raise qemu.Failure(f"the browser did not show the page ({done.returncode}): {done.stderr[-500:]}")
    return seen.group(1).split(";", 5)


def check_page(result, page, folder):
    text = page.read_text(encoding="utf-8")
    result.expect(not re.search(r"""(src|href)=["'](?!#)|url\(|@import|<script""", text), "expected a page that needs nothing else")
    result.expect(text.count('<div class="pair">') > 18 and "insn_cpuid" in text and "hc_mmuext_op" in text, "expected the code of both back ends")
    looked = folder / "looked.html"
    looked.write_text(text.replace("</body>", LOOK + "</body>"), encoding="utf-8")
    subprocess.run(["sh", str(qemu.ROOT / "scripts" / "setup.sh"), "browser"], check=True)
    light, dark = look(looked, "--window-size=500,900"), look(looked, "--window-size=1200,900", "--force-dark-mode")
    for seen in (light, dark):
        result.expect(int(seen[0]) <= int(seen[1]), f"expected nothing wider than the window: {seen}")
        result.expect(int(seen[2]) > 18 and int(seen[3]) == 0, f"expected pictures whose texts are inside: {seen}")
    result.expect(light[4] != dark[4], f"expected other colours in the dark: {light[4]}")


def test_all_mechanisms_and_the_page():
    with tempfile.TemporaryDirectory(prefix="contrast-test-") as name:
        folder = Path(name)
        result = contrast("-n", 1, "--json", folder / "all.json", "--html", folder / "all.html").expect_status(0)
        result.expect_output(r"^console-80 +native +[\d,]+ +[\d,.]+$").expect_output(r"^ +pv +[\d,]+ +[\d,.]+  1 hypercall event_channel_op")
        check_numbers(result, json.loads((folder / "all.json").read_text(encoding="utf-8")))
        check_page(result, folder / "all.html", folder)


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
