#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# ./run.sh contrast: what it refuses, what its numbers say under each mechanism, and its page in a browser, where a script that is put
# into a copy measures what a reader sees: nothing wider than a phone, no text outside of its picture, none too pale, in light and dark.
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import qemu

sys.path.insert(0, str(qemu.ROOT / "scripts" / "contrast"))
import lanes  # noqa: E402
import records  # noqa: E402

CONTRAST = [sys.executable, "-B", str(qemu.ROOT / "scripts" / "contrast"), "--build-dir", str(qemu.BUILD)]
# Operations that a mechanism needs no help for.
UNTOUCHED = {"pv": {"interrupts-off-on", "read-cr3"}, "svm": {"interrupts-off-on", "read-cr3", "null-system-call", "page-fault", "process-switch"}}
# What the guest does not do itself and may fall into an interval or not: the control domain's turns, a timer of the machine.
OTHERS = {("event", "switched to"), ("trap", "timer and IPI")}
LOOK = """<script>
const texts = [...document.querySelectorAll('svg text')].filter(text => {
    const box = text.getBBox(), view = text.ownerSVGElement.viewBox.baseVal;
    return box.x < -0.5 || box.x + box.width > view.width + 0.5 || box.y < -0.5 || box.y + box.height > view.height + 0.5;
});
// WCAG's contrast of a text with what it stands on.
const light = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const under = e => e === null ? 'rgb(255, 255, 255)' : /, 0\\)$/.test(getComputedStyle(e).backgroundColor) ? under(e.parentElement)
    : getComputedStyle(e).backgroundColor;
const pale = [...document.querySelectorAll('body *')].filter(e => e.checkVisibility() &&
    [...e.childNodes].some(node => node.nodeType === 3 && node.data.trim() !== '')).filter(e => {
    const style = getComputedStyle(e), both = [light(e.ownerSVGElement ? style.fill : style.color), light(under(e))];
    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05) < 4.5;
});
// What scrolls by itself must be reached by the keyboard.
const unreached = [...document.querySelectorAll('pre')].filter(e => e.tabIndex !== 0);
const all = document.documentElement;
all.setAttribute('data-seen', [all.scrollWidth, innerWidth, document.querySelectorAll('svg').length, texts.length,
    pale.length + unreached.length, getComputedStyle(document.body).backgroundColor, [...texts, ...pale].map(text => text.textContent).join('|')].join(';'));
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
    refused(1, "unknown operation 'sing'; there are: null-system-call ", "--op", "sing", "--mechanisms", "pv")
    refused(2, "no mechanism 'vmx': there are native, pv, trap, svm", "--mechanisms", "pv,vmx")
    refused(2, "no such folder", "--json", "/nowhere/at/all.json")
    refused(1, "svm: .*needs a CPU with SVM", "--mechanisms", "svm", "--cpu-model", "max,-svm")


def as_dict(crossings):
    return {(c["kind"], c["name"]): c["count"] for c in crossings if (c["kind"], c["name"]) not in OTHERS}


def check_timeline(result, what, measured):
    """One run, traced, crosses as often as the table says of it, and the records that were kept are its crossings."""
    trace, counted = measured["trace"], as_dict(measured["crossings"])
    result.expect(as_dict(trace["crossings"]) == counted, f"{what}: the timeline shows {as_dict(trace['crossings'])}, the table {counted}")
    if len(trace["first"]) == trace["records"]:
        shown = records.listed(records.shown(trace["first"]))
        result.expect(shown == trace["crossings"], f"{what}: expected its crossings among its records: {shown}, {trace['crossings']}")
        open_ones = lanes.walk(trace)[2]
        result.expect(not open_ones, f"{what}: expected each crossing to end: {open_ones}")


def check_shape(result, found, form, where="$"):
    """What docs/how-to/contrast.md says of the file: a form is a type, a list of one form, or an object of fields: None stands for any, '?' for none."""
    if isinstance(form, list):
        result.expect(isinstance(found, list), f"{where}: expected a list")
        for number, element in enumerate(found):
            check_shape(result, element, form[0], f"{where}[{number}]")
    elif isinstance(form, dict):
        result.expect(isinstance(found, dict), f"{where}: expected an object")
        fields = {name: form[None] for name in found} if None in form else form
        missing = [name for name in fields if not name.endswith("?") and name not in found]
        unknown = [name for name in found if name not in fields and f"{name}?" not in fields]
        result.expect(not missing and not unknown, f"{where}: missing {missing}, not in the documents {unknown}")
        for name in found:
            check_shape(result, found[name], fields.get(name, fields.get(f"{name}?")), f"{where}.{name}")
    else:
        result.expect(isinstance(found, form) and not isinstance(found, bool), f"{where}: {found!r} is none of {form}")


def documented_form():
    """Of the file: the block of JSON in the page, where names of types stand for values."""
    page = (qemu.ROOT / "docs" / "how-to" / "contrast.md").read_text(encoding="utf-8")
    types = {"text": str, "number": (int, float), "count": int}

    def form(value):
        if isinstance(value, dict):
            return {None if name.startswith("<") else name: form(of) for name, of in value.items()}
        return [form(value[0])] if isinstance(value, list) else types[value]

    return form(json.loads(re.search(r"```json\n(.*?)```", page, re.DOTALL).group(1)))


def check_file(result, found):
    """The file is as documented. A trace is None on a bare machine, an object elsewhere; it is taken out to be looked at by itself."""
    form = documented_form()
    of_trace = form["operations"][None][None].pop("trace")
    for name, of_one in found["operations"].items():
        for mechanism, measured in of_one.items():
            trace = measured["trace"]
            result.expect((trace is None) == (mechanism == "native"), f"{name}, {mechanism}: expected a trace of what crosses")
            if trace is not None:
                check_shape(result, trace, of_trace, f"$.operations.{name}.{mechanism}.trace")
    bare = {name: {m: {k: v for k, v in of.items() if k != "trace"} for m, of in of_one.items()} for name, of_one in found["operations"].items()}
    check_shape(result, {**found, "operations": bare}, form)


def check_numbers(result, found):
    """Crossings where there must be some, none where there must not, and less paravirtualized than emulated."""
    operations = found["operations"]
    result.expect(set(found["mechanisms"]) == {"native", "pv", "trap", "svm"} and len(operations) == 19, f"expected all of it: {list(operations)}")
    for name, of_one in operations.items():
        result.expect(set(of_one) == set(found["mechanisms"]), f"{name}: expected each mechanism: {list(of_one)}")
        result.expect(not of_one["native"]["crossings"], f"{name}: there is nothing to cross to")
        for mechanism, untouched in UNTOUCHED.items():
            if name in untouched:
                result.expect(not of_one[mechanism]["crossings"], f"{name}, {mechanism}: {of_one[mechanism]['crossings']}")
        if of_one["trap"]["crossings"]:
            pv, trap = of_one["pv"]["instructions"], of_one["trap"]["instructions"]
            result.expect(3 * pv <= trap, f"{name}: expected at most a third of trap's instructions with PV: {pv} of {trap}")
        for mechanism in found["mechanisms"]:
            if mechanism != "native":
                check_timeline(result, f"{name}, {mechanism}", of_one[mechanism])
    kinds = {crossing["name"] for crossing in operations["console-1"]["svm"]["crossings"]}
    result.expect({"device model", "port access"} <= kinds, f"console-1, svm: expected the way by the device model: {kinds}")
    result.expect(any(r["what"] == "switch" for r in operations["console-1"]["svm"]["trace"]["first"]), "expected to see the control domain's turn")


def look(page, *words):
    """What a browser of that kind sees of the page: its width and the window's, pictures, texts cut off, texts too pale or out of reach, background."""
    with tempfile.TemporaryDirectory(prefix="browser-") as profile:
        done = subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={profile}",
                               *words, "--dump-dom", f"file://{page}"], capture_output=True, text=True, errors="replace", timeout=120, check=False)
    seen = re.search(r'data-seen="([^"]*)"', done.stdout)
    if not seen:
        raise qemu.Failure(f"the browser did not show the page ({done.returncode}): {done.stderr[-500:]}")
    return seen.group(1).split(";", 6)


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
        result.expect(int(seen[4]) == 0, f"expected all text to stand out from its ground, and code to be reached by keys: {seen}")
    result.expect(light[5] != dark[5], f"expected other colours in the dark: {light[5]}")


def test_all_mechanisms_and_the_page():
    with tempfile.TemporaryDirectory(prefix="contrast-test-") as name:
        folder = Path(name)
        result = contrast("-n", 1, "--json", folder / "all.json", "--html", folder / "all.html").expect_status(0)
        result.expect_output(r"^console-80 +native +[\d,]+ +[\d,.]+$").expect_output(r"^ +pv +[\d,]+ +[\d,.]+  1 hypercall event_channel_op")
        found = json.loads((folder / "all.json").read_text(encoding="utf-8"))
        check_file(result, found)
        check_numbers(result, found)
        check_page(result, folder / "all.html", folder)


if __name__ == "__main__":
    qemu.main(sys.modules[__name__])
