#!/usr/bin/env python3
"""Prints how the files of a release were made: a statement of in-toto with SLSA's provenance (version 1
of both). It is not signed: it tells what to build again, and proves nothing by itself.

    packaging/making/provenance.py COMMIT TOOLCHAIN FILE...

It holds no time and no machine, so two builds of one commit make the same.
"""

import hashlib
import json
import pathlib
import sys
import tomllib

# Names, and not addresses: the project has none yet.
BUILD_TYPE = "tokctl:packaging/release?v=1"
BUILDER = "tokctl:packaging/release?unsigned"


def crates(lock):
    for package in tomllib.loads(lock.read_text())["package"]:
        if "checksum" in package:
            yield {
                "uri": f"pkg:cargo/{package['name']}@{package['version']}",
                "digest": {"sha256": package["checksum"]},
            }


def debian_packages(listed):
    for line in listed.read_text().splitlines():
        name, version, architecture, digest = line.split()
        yield {
            "uri": f"pkg:deb/debian/{name}@{version.replace('+', '%2B').replace(':', '%3A')}?arch={architecture}",
            "digest": {"sha256": digest},
        }


def main():
    commit, toolchain, *files = sys.argv[1:]
    source = {"uri": "tokctl:source", "digest": {"gitCommit": commit}}
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {
                "name": pathlib.Path(file).name,
                "digest": {"sha256": hashlib.sha256(pathlib.Path(file).read_bytes()).hexdigest()},
            }
            for file in files
        ],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"commit": commit},
                "resolvedDependencies": [
                    source,
                    *crates(pathlib.Path("Cargo.lock")),
                    *debian_packages(pathlib.Path(toolchain) / "packages"),
                ],
            },
            "runDetails": {"builder": {"id": BUILDER}},
        },
    }
    json.dump(statement, sys.stdout, indent=1)
    print()


main()
