#!/usr/bin/env python3
"""Prints the notices of all that is linked into the program for one target: the licences of each
crate, from its own files, and those of what the toolchain brings along.

    packaging/making/notices.py TARGET TOOLCHAIN < output of cargo metadata --filter-platform TARGET

A crate without a licence file is an error: then somebody has to look for its terms.
"""

import json
import pathlib
import re
import sys

# What the compiler puts into a program: where Debian has its terms, and what to say of it.
BROUGHT_ALONG = {
    "doc/libc6-dev/copyright": "The GNU C Library, which is linked statically. It can be exchanged for another version by\n"
    "building the program from its source.",
    "common-licenses/LGPL-2.1": "The licence of the GNU C Library",
    "doc/libstd-rust-web-dev/copyright": "Rust's standard library",
    "doc/gcc-12-base/copyright": "GCC's runtime library, under its exception for programs that GCC made",
}
LICENCE_FILE = re.compile(r"(licen[cs]e|copying|copyright|notice|unlicense)([-._].*)?", re.IGNORECASE)
# Folders of which nothing is compiled in.
NOT_LINKED = {"tests", "benches", "examples", "fuzz"}


def is_macro(package):
    """Whether it runs at compile time alone."""
    return any("proc-macro" in target["kind"] for target in package["targets"])


def linked(metadata):
    """The crates that are linked into the program, without itself."""
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = metadata["resolve"]["root"]
    found, waiting = set(), [root]
    while waiting:
        which = waiting.pop()
        if which in found or is_macro(packages[which]):
            continue
        found.add(which)
        for dependency in nodes[which]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                waiting.append(dependency["pkg"])
    return sorted((packages[which] for which in found - {root}), key=lambda it: (it["name"], it["version"]))


def licence_texts(package):
    folder = pathlib.Path(package["manifest_path"]).parent
    for file in sorted(folder.rglob("*")):
        inside = file.relative_to(folder)
        if file.is_file() and LICENCE_FILE.fullmatch(file.name) and not NOT_LINKED & set(inside.parts):
            if file.suffix not in {".rs", ".gz", ".c", ".h"}:
                yield file.read_text()


def main():
    _, target, toolchain = sys.argv
    users = {}
    print(f"Notices of what is linked into tokctl for {target}\n")
    print("tokctl itself is under MIT or Apache-2.0, as you like.\n")
    for package in linked(json.load(sys.stdin)):
        texts = list(licence_texts(package))
        if not texts:
            sys.exit(f"notices.py: {package['name']} {package['version']} has no licence file")
        name = f"{package['name']} {package['version']}"
        print(f"{name}: {package['license'] or 'see its file below'}")
        for text in texts:
            # Files that differ in their line breaks alone are one.
            users.setdefault(" ".join(text.split()), (text, []))[1].append(name)
    for text, names in sorted(users.values(), key=lambda it: (-len(it[1]), it[1])):
        print(f"\n{'=' * 100}\n{', '.join(dict.fromkeys(names))}\n{'-' * 100}\n{text.strip()}")
    share = pathlib.Path(toolchain) / "root/usr/share"
    for place, said in BROUGHT_ALONG.items():
        text = (share / place).read_text()
        print(f"\n{'=' * 100}\n{said}\n{'-' * 100}\n{text.strip()}")


main()
