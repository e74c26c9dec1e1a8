#!/usr/bin/python3
"""docs/bytecode.md is what tok/src/opcode.def says, the table that the language is built from.

Usage: bytecode_document.py (--write | --check)
"""

import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
DOCUMENT = TOP / "docs" / "bytecode.md"
TABLE = TOP / "tok" / "src" / "opcode.def"
ROW = re.compile(r"OPCODE\((\w+), *(ABC|ABX), *(\w+), *(\w+), *(\w+), *(\w+), *\"(.*)\"\)$")

HEAD = """# Bytecode

Made by `./dev docs` from `tok/src/opcode.def`, the table that drives the emitter, the verifier, the
interpreter and the disassembler; a test keeps it current. `tok disasm FILE` shows a program in it.

Code is made of 32-bit words. An instruction is one word, `op A B C` with eight bits each or `op A BX`
with BX of sixteen, and the words that follow it. It reaches registers 0 to 255 of its function; 252 to
255 are scratch for those from 256 on. Register 0 is the callee or `this`, then come parameters, then
locals and temporaries. Code lives in memory only: nothing reads it from outside, and its numbers may
change with any version.

| operand | meaning |
|---|---|
| `A` `B` `C` | a register, read or written as the meaning says |
| `k` | a constant's index |
| `n` | a plain number |
| `c` | a captured variable's index |
| `g` | a global's index |
| `far` | a register's index of 16 bits |
| `window` | the first of a call's registers: callee or receiver, then arguments; then the result |

| words that follow | |
|---|---|
| jump | a signed distance in words, from behind that word |
| name | the index of a constant, a name |
| count | a plain number |
| get | an inline cache: shape; name and slot |
| set | an inline cache: shape; name and slot; the shape after it |
| callee | an inline cache: shape; name; the method, in two words |

Only instructions whose name begins with LOOP may jump back: they count a step.

| opcode | operands | words | meaning |
|---|---|---|---|
"""

OPERANDS = {"DEF": "{}", "USE": "{}", "WIN": "window {}", "CON": "k {}", "NUM": "n {}",
            "UPV": "c {}", "GLO": "g {}", "FAR": "far {}"}


def rows(text):
    for line in text.splitlines():
        if not line.startswith("OPCODE("):
            continue
        match = ROW.match(line)
        if not match:
            sys.exit(f"not a row of the table: {line}")
        yield match.groups()


def document(text):
    lines = []
    for name, form, a, b, c, words, meaning in rows(text):
        places = ["A", "BX"] if form == "ABX" else ["A", "B", "C"]
        operands = [OPERANDS[kind].format(place)
                    for place, kind in zip(places, (a, b, c)) if kind != "NON"]
        lines.append(f"| `{name}` | {', '.join(operands)} | "
                     f"{'' if words == 'NONE' else words.lower()} | {meaning} |\n")
    return HEAD + "".join(lines)


def main(arguments):
    if arguments not in (["--write"], ["--check"]):
        print(__doc__)
        return 2
    text = document(TABLE.read_text())
    if arguments == ["--write"]:
        DOCUMENT.write_text(text)
        return 0
    if not DOCUMENT.exists() or DOCUMENT.read_text() != text:
        print("docs/bytecode.md differs from tok/src/opcode.def: run ./dev docs")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
