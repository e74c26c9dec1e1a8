#!/usr/bin/python3
"""What the tests of a build with TRYTOK_COVERAGE reached of tok/src, from gcov's counts.

Usage: coverage.py BUILD-FOLDER [--lines PERCENT] [--branches PERCENT]

Prints a row for each file and every line that no test reaches; exit 1 if a total is below what is
asked for. A line that carries `coverage: REASON` is not counted when it is not reached; the reason is
printed beside it.
"""

import argparse
import collections
import json
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
SOURCES = TOP / "tok" / "src"
REASON = re.compile(r"coverage: (.*?)(?: \*/|$)")


class File:
    def __init__(self):
        self.lines = collections.Counter()     # line -> how often
        self.branches = collections.Counter()  # (line, nth) -> how often


def read_counts(build):
    """{name: File} of the library's sources."""
    files = {}
    notes = sorted((build / "tok").rglob("*.gcda"))
    if not notes:
        sys.exit(f"no counts below {build}/tok: run the tests of a build with TRYTOK_COVERAGE first")
    for note in notes:
        done = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", note],
                              check=True, capture_output=True, cwd=build)
        for text in done.stdout.decode().splitlines():
            for entry in json.loads(text)["files"]:
                path = (build / entry["file"]).resolve()
                if path.parent == SOURCES:
                    add_counts(files.setdefault(path.name, File()), entry)
    return files


def add_counts(file, entry):
    for line in entry["lines"]:
        number = line["line_number"]
        file.lines[number] += line["count"]
        for nth, branch in enumerate(line["branches"]):
            file.branches[number, nth] += branch["count"]


def excused(name):
    """{line: reason} of one file."""
    found = {}
    for number, line in enumerate((SOURCES / name).read_text().split("\n"), 1):
        if match := REASON.search(line):
            found[number] = match[1]
    return found


def share(reached, count):
    return 100.0 * reached / count if count else 100.0


def report(files):
    """Prints all; the totals in percent."""
    totals = [0, 0, 0, 0]
    missing = []
    print(f"{'':28}{'lines':>14}{'branches':>18}")
    for name, file in sorted(files.items()):
        reasons = excused(name)
        lines = {number: count for number, count in file.lines.items()
                 if count or number not in reasons}
        branches = {key: count for key, count in file.branches.items()
                    if count or key[0] not in reasons}
        row = [sum(map(bool, lines.values())), len(lines),
               sum(map(bool, branches.values())), len(branches)]
        totals = [total + part for total, part in zip(totals, row)]
        print_row(name, row)
        missing += [(name, number, reasons.get(number, ""))
                    for number, count in sorted(file.lines.items()) if not count]
    print_row("all", totals)
    if missing:
        print("\nlines that no test reaches:")
    for name, number, reason in missing:
        source = (SOURCES / name).read_text().split("\n")[number - 1].strip()
        print(f"  tok/src/{name}:{number}: {source}" + (f"   ({reason})" if reason else ""))
    return share(*totals[:2]), share(*totals[2:])


def print_row(name, row):
    print(f"{name:28}{row[0]:6}/{row[1]:<5}{share(*row[:2]):5.1f}{row[2]:8}/{row[3]:<5}"
          f"{share(*row[2:]):5.1f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=Path)
    parser.add_argument("--lines", type=float, default=0)
    parser.add_argument("--branches", type=float, default=0)
    arguments = parser.parse_args()
    lines, branches = report(read_counts(arguments.build.resolve()))
    if lines < arguments.lines or branches < arguments.branches:
        print(f"below {arguments.lines:.0f} % of lines or {arguments.branches:.0f} % of branches")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
