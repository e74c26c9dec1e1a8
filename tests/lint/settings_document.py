#!/usr/bin/python3
"""docs/settings.md is what the programs themselves say about their settings.

Usage: settings_document.py (--write | --check) DIRECTORY-OF-PROGRAMS
"""

import subprocess
import sys
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "settings.md"
PROGRAMS = ("trytok-coordinator", "trytok-executor")
HEAD = """# Settings

Made by `./dev docs` from the programs' own tables; a test keeps it equal to `--help-markdown`.

A setting is read from the file that `--config FILE` names (YAML), then from the environment
(`queue.max` is `TRYTOK_QUEUE_MAX`), then from flags (`--queue.max 10`); what is read later wins. An
unknown key, a wrong kind or a value out of bounds ends the program with the place and the mend.
"""


def document(programs):
    parts = [HEAD]
    for program in PROGRAMS:
        done = subprocess.run([programs / program, "--help-markdown"], check=True,
                              capture_output=True, text=True)
        parts.append(f"\n{done.stdout.strip()}\n")
    return "".join(parts)


def main(arguments):
    if len(arguments) != 2 or arguments[0] not in ("--write", "--check"):
        print(__doc__)
        return 2
    text = document(Path(arguments[1]))
    if arguments[0] == "--write":
        DOCUMENT.write_text(text)
        return 0
    if not DOCUMENT.exists() or DOCUMENT.read_text() != text:
        print("docs/settings.md differs from the programs' --help-markdown: run ./dev docs")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
