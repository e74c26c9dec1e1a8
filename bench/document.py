"""docs/benchmarks.md: one section for each bench, each between its own marks, and the machine's name."""

import os
import platform
import subprocess
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
DOCUMENT = TOP / "docs" / "benchmarks.md"


def machine():
    model = next((line.split(":", 1)[1].strip()
                  for line in Path("/proc/cpuinfo").read_text().split("\n")
                  if line.startswith("model name")), "unknown processor")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=TOP, capture_output=True,
                            text=True, check=False).stdout.strip() or "no commit"
    return (f"{os.cpu_count()} x {model}, Linux {platform.release().split('-')[0]},"
            f" {time.strftime('%Y-%m-%d')}, {commit}")


def save(name, text):
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    old = DOCUMENT.read_text() if DOCUMENT.exists() else "# Benchmarks\n"
    if begin not in old or end not in old:
        old = f"{old.rstrip()}\n\n{begin}\n{end}\n"
    head, rest = old.split(begin, 1)
    DOCUMENT.write_text(f"{head}{begin}\n{text.rstrip()}\n{end}{rest.split(end, 1)[1]}")
