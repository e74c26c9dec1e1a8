#!/usr/bin/env python3
"""Runs the language suite: every program under the given folders, against what its comments say.

    run_language_tests.py TOK [DIR...] [--jobs N] [--timeout SECONDS] [--stress] [--write DIR]

TOK is the interpreter: a program, a Python script (…/tok_oracle.py) or a command with arguments in
one string; it is given the name of one program. Without DIR the folders beside this file are run.
README.md beside this file describes the comments. Exit status: 0 only if everything passed.
"""
import argparse
import concurrent.futures
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
EXIT_COMPILE_ERROR, EXIT_RUNTIME_ERROR = 65, 70
STRESS_FACTOR = 20

OUTPUT = re.compile(rb"// expect: ?(.*)")
OUTPUT_HEX = re.compile(rb"// expect bytes: ([0-9a-f ]*)")
INPUT = re.compile(rb"// input: ?(.*)")
INPUT_HEX = re.compile(rb"// input bytes: ([0-9a-f ]*)")
COMPILE_ERROR = re.compile(rb"// (?:\[line (\d+)\] )?error( at end| at '.*'|)$")
FIRST_ERROR = re.compile(rb"// (?:\[line (\d+)\] )?first error( at end| at '.*'|)$")
ANY_COMPILE_ERROR = re.compile(rb"// expect compile error$")
RUNTIME_ERROR = re.compile(rb"// (?:\[line (\d+)\] )?expect runtime error: (.*)")
STACK = re.compile(rb"// expect stack: (.*)")
CARET = re.compile(rb"// caret: (\d+) (\d+)$")
OR_ERROR = re.compile(rb"// or a clean error$")

REPORTED_ERROR = re.compile(rb"^\[line (\d+)\] Error( at end| at '.*?'|): ", re.M | re.DOTALL)
REPORTED_CARET = re.compile(rb"^ {4}( *)(\^+)$", re.M)  # below the line, 4 further right
REPORTED_STACK = re.compile(rb"^\[line (\d+)\] in (script|\w+\(\))$", re.M)


class Expectation:
    """What the comments of one program say."""

    def __init__(self, source):
        self.output, self.input = b"", b""
        self.compile_errors = []      # (line, " at 'x'")
        self.first_error = None       # like one of compile_errors
        self.any_compile_error = self.or_error = False
        self.runtime_error = None     # (line, message)
        self.stack = None             # [(line, "f()")…]
        self.caret = None             # (column, length) of the first report
        self.count = 0
        for number, line in enumerate(source.split(b"\n"), 1):
            comment = line.find(b"// ")
            if comment >= 0:
                self.read_comment(number, line[comment:].removesuffix(b"\r"))

    def read_comment(self, number, comment):
        # A line may have several: `// expect: a // expect: b` is one text, so only the first counts
        # for output and input, which may contain anything.
        self.count += 1
        if match := OUTPUT.match(comment):
            self.output += match[1] + b"\n"
        elif match := OUTPUT_HEX.match(comment):
            self.output += bytes.fromhex(match[1].decode()) + b"\n"
        elif match := INPUT.match(comment):
            self.input += match[1] + b"\n"
        elif match := INPUT_HEX.match(comment):
            self.input += bytes.fromhex(match[1].decode())
        elif match := RUNTIME_ERROR.match(comment):
            self.runtime_error = (int(match[1] or number), match[2].strip())
        elif match := COMPILE_ERROR.match(comment):
            self.compile_errors.append((int(match[1] or number), match[2]))
        elif match := FIRST_ERROR.match(comment):
            self.first_error = (int(match[1] or number), match[2])
        elif ANY_COMPILE_ERROR.match(comment):
            self.any_compile_error = True
        elif match := STACK.match(comment):
            self.stack = [parse_stack_entry(entry) for entry in match[1].split()]
        elif match := CARET.match(comment):
            self.caret = (int(match[1]), int(match[2]))
        elif OR_ERROR.match(comment):
            self.or_error = True
        else:
            self.count -= 1

    def status(self):
        if self.compile_errors or self.first_error or self.any_compile_error:
            return EXIT_COMPILE_ERROR
        return EXIT_RUNTIME_ERROR if self.runtime_error else 0

    def problems(self, status, output, errors):
        """What is wrong with a run, as lines of text."""
        if self.or_error and status in (EXIT_COMPILE_ERROR, EXIT_RUNTIME_ERROR):
            return check_clean_error(status, errors)
        problems = []
        if status != self.status():
            problems.append(f"exit status {status} instead of {self.status()}")
        if output != self.output:
            problems.append(describe_difference(self.output, output))
        if self.status() == 0 and errors:
            problems.append("there should be nothing on standard error")
        if self.status() == EXIT_COMPILE_ERROR:
            problems += self.compile_error_problems(errors)
        if self.runtime_error:
            problems += self.runtime_error_problems(errors)
        shown = REPORTED_CARET.search(errors)  # the oracle shows none
        if self.caret and shown and self.caret != (len(shown[1]) + 1, len(shown[2])):
            problems.append(f"caret {len(shown[1]) + 1} {len(shown[2])} instead of {self.caret}")
        if problems and errors:
            problems.append("standard error was: " + repr(errors[:600])[2:-1])
        return problems

    def compile_error_problems(self, errors):
        found = [(int(line), where) for line, where in REPORTED_ERROR.findall(errors)]
        if not found:
            return ["no compile error is reported"]
        if self.first_error and found[0] != self.first_error:
            return [f"first error {found[0]} instead of {self.first_error}"]
        if self.compile_errors and sorted(found) != sorted(self.compile_errors):
            return [f"errors {found} instead of {self.compile_errors}"]
        return []

    def runtime_error_problems(self, errors):
        problems = []
        line, message = self.runtime_error
        stack = [(int(number), name) for number, name in REPORTED_STACK.findall(errors)]
        if not stack:
            return ["no stack is reported"]
        if stack[0][0] != line:
            problems.append(f"error in line {stack[0][0]} instead of {line}")
        first_line = errors.split(b"\n")[0]
        if message == b"stack overflow" and message not in first_line.lower():
            problems.append(f"message {first_line!r} instead of stack overflow")
        if not first_line or REPORTED_STACK.match(first_line):
            problems.append("there is no message")
        if self.stack is not None and stack != self.stack:
            problems.append(f"stack {stack} instead of {self.stack}")
        return problems


def parse_stack_entry(entry):
    name, line = entry.rsplit(b":", 1)
    return int(line), name


def check_clean_error(status, errors):
    pattern = REPORTED_ERROR if status == EXIT_COMPILE_ERROR else REPORTED_STACK
    return [] if pattern.search(errors) else ["an error without a report"]


def describe_difference(wanted, found):
    wanted_lines, found_lines = wanted.split(b"\n"), found.split(b"\n")
    for number, (want, got) in enumerate(zip(wanted_lines, found_lines), 1):
        if want != got:
            return f"output line {number} is {got[:200]!r} instead of {want[:200]!r}"
    return f"{len(found_lines) - 1} lines of output instead of {len(wanted_lines) - 1}"


def read_program(path):
    """The program's bytes: a .tok file's own, or what a .tok.py file prints."""
    if path.suffix != ".py":
        return path.read_bytes()
    return subprocess.run([sys.executable, str(path)], check=True, capture_output=True).stdout


def run_program(command, path, timeout, write_to):
    """The problems of one program."""
    source = read_program(path)
    expectation = Expectation(source)
    if expectation.count == 0:
        return ["the file expects nothing, so it tests nothing"]
    with tempfile.TemporaryDirectory(prefix="tok-test-") as folder:
        if write_to is not None:
            name = str(path.relative_to(HERE)).removesuffix(".py")
            (write_to / name).parent.mkdir(parents=True, exist_ok=True)
            (write_to / name).write_bytes(source)
        if path.suffix == ".py":
            path = pathlib.Path(folder) / path.stem
            path.write_bytes(source)
        try:
            run = subprocess.run([*command, str(path)], input=expectation.input,
                                 capture_output=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            return [f"still running after {timeout} s"]
    return expectation.problems(run.returncode, run.stdout, run.stderr)


def find_programs(folders):
    """{folder: [programs]}, each folder by its name."""
    if not folders:
        folders = sorted(entry for entry in HERE.iterdir() if entry.is_dir())
    found = {}
    for folder in folders:
        folder = pathlib.Path(folder).resolve()
        found[folder] = sorted([*folder.rglob("*.tok"), *folder.rglob("*.tok.py")])
    return {folder: programs for folder, programs in found.items() if programs}


def parse_arguments():
    parser = argparse.ArgumentParser(description="Runs the language suite.")
    parser.add_argument("tok", help="the interpreter: a path, or a command in one string")
    parser.add_argument("folders", nargs="*", metavar="DIR", help="folders to run; default: all")
    parser.add_argument("--jobs", type=int, default=2, help="programs at a time (default: 2)")
    parser.add_argument("--timeout", type=float, default=30, help="seconds for one program")
    parser.add_argument("--stress", action="store_true",
                        help=f"for a slow build: {STRESS_FACTOR} times the timeout")
    parser.add_argument("--write", type=pathlib.Path, metavar="DIR",
                        help="also write every program, generated ones too, below DIR")
    return parser.parse_intermixed_args()


def interpreter_command(tok):
    if tok.endswith(".py"):
        # This very interpreter, without the modules of the site: half the time to start.
        return [sys.executable, "-I", "-S", tok]
    return [tok] if pathlib.Path(tok).is_file() else shlex.split(tok)


def main():
    arguments = parse_arguments()
    timeout = arguments.timeout * (STRESS_FACTOR if arguments.stress else 1)
    command = interpreter_command(arguments.tok)
    groups = find_programs(arguments.folders)
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=arguments.jobs) as pool:
        runs = {path: pool.submit(run_program, command, path, timeout, arguments.write)
                for programs in groups.values() for path in programs}
        for folder, programs in groups.items():
            bad = [(path, runs[path].result()) for path in programs if runs[path].result()]
            print(f"{folder.name:<20} {len(programs) - len(bad)} passed, {len(bad)} failed")
            for path, problems in bad:
                print(f"  FAIL {path}")
                for problem in problems:
                    print(f"       {problem}")
            passed += len(programs) - len(bad)
            failed += len(bad)
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
