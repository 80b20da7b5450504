#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Proves that our ABI headers mean what another set of Xen's public headers means: every structure, field, type, enumerator
# and macro that ours define is found by compiling them, and asserted (_Static_assert) against the other set.
# Invariant: nothing is listed by hand but exceptions, each with its reason, and an exception that is none any more fails.
import argparse
import pathlib
import re
import subprocess
import sys

import dwarf

HERE = pathlib.Path(__file__).resolve().parent
DEFINE = re.compile(r"#define (\w+)(\([^)]*\))?(?: (.*))?$")
MARKER = re.compile(r'# \d+ "([^"]*)"')
LIMIT = 40  # failures printed


class Side:
    """One set of headers and how to compile against it."""

    def __init__(self, name, include, options, headers, build, compiler):
        self.name, self.include, self.headers, self.build = name, include, headers, build
        self.command = [compiler, "-std=gnu11", "-w", "-ftrack-macro-expansion=0", "-fno-diagnostics-show-caret",
                        "-fmax-errors=0", "-I", str(include)] + options
        self.prelude = "".join(f"#include <{h}>\n" for h in ["errno.h", "stddef.h", "stdint.h", "string.h"])
        self.prelude += "".join(f"#include <{h}>\n" for h in headers)

    def compile(self, stem, body, *options):
        """Compile prelude and body. Returns {line of body: first error} and the object's path."""
        source, output = self.build / f"{stem}.c", self.build / f"{stem}.o"
        source.write_text(self.prelude + body)
        result = subprocess.run(self.command + list(options) + ["-c", str(source), "-o", str(output)], capture_output=True, text=True,
                                check=False)
        skip, errors = self.prelude.count("\n"), {}
        for line in result.stderr.splitlines():
            found = re.match(r"(.*?):(\d+):\d+: (?:fatal )?error: (.*)", line)
            if not found:
                continue
            if pathlib.Path(found[1]) != source or int(found[2]) <= skip:
                sys.exit(f"gen_layout: {self.name} headers do not compile: {line}")
            errors.setdefault(int(found[2]) - skip, found[3])
        if result.returncode and not errors:
            sys.exit(f"gen_layout: {stem}: compiler failed:\n{result.stderr}")
        return errors, output

    def types(self, stem):
        _, output = self.compile(stem, "", "-g", "-fno-eliminate-unused-debug-types")
        return dwarf.Types(str(output))

    def macros(self):
        """{name: (parameters or None, body)} of the macros that these headers define and do not undefine."""
        source = self.build / f"{self.name}_macros.c"
        source.write_text(self.prelude)
        text = subprocess.run(self.command + ["-E", "-dD", str(source)], capture_output=True, text=True, check=True).stdout
        found, mine = {}, False
        for line in text.splitlines():
            marker = MARKER.match(line)
            if marker:
                mine = pathlib.PurePath(marker[1]).is_relative_to(self.include / "xen")
                continue
            define = DEFINE.match(line)
            if define and mine:
                found[define[1]] = (define[2], (define[3] or "").strip())
            elif line.startswith("#undef ") and mine:
                found.pop(line.split()[1], None)
        return found

    def expansions(self, names):
        """The text that each macro stands for, spaces squeezed."""
        body = "".join(f"XENOLITH_MARK_{i} {name}\n" for i, name in enumerate(names))
        source = self.build / f"{self.name}_expand.c"
        source.write_text(self.prelude + body)
        text = subprocess.run(self.command + ["-E", "-P", str(source)], capture_output=True, text=True, check=True).stdout
        pieces = re.split(r"XENOLITH_MARK_\d+\s*", text)[1:]
        return {name: squeeze(piece) for name, piece in zip(names, pieces)}


def squeeze(text):
    """Drop white space that separates nothing; string literals stay as they are."""
    parts = re.split(r'("(?:[^"\\]|\\.)*")', text)
    parts[::2] = [re.sub(r"\s*([^\w\s])\s*", r"\1", " ".join(part.split())) for part in parts[::2]]
    return "".join(parts).strip()


INTEGERS = ["_Bool", "char", "signed char", "unsigned char", "short", "unsigned short", "int", "unsigned", "long", "unsigned long",
            "long long", "unsigned long long"]
CLASSIFY = "_Generic((%s), " + ", ".join(f"{t}: 1" for t in INTEGERS) + ", char *: 2, const char *: 2, default: 3)"


def classify(side, expressions):
    """Split expressions into integers, strings and neither."""
    body = "".join(f"static const int k{i} = {CLASSIFY % e};\n" for i, e in enumerate(expressions))
    errors, _ = side.compile("ours_classify", body)
    good = [e for i, e in enumerate(expressions, 1) if i not in errors]
    lines = "".join(f"{CLASSIFY % e},\n" for e in good)
    kinds = run_table(side, "ours_kinds", f"static const long long t[] = {{\n{lines}0}};\n", len(good))
    groups = {1: [], 2: [], 3: [e for i, e in enumerate(expressions, 1) if i in errors]}
    for expression, kind in zip(good, kinds):
        groups[kind].append(expression)
    return groups[1], groups[2], groups[3]


def run_table(side, stem, table, count):
    """Compile and run a program that prints the first `count` entries of t[]."""
    main = ("extern int printf(const char *, ...);\nint main(void)\n{\n    int i;\n    for (i = 0; i < %d; i++) {\n"
            "        printf(\"%%lld\\n\", t[i]);\n    }\n    return 0;\n}\n" % count)
    errors, output = side.compile(stem, table + main)
    if errors:
        sys.exit(f"gen_layout: {stem}: {next(iter(errors.values()))}")
    program = output.with_suffix("")
    subprocess.run([side.command[0], str(output), "-o", str(program)], check=True)
    return [int(line) for line in subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout.split()]


def read_list(path):
    """{key: reason} of a list of `key: reason` lines."""
    entries = {}
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            key, _, reason = line.partition(": ")
            if not reason.strip():
                sys.exit(f"{path.name}: '{line}' has no reason")
            entries[key.strip()] = reason.strip()
    return entries


class Checks:
    """What is to be asserted: name, condition. Conditions are C constant expressions."""

    def __init__(self):
        self.items = []

    def add(self, name, condition):
        self.items.append((name, condition))


def struct_checks(types, checks, bit_fields, plain):
    for spelling, record in sorted(types.records(), key=lambda pair: pair[0]):
        size = record.number("DW_AT_byte_size")
        checks.add(spelling, f"sizeof({spelling}) == {size}")
        plain.add(spelling, f"sizeof({spelling}) == {size}")
        for path, offset, kind, bits in types.fields(record):
            name = f"{spelling}.{path}"
            if bits:
                bit_fields[name] = bits
                continue
            checks.add(name, f"offsetof({spelling}, {path}) == {offset}")
            plain.add(name, f"offsetof({spelling}, {path}) == {offset}")
            suffix, element = "", kind
            while element is not None and element.tag == "DW_TAG_array_type":
                bound = next((c for c in element.children if c.tag == "DW_TAG_subrange_type"), None)
                if bound is not None and ("DW_AT_upper_bound" in bound.attributes or "DW_AT_count" in bound.attributes):
                    length = bound.number("DW_AT_count")
                    length = bound.number("DW_AT_upper_bound") + 1 if length is None else length
                    place = f"(({spelling} *)0)->{path}{suffix}"
                    checks.add(name, f"sizeof({place}) == {length} * sizeof({place}[0])")
                element, suffix = types.target(element), suffix + "[0]"
            written = types.spelling(element)
            if written:
                checks.add(name, f"__builtin_types_compatible_p(__typeof__((({spelling} *)0)->{path}{suffix}), {written})")
            elif element is not None and element.number("DW_AT_byte_size") is not None:
                checks.add(name, f"sizeof((({spelling} *)0)->{path}{suffix}) == {element.number('DW_AT_byte_size')}")


def type_checks(types, checks, mine):
    for name, value in sorted(types.enumerators()):
        checks.add(name, f"({name}) == {value}")
    for name, target in sorted(types.typedefs(), key=lambda pair: pair[0]):
        if name in mine:
            spelling = types.spelling(target)
            condition = f"__builtin_types_compatible_p({name}, {spelling})" if spelling and spelling != name else f"sizeof({name}) > 0"
            checks.add(name, condition)


def own_typedefs(side):
    """Names that our headers, not the compiler's, make by typedef."""
    source = side.build / "ours_typedefs.c"
    source.write_text(side.prelude)
    text = subprocess.run(side.command + ["-E", str(source)], capture_output=True, text=True, check=True).stdout
    kept, mine = [], False
    for line in text.splitlines():
        marker = MARKER.match(line)
        if marker:
            mine = pathlib.PurePath(marker[1]).is_relative_to(side.include / "xen")
        elif mine:
            kept.append(line)
    return set(re.findall(r"(\w+)", "\n".join(kept)))


def macro_checks(ours, theirs, checks, plain, samples):
    """Integers and strings are asserted; other macros must stand for the same text. Returns (passed, problems, names)."""
    macros = ours.macros()
    values = [n for n, (parameters, body) in macros.items() if parameters is None and body]
    guards = [n for n, (parameters, body) in macros.items() if parameters is None and not body and n.endswith("_H")]
    calls = [n for n, (parameters, _) in macros.items() if parameters is not None]
    used = set(re.findall(r"\w+", " ".join(samples) + (HERE / "behaviour.c").read_text()))
    integers, strings, others = classify(ours, values + samples)
    if [s for s in samples if s in others]:
        sys.exit(f"macro_samples.txt: no constant expression with our headers: {[s for s in samples if s in others]}")
    table = "".join(f"(long long)({e}),\n" for e in integers)
    numbers = run_table(ours, "ours_values", f"static const long long t[] = {{\n{table}0}};\n", len(integers))
    sizes = run_table(ours, "ours_sizes", "static const long long t[] = {\n" + "".join(f"sizeof({e}),\n" for e in integers) + "0};\n",
                      len(integers))
    for expression, number, size in zip(integers, numbers, sizes):
        low = "(-0x7fffffffffffffffLL - 1)" if number == -(1 << 63) else f"{number}LL"
        name = next(word for word in re.findall(r"\w+", expression) if word in macros)
        checks.add(name, f"(long long)({expression}) == {low} && sizeof({expression}) == {size}")
        plain.add(name, f"(long long)({expression}) == {low}")
    texts = ours.expansions(strings)
    for name in strings:
        checks.add(name, f"__builtin_strcmp({name}, {texts[name]}) == 0")
    theirs_macros = theirs.macros()
    rest = [n for n in others + [m for m in macros if macros[m] == (None, "") and m not in guards]]
    known = [n for n in rest if n in theirs_macros and theirs_macros[n][0] is None]
    here, there = ours.expansions(known), theirs.expansions(known)
    problems = {n: "not defined there" for n in rest if n not in known}
    problems.update({n: f"stands for '{here[n]}', there for '{there[n]}'" for n in known if here[n] != there[n]})
    problems.update({n: "has arguments, and neither macro_samples.txt nor behaviour.c uses it" for n in calls if n not in used})
    passed = sum(here[n] == there[n] for n in known)
    return passed, problems, macros, theirs_macros


def assert_all(side, stem, checks, *options):
    """{check index: error} after compiling every check as an assertion."""
    body = "".join(f'_Static_assert({condition}, "differs");\n' for _, condition in checks.items)
    errors, _ = side.compile(stem, body, *options)
    return {line - 1: text for line, text in errors.items()}


def missing_there(theirs, types, their_types, macros, their_macros):
    """What the other set has, in headers that we have as well, and we do not."""
    ours = {s for s, _ in types.records()} | {n for n, _ in types.enumerators()} | set(macros)
    own = own_typedefs(theirs)
    found = {s for s, _ in their_types.records() if s.split()[-1] in own} | {n for n, _ in their_types.enumerators() if n in own}
    found |= {n for n, (_, body) in their_macros.items() if body}
    fields = set()
    mine = {s: {f[0] for f in types.fields(r)} for s, r in types.records()}
    for spelling, record in their_types.records():
        if spelling in mine:
            fields |= {f"{spelling}.{f[0]}" for f in their_types.fields(record) if f[0] not in mine[spelling]}
    return sorted(found - ours) + sorted(fields)


def cpp_problems(ours, plain, build):
    """Does a C++ compiler lay our headers out alike?"""
    source = build / "ours_layout.cc"
    lines = [f'static_assert({condition}, "{name}");\n' for name, condition in plain.items]
    source.write_text(ours.prelude + "".join(lines))
    result = subprocess.run(["g++", "-std=c++11", "-w", "-fsyntax-only", "-fmax-errors=0", "-I", str(ours.include), str(source)],
                            capture_output=True, text=True, check=False)
    return [line for line in result.stderr.splitlines() if "error:" in line], len(lines)


def judge(checks, theirs, inside):
    """Assert every check against the other set. Returns ({name: complaint}, number of checks that hold)."""
    errors = assert_all(theirs, "theirs_asserts", checks)
    # What tools and guests do not see the hypervisor itself may: ask for those names in its face.
    again = Checks()
    order = sorted(errors)
    again.items = [checks.items[i] for i in order]
    second = assert_all(inside, "theirs_inside", again) if again.items else {}
    failed = {}
    for position in second:
        name, condition = again.items[position]
        failed.setdefault(name, f"{condition}: {errors[order[position]]}")
    return failed, len(checks.items) - len(second)


def main():
    parser = argparse.ArgumentParser(description="prove our ABI headers against another set")
    parser.add_argument("--ours", type=pathlib.Path, default=HERE.parent.parent / "include")
    parser.add_argument("--theirs", type=pathlib.Path, default=pathlib.Path("/usr/include"))
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--cc", default="gcc")
    parser.add_argument("--missing", action="store_true", help="list what the other set has and ours have not")
    parser.add_argument("--all", action="store_true", help="print every failure")
    args = parser.parse_args()
    ours_dir, build = args.ours.resolve(), args.build
    build.mkdir(parents=True, exist_ok=True)
    headers = sorted(str(p.relative_to(ours_dir)) for p in (ours_dir / "xen").rglob("*.h"))
    allowed = read_list(HERE / "ours_only.txt")
    # Whole headers that are ours alone: nothing to compare, but their names must be free in the other set.
    extensions = [key.strip("<>") for key in list(allowed) if key.startswith("<") and allowed.pop(key)]
    for header in extensions:
        if header not in headers or (args.theirs / header).is_file():
            sys.exit(f"ours_only.txt: {header} is not a header of ours alone")
    everything, headers = headers, [h for h in headers if h not in extensions]
    common = [h for h in headers if (args.theirs / h).is_file()]
    if "xen/xen.h" not in common:
        sys.exit(f"gen_layout: no xen/xen.h in {args.theirs}: install libxen-dev")
    # Theirs is not self-standing everywhere: the records of arch-x86/hvm/save.h need macros of hvm/save.h.
    first = [h for h in ["xen/hvm/save.h"] if (args.theirs / h).is_file()]
    ours = Side("ours", ours_dir, [], headers, build, args.cc)
    theirs = Side("theirs", args.theirs, ["-D__XEN_TOOLS__"], first + common, build, args.cc)
    # In its own face, theirs asks for one header of the hypervisor's inside; what it has is not needed here.
    (build / "inside" / "xen").mkdir(parents=True, exist_ok=True)
    (build / "inside" / "xen" / "lib.h").write_text("")
    inside = Side("theirs", args.theirs, ["-D__XEN__", "-I", str(build / "inside")], first + common, build, args.cc)
    samples = [l.strip() for l in (HERE / "macro_samples.txt").read_text().splitlines() if l.strip() and not l.startswith("#")]

    types, their_types = ours.types("ours_types"), theirs.types("theirs_types")
    checks, plain, bit_fields = Checks(), Checks(), {}
    struct_checks(types, checks, bit_fields, plain)
    type_checks(types, checks, own_typedefs(ours))
    passed, problems, macros, their_macros = macro_checks(ours, theirs, checks, plain, samples)
    wrong = assert_all(ours, "ours_asserts", checks)
    if wrong:
        index, text = next(iter(wrong.items()))
        sys.exit(f"gen_layout: a check does not hold for our own headers: {checks.items[index]}: {text}")

    failed, good = judge(checks, theirs, inside)
    passed += good
    their_bits = {f"{s}.{f[0]}": f[3] for s, r in their_types.records() for f in their_types.fields(r) if f[3]}
    for name, bits in bit_fields.items():
        if their_bits.get(name) == bits:
            passed += 1
        else:
            failed[name] = f"bit field at {bits}, there {their_bits.get(name)}"
    failed.update(problems)
    own = set(Side("ours_all", ours_dir, [], everything, build, args.cc).macros()) - set(macros)
    taken = own & (set(their_macros) | {name for name, _ in their_types.enumerators()})
    failed.update({name: "stands in a header of ours alone, and the other set has that name" for name in taken})
    passed += len(own - taken)
    cpp, count = cpp_problems(ours, plain, build)
    passed += count - len(cpp)
    failed.update({f"C++ {line}": "layout differs in C++" for line in cpp})

    for name in sorted(set(allowed) - set(failed)):
        failed[name] = "stands in ours_only.txt but needs no exception"
        allowed.pop(name)
    excused = [name for name in failed if name in allowed]
    real = {name: text for name, text in failed.items() if name not in allowed}
    shown = sorted(real.items()) if args.all else sorted(real.items())[:LIMIT]
    for name, text in shown:
        print(f"FAIL {name}: {text}")
    if len(real) > len(shown):
        print(f"... and {len(real) - len(shown)} more")
    absent = missing_there(theirs, types, their_types, macros, their_macros)
    print(f"layout: {len(checks.items)} assertions, {count} in C++, {len(bit_fields)} bit fields, {len(excused)} exceptions; "
          f"{len(absent)} names of the other set are not ours")
    if args.missing:
        print("\n".join(absent))
    print(f"{passed} passed, {len(real)} failed")
    sys.exit(1 if real else 0)


if __name__ == "__main__":
    main()
