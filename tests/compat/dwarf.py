# SPDX-License-Identifier: MIT
#
# Reads C types out of an object file: what readelf prints of its debugging information, as a tree of entries, and
# from it structures, unions, enumerators and typedefs by name.
# Invariant: knows nothing of any header; whatever is compiled in is found.
import re
import subprocess

ENTRY = re.compile(r"^\s*<([0-9a-f]+)><([0-9a-f]+)>: Abbrev Number: \d+(?: \((DW_TAG_\w+)\))?")
ATTRIBUTE = re.compile(r"^\s*<[0-9a-f]+>\s+(DW_AT_\w+)\s*: (.*)$")


class Entry:
    def __init__(self, offset, tag):
        self.offset, self.tag, self.attributes, self.children = offset, tag, {}, []

    def name(self):
        text = self.attributes.get("DW_AT_name")
        return text.rsplit("): ", 1)[-1].strip() if text and "): " in text else (text or "").strip() or None

    def number(self, key):
        text = self.attributes.get(key)
        return None if text is None else int(text.split()[0], 0)

    def is_record(self):
        return self.tag in ("DW_TAG_structure_type", "DW_TAG_union_type")


class Types:
    """Everything that one object file defines."""

    def __init__(self, object_file):
        self.by_offset = {}
        self.roots = []
        text = subprocess.run(["readelf", "--debug-dump=info", object_file], capture_output=True, text=True, check=True).stdout
        stack, entry = [], None
        for line in text.splitlines():
            start = ENTRY.match(line)
            if start:
                depth, offset, tag = int(start[1], 16), int(start[2], 16), start[3]
                if tag is None:
                    continue
                entry = self.by_offset[offset] = Entry(offset, tag)
                del stack[depth:]
                (stack[-1].children if stack else self.roots).append(entry)
                stack.append(entry)
                continue
            attribute = ATTRIBUTE.match(line)
            if attribute and entry is not None:
                entry.attributes[attribute[1]] = attribute[2]
        self.typedef_of = {}
        for candidate in self.entries("DW_TAG_typedef"):
            target = self.target(candidate)
            if target is not None and target.name() is None:
                self.typedef_of.setdefault(target.offset, candidate.name())

    def entries(self, *tags):
        return [entry for entry in self.by_offset.values() if entry.tag in tags]

    def target(self, entry):
        text = entry.attributes.get("DW_AT_type")
        return self.by_offset[int(text.strip().strip("<>"), 16)] if text else None

    def spelling(self, entry):
        """How C writes a type down, or None for one that has no name."""
        if entry is None:
            return "void"
        if entry.tag in ("DW_TAG_base_type", "DW_TAG_typedef"):
            return entry.name()
        prefix = {"DW_TAG_structure_type": "struct", "DW_TAG_union_type": "union", "DW_TAG_enumeration_type": "enum"}.get(entry.tag)
        if prefix:
            return f"{prefix} {entry.name()}" if entry.name() else self.typedef_of.get(entry.offset)
        inner = self.spelling(self.target(entry))
        if inner is None:
            return None
        return {"DW_TAG_const_type": f"const {inner}", "DW_TAG_volatile_type": f"volatile {inner}",
                "DW_TAG_pointer_type": f"{inner} *"}.get(entry.tag)

    def records(self):
        """(spelling, entry) of each complete structure or union that has a name."""
        for entry in self.entries("DW_TAG_structure_type", "DW_TAG_union_type"):
            spelling = self.spelling(entry)
            if spelling and "DW_AT_declaration" not in entry.attributes and entry.number("DW_AT_byte_size") is not None:
                yield spelling, entry

    def enumerators(self):
        for entry in self.entries("DW_TAG_enumerator"):
            yield entry.name(), entry.number("DW_AT_const_value")

    def typedefs(self):
        for entry in self.entries("DW_TAG_typedef"):
            yield entry.name(), self.target(entry)

    def fields(self, record, path="", base=0):
        """(path, byte offset, type, bit field or None) of every field, going into records without a name."""
        for member in record.children:
            if member.tag != "DW_TAG_member":
                continue
            offset = base + (member.number("DW_AT_data_member_location") or 0)
            kind = self.target(member)
            name = member.name()
            where = f"{path}.{name}" if path and name else (name or path)
            if "DW_AT_bit_size" in member.attributes:
                bits = (base * 8 + (member.number("DW_AT_data_bit_offset") or 0), member.number("DW_AT_bit_size"))
                yield where, offset, kind, bits
                continue
            if name:
                yield where, offset, kind, None
            inner, suffix = kind, ""
            while inner is not None and inner.tag == "DW_TAG_array_type":
                inner, suffix = self.target(inner), suffix + "[0]"
            if inner is not None and inner.is_record() and self.spelling(inner) is None:
                yield from self.fields(inner, where + suffix if name else path, offset)
