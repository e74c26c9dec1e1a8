#!/usr/bin/env python3
"""Writes every program of the language suite as a plain file, generated ones too.

    write_programs.py DIR
"""
import pathlib
import sys

SUITE = pathlib.Path(__file__).resolve().parents[1] / "language"
sys.path.insert(0, str(SUITE))
sys.dont_write_bytecode = True

from run_language_tests import find_programs, read_program  # noqa: E402 (the path comes first)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    target = pathlib.Path(sys.argv[1])
    for programs in find_programs([]).values():
        for program in programs:
            path = target / str(program.relative_to(SUITE)).removesuffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(read_program(program))


if __name__ == "__main__":
    main()
