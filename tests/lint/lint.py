#!/usr/bin/python3
"""Rules about the tree that no compiler knows. Prints PLACE: RULE: what is wrong; exit 1 if any.

Usage: lint.py [RULE...]      all rules without a name; test_lint.py holds each to an example.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
COMPONENTS = ("tok", "common", "executor", "coordinator")

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 600
# A function that carries this beside its opening line may be longer, and so may its file; the VM's
# loop is one.
LONG_FUNCTION_MARK = "NOLINT(readability-function-size)"
# A line with this mark may sleep: where a helper polls towards a deadline, or an attack sleeps.
SLEEP_MARK = "lint: may sleep"

BANNED = {
    "strcpy": "strlen and memcpy, or snprintf",
    "strcat": "a buffer with a cap",
    "sprintf": "snprintf",
    "vsprintf": "vsnprintf",
    "gets": "getline or read",
    "strtok": "a loop over the text",
    "atoi": "strtoul and a check of its end",
    "atol": "strtoul and a check of its end",
    "atof": "strtod and a check of its end",
    "alloca": "the heap",
    "system": "posix_spawn",
    "popen": "posix_spawn",
    "tmpnam": "mkstemp",
    "mktemp": "mkstemp",
    "rand": "getrandom",
    "getenv": "the environment main() was given",
}
BANNED_EXCEPT = {"getenv": re.compile(r"(^|/)(main|tok|repl)\.c$|^tests/|^bench/")}


def tracked_files():
    """Paths of the tree's own files, relative to its top."""
    try:
        out = subprocess.run(
            ["git", "ls-files", "-z", "-co", "--exclude-standard"],
            cwd=TOP, check=True, capture_output=True).stdout.decode()
        names = [name for name in out.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):  # a tree without git: an unpacked archive
        names = [str(path.relative_to(TOP)) for path in TOP.rglob("*")
                 if path.is_file() and "build" not in path.relative_to(TOP).parts]
    return sorted(name for name in names if (TOP / name).is_file())


def strip_comments_and_strings(text):
    """C without comments and the contents of literals; lines stay where they were."""
    pattern = re.compile(
        r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)

    def blank(match):
        found = match.group(0)
        if found[0] in "\"'":
            return found[0] * 2
        return "\n" * found.count("\n") or " "
    return pattern.sub(blank, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def is_c(name):
    return name.endswith((".c", ".h"))


def banned_functions(name, text):
    if not is_c(name):
        return
    code = strip_comments_and_strings(text)
    for match in re.finditer(r"(?<![\w.>])(%s)\s*\(" % "|".join(BANNED), code):
        function = match.group(1)
        excepted = BANNED_EXCEPT.get(function)
        if not (excepted and excepted.search(name)):
            yield line_of(code, match.start()), f"{function}() is banned; use {BANNED[function]}"


def file_length(name, text):
    count = text.count("\n")
    if is_c(name) and count > FILE_LINES_MAX and LONG_FUNCTION_MARK not in text:
        yield 1, f"{count} lines, at most {FILE_LINES_MAX}: split it by what its parts do"


def function_length(name, text):
    if not name.endswith(".c"):
        return
    lines = text.split("\n")
    opened = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            opened = number
        elif line.startswith("}") and opened:
            heading = "\n".join(lines[max(0, opened - 6):opened])
            if number - opened - 1 > FUNCTION_LINES_MAX and LONG_FUNCTION_MARK not in heading:
                yield opened, (f"a function of {number - opened - 1} lines,"
                               f" at most {FUNCTION_LINES_MAX}")
            opened = None


def unfinished_work(name, text):
    if is_c(name) or name.endswith((".py", ".sh", ".cmake", "CMakeLists.txt")):
        for match in re.finditer(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b", text):
            yield line_of(text, match.start()), f"{match.group(1)}: finish it or write an issue"


def paths_of_a_machine(name, text):
    pattern = r"(?<![\w.])/(?:wo" r"rk|ro" r"ot|ho" r"me/\w+)/[\w.-]+|/tmp/bui" r"ld-"
    for match in re.finditer(pattern, text):
        yield line_of(text, match.start()), f"a path of one machine: {match.group(0)}"


def sleeping_tests(name, text):
    if not name.startswith("tests/"):
        return
    for number, line in enumerate(text.split("\n"), 1):
        if re.search(r"\b(u?sleep|nanosleep|time\.sleep)\s*\(", line) and SLEEP_MARK not in line:
            if is_c(name) or name.endswith(".py"):
                yield number, "a test sleeps; wait for an event with a deadline"


def c_test_bodies(code):
    for match in re.finditer(r"START_TEST\s*\(\s*(\w+)\s*\)(.*?)END_TEST", code, re.DOTALL):
        yield match.group(1), line_of(code, match.start()), match.group(2)


def c_function_bodies(code):
    for match in re.finditer(r"^[\w].*?\b(\w+)\([^;{}]*\)\n\{\n(.*?)^\}", code, re.DOTALL | re.M):
        yield match.group(1), match.group(2)


def calls_of(body):
    return set(re.findall(r"\b(\w+)\s*\(", body))


def closure_of_asserting(functions, asserts):
    """Names of helpers that assert, themselves or through another helper."""
    asserting = {found for found, body in functions if asserts.search(body)}
    others = [(found, calls_of(body)) for found, body in functions if found not in asserting]
    while True:
        more = {found for found, calls in others if calls & asserting} - asserting
        if not more:
            return asserting
        asserting |= more


C_ASSERTS = re.compile(
    r"\b(ck_\w+|assert|fail\w*|expect_\w+|assert_\w+|check_\w+|\w+_VERIFY)\s*\(")
PYTHON_ASSERTS = re.compile(
    r"\bassert\b|pytest\.(raises|fail)\b|\b(expect|assert|check)_\w+\(|\buntil\(")


def c_tests_without_assert(files):
    """Helpers are looked up in all C files of the tests: suites share theirs."""
    codes = {name: strip_comments_and_strings(text) for name, text in files.items()
             if name.startswith("tests/") and is_c(name)}
    functions = [found for code in codes.values() for found in c_function_bodies(code)]
    asserting = closure_of_asserting(functions, C_ASSERTS)
    for name, code in codes.items():
        for test, line, body in c_test_bodies(code):
            # A test that must end by a signal or an exit asserts by that.
            ends = re.search(r"tcase_add_(?:test_raise_signal|exit_test)\([^;]*\b%s\b" % test, code)
            if not C_ASSERTS.search(body) and not calls_of(body) & asserting and not ends:
                yield name, line, f"{test} asserts nothing"


def python_tests_without_assert(name, text):
    if not name.startswith("tests/") or not name.endswith(".py"):
        return
    bodies = []
    pattern = r"^( *)def (\w+)\(.*?\).*?:\n((?:(?:\1[ \t]+.*)?\n)*)"
    for match in re.finditer(pattern, text, re.M):
        bodies.append((match.group(2), match.group(3), line_of(text, match.start())))
    asserting = closure_of_asserting([(found, body) for found, body, _ in bodies], PYTHON_ASSERTS)
    for test, body, line in bodies:
        if test.startswith("test_") and not PYTHON_ASSERTS.search(body) \
                and not calls_of(body) & asserting:
            yield line, f"{test} asserts nothing"


def component_of(name):
    if name.startswith("executor/runner/"):
        return "runner"
    first = name.split("/", 1)[0]
    return first if first in COMPONENTS else None


# The arrows of ARCHITECTURE.md. The runner links the codec of frames and its tables, nothing else.
ARROWS = {
    "tok": {"tok"},
    "common": {"common"},
    "executor": {"executor", "common", "runner"},
    "coordinator": {"coordinator", "common"},
    "runner": {"runner", "executor", "common", "tok"},
}


def upward_includes(files):
    """Needs all names at once: an include is found by its end."""
    homes = {}
    for name in files:
        if name.endswith((".h", ".def")) and component_of(name):
            homes.setdefault(Path(name).name, []).append(name)
    for name, text in files.items():
        home = component_of(name)
        if not is_c(name) or home is None:
            continue
        for match in re.finditer(r'^\s*#\s*include\s+["<]([^">]+)[">]', text, re.M):
            wanted = match.group(1)
            found = [other for other in homes.get(Path(wanted).name, [])
                     if other.endswith("/" + wanted.lstrip("./")) or "/" not in wanted]
            reached = {component_of(other) for other in found}
            if reached and not reached & ARROWS[home]:
                yield name, line_of(text, match.start()), \
                    f"{home} may not include {wanted} of {', '.join(sorted(reached))}"


def headers_alone(files):
    """Each header compiles as a file of its own, with the directories its arrows allow."""
    directories = {}
    for name in files:
        if name.endswith(".h") and component_of(name):
            directories.setdefault(component_of(name), set()).add(str(Path(name).parent))
    headers = [name for name in files if name.endswith(".h") and component_of(name)]
    base = ["gcc", "-std=gnu17", "-D_GNU_SOURCE", '-DTRYTOK_VERSION="0"', "-Wall", "-Wextra",
            "-Werror", "-fsyntax-only"]
    for name in headers:
        allowed = ARROWS[component_of(name)]
        include = {folder for reach in allowed for folder in directories.get(reach, ())}
        # The public header is <tok/tok.h>: its parent is the directory to search.
        include |= {str(Path(folder).parent) for folder in include}
        done = compile_twice(base + ["-I" + folder for folder in sorted(include)], name)
        if done.returncode != 0:
            yield name, 1, "does not compile alone: " + first_error(done.stderr)


def compile_twice(command, name):
    """Includes the header twice, so that a missing guard shows too."""
    with tempfile.NamedTemporaryFile("w", suffix=".c") as source:
        source.write(f'#include "{TOP / name}"\n#include "{TOP / name}"\n')
        source.flush()
        return subprocess.run(command + [source.name], cwd=TOP, capture_output=True, text=True,
                              check=False)


def first_error(text):
    return next((line for line in text.split("\n") if "error" in line), text.strip()[:200])


def is_path_of(name, files):
    """A file, a folder, a module without its ending, or a pattern of such."""
    pattern = re.escape(name.rstrip("/")).replace(r"\*", "[^/]*")
    return any(re.match(pattern + r"(\.\w+)?($|/)", other) for other in files)


def names_in_documents(files):
    """Files, folders and tests that the documents name in `code` are there; "..." ends a prefix."""
    folders = {name.split("/", 1)[0] for name in files if "/" in name}
    words = {Path(name).stem for name in files}
    for name, text in files.items():
        if name.startswith("tests/"):
            words.update(re.findall(r"\b(?:test|s\d\d)_\w+", text))
    for name, text in files.items():
        if not re.fullmatch(r"(docs/)?[^/]+\.md", name):
            continue
        for match in re.finditer(r"`([\w./*-]+)`", text):
            named = match.group(1)
            test = re.fullmatch(r"((?:test|s\d\d)_\w*?)(\.\.\.|\.\w+)?", named)
            if test and test.group(2) == "...":
                is_there = any(word.startswith(test.group(1)) for word in words)
            elif test:
                is_there = test.group(1) in words
            elif named.split("/", 1)[0] in folders and "/" in named and named == named.lower():
                is_there = is_path_of(named, files)
            else:
                continue
            if not is_there:
                yield name, line_of(text, match.start()), f"names {named}, which is not there"


FILE_RULES = {
    "banned-function": banned_functions,
    "file-length": file_length,
    "function-length": function_length,
    "unfinished": unfinished_work,
    "machine-path": paths_of_a_machine,
    "sleeping-test": sleeping_tests,
    "python-test-without-assert": python_tests_without_assert,
}
TREE_RULES = {
    "upward-include": upward_includes,
    "header-alone": headers_alone,
    "test-without-assert": c_tests_without_assert,
    "document-names": names_in_documents,
}


def read_tree():
    files = {}
    for name in tracked_files():
        try:
            files[name] = (TOP / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a test case of raw bytes
    return files


def main(arguments):
    wanted = arguments or [*FILE_RULES, *TREE_RULES]
    unknown = [rule for rule in wanted if rule not in FILE_RULES and rule not in TREE_RULES]
    if unknown:
        print(f"no such rule: {unknown[0]}; there are {', '.join([*FILE_RULES, *TREE_RULES])}")
        return 2
    files = read_tree()
    count = 0
    for rule in wanted:
        if rule in FILE_RULES:
            found = ((name, line, what) for name, text in files.items()
                     for line, what in FILE_RULES[rule](name, text))
        else:
            found = TREE_RULES[rule](files)
        for name, line, what in found:
            print(f"{name}:{line}: {rule}: {what}")
            count += 1
    print(f"lint: {len(files)} files, {len(wanted)} rules, {count} complaints")
    return 1 if count else 0


if __name__ == "__main__":
    os.chdir(TOP)
    sys.exit(main(sys.argv[1:]))
