#!/usr/bin/env python3
"""compare - the VM against the second opinion, on generated programs.

    compare.py TOK --seed S --count N [--seconds T] [--keep DIR] [--no-shrink]

Program i is generate(S + i). Output, exit status, and the lines and names of the errors must be the
same; messages are free. On the first difference: the seed, the program with what does not matter
left out, both outcomes, and exit status 1. With --seconds it goes on for that long instead of N.
"""
import argparse
import io
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from generate import generate
from tok_oracle import run, with_big_stack

COMPILE_ERROR = re.compile(rb"^\[line (\d+)\] Error( at end| at '.*?'|): ", re.M | re.DOTALL)
STACK = re.compile(rb"^\[line (\d+)\] in (script|\w+\(\))$", re.M)
INPUT = re.compile(rb"^// input: (.*\n)", re.M)
# Without one of these lines a program might never end.
ENDS_SOMETHING = re.compile(r"if \(fuel|fuel = |w\d+ = ")
STACK_LINES_COMPARED = 32  # an implementation may leave out the middle of a deep stack
TIMEOUT_S = 30


class Outcome:
    def __init__(self, status, output, errors):
        self.status, self.output, self.errors = status, output, errors

    def essence(self):
        """What two implementations must agree on."""
        if self.status == 65:
            return self.status, self.output, COMPILE_ERROR.findall(self.errors)[:1]
        if self.status == 70:
            if b"stack overflow" in self.errors.split(b"\n")[0].lower():
                return self.status, self.output, "stack overflow"
            return self.status, self.output, STACK.findall(self.errors)[:STACK_LINES_COMPARED]
        return self.status, self.output, self.errors

    def describe(self):
        return (f"exit status {self.status}\n--- output\n{self.output.decode(errors='replace')}"
                f"--- errors\n{self.errors.decode(errors='replace')}")


def join(chunks):
    return ("\n".join(chunks) + "\n").encode()


def ask_vm(tok, source):
    with tempfile.NamedTemporaryFile(suffix=".tok") as file:
        file.write(source)
        file.flush()
        done = subprocess.run([tok, file.name], input=b"".join(INPUT.findall(source)),
                              capture_output=True, timeout=TIMEOUT_S, check=False)
    return Outcome(done.returncode, done.stdout, done.stderr)


def ask_oracle(source):
    output, errors = io.BytesIO(), io.BytesIO()
    status = run(source, io.BytesIO(b"".join(INPUT.findall(source))), output, errors)
    return Outcome(status, output.getvalue(), errors.getvalue())


def differ(tok, chunks, statuses=None):
    source = join(chunks)
    outcome = ask_oracle(source)
    if statuses is not None:
        statuses[outcome.status] = statuses.get(outcome.status, 0) + 1
    return ask_vm(tok, source).essence() != outcome.essence()


def shrink(tok, chunks):
    """Leaves out top-level statements, then lines, while the two still differ."""
    chunks = shrink_once(tok, chunks)
    return shrink_once(tok, "\n".join(chunks).split("\n"))


def shrink_once(tok, chunks):
    for position in reversed(range(len(chunks))):
        shorter = chunks[:position] + chunks[position + 1:]
        if not ENDS_SOMETHING.match(chunks[position]) and differ(tok, shorter):
            chunks = shorter
    return chunks


def report(tok, seed, chunks):
    source = join(chunks)
    print(f"seed {seed}: the VM and the oracle differ")
    print("=== program")
    print(source.decode())
    print("=== the VM\n" + ask_vm(tok, source).describe())
    print("=== the oracle\n" + ask_oracle(source).describe())
    print(f"repeat with: compare.py {tok} --seed {seed} --count 1")


def compare(arguments):
    statuses, deadline = {}, time.monotonic() + (arguments.seconds or 0)
    done = 0
    while time.monotonic() < deadline if arguments.seconds else done < arguments.count:
        seed = arguments.seed + done
        chunks = generate(seed)
        if arguments.keep:
            (arguments.keep / f"{seed}.tok").write_bytes(join(chunks))
        if differ(arguments.tok, chunks, statuses):
            if not arguments.no_shrink:
                chunks = shrink(arguments.tok, chunks)
            report(arguments.tok, seed, chunks)
            return 1
        done += 1
    ended = ", ".join(f"{count} with {status}" for status, count in sorted(statuses.items()))
    print(f"seeds {arguments.seed} to {arguments.seed + done - 1}: {done} programs agree "
          f"(exit statuses: {ended})")
    return 0


def main():
    parser = argparse.ArgumentParser(description="Compares the VM with the oracle.")
    parser.add_argument("tok", help="the interpreter")
    parser.add_argument("--seed", type=int, default=1, help="the first seed (default: 1)")
    parser.add_argument("--count", type=int, default=100, help="how many programs (default: 100)")
    parser.add_argument("--seconds", type=float, help="go on for so long instead")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR", help="keep the programs in DIR")
    parser.add_argument("--no-shrink", action="store_true", help="show the program as it is")
    arguments = parser.parse_args()
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
    return with_big_stack(lambda: compare(arguments))


if __name__ == "__main__":
    sys.exit(main())
