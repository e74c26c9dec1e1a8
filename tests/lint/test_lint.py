"""Each rule of lint.py finds what it is for, and lets the like of it pass."""

import pytest

import lint

BODY = "    int x;\n"


def complaints(rule, name, text):
    return [what for _, what in lint.FILE_RULES[rule](name, text)]


@pytest.mark.parametrize("rule, name, bad", [
    ("banned-function", "common/a.c", "void f(char *a) { strcpy(a, \"\"); }\n"),
    ("banned-function", "common/a.c", "char *f(void) { return getenv(\"A\"); }\n"),
    ("banned-function", "executor/a.c", "int f(void) { return system (\"ls\"); }\n"),
    ("file-length", "tok/a.c", "\n" * 601),
    ("function-length", "tok/a.c", "void f(void)\n{\n" + BODY * 71 + "}\n"),
    ("unfinished", "tok/a.c", "/* TO" "DO: later */\n"),
    ("machine-path", "docs/a.md", "see /ho" "me/ada/trytok\n"),
    ("sleeping-test", "tests/unit/a.c", "    usle" "ep(10);\n"),
    ("sleeping-test", "tests/http/a.py", "    time.sle" "ep(1)\n"),
    ("python-test-without-assert", "tests/http/a.py", "def test_x(a):\n    a.run()\n\n"),
])
def test_a_rule_finds_what_it_is_for(rule, name, bad):
    assert complaints(rule, name, bad)


@pytest.mark.parametrize("rule, name, good", [
    ("banned-function", "common/a.c", "/* strcpy() is banned */ int my_strcpy(int a);\n"),
    ("banned-function", "common/a.c", "const char *f(void) { return \"system(x)\"; }\n"),
    ("banned-function", "tok/cli/main.c", "char *f(void) { return getenv(\"A\"); }\n"),
    ("file-length", "tok/a.c", "\n" * 600),
    ("function-length", "tok/a.c", "void f(void)\n{\n" + BODY * 70 + "}\n"),
    ("function-length", "tok/a.c",
     "/* NOLINT(readability-function-size): a loop */\nvoid f(void)\n{\n" + BODY * 71 + "}\n"),
    ("machine-path", "docs/a.md", "a framework/notes path, /rootless/x\n"),
    ("sleeping-test", "tests/support/a.py", "    time.sleep(0.01)  # lint: may sleep\n"),
    ("python-test-without-assert", "tests/http/a.py",
     "def verdict(a):\n    assert a\n\ndef test_x(a):\n    verdict(a)\n"),
])
def test_a_rule_lets_the_like_of_it_pass(rule, name, good):
    assert complaints(rule, name, good) == []


@pytest.mark.parametrize("name, include", [
    ("tok/src/a.c", "frame.h"), ("common/a.c", "pool.h"), ("common/a.c", "tok/tok.h"),
    ("executor/a.c", "request.h"), ("coordinator/a.c", "pool.h"), ("executor/a.c", "tok/tok.h"),
])
def test_an_include_against_the_arrows_is_found(name, include):
    files = {"common/frame.h": "", "executor/pool.h": "", "coordinator/request.h": "",
             "tok/include/tok/tok.h": "", name: f'#include "{include}"\n'}
    assert [place for place, _, _ in lint.upward_includes(files)] == [name]


@pytest.mark.parametrize("name, include", [
    ("executor/a.c", "frame.h"), ("coordinator/a.c", "frame.h"),
    ("executor/runner/a.c", "tok/tok.h"), ("tok/cli/a.c", "tok/tok.h"), ("tok/a.c", "stdio.h"),
])
def test_an_include_along_the_arrows_passes(name, include):
    files = {"common/frame.h": "", "tok/include/tok/tok.h": "", name: f'#include "{include}"\n'}
    assert list(lint.upward_includes(files)) == []


@pytest.mark.parametrize("text", [
    "size_t f(void);\n", "struct a { int b; };\n",
], ids=["a type without its header", "no guard"])
def test_a_header_that_does_not_stand_alone_is_found(tmp_path, monkeypatch, text):
    (tmp_path / "common").mkdir()
    (tmp_path / "common/a.h").write_text(text)
    monkeypatch.setattr(lint, "TOP", tmp_path)
    assert [name for name, _, _ in lint.headers_alone({"common/a.h": text})] == ["common/a.h"]


HOLDS = "void holds(int a)\n{\n    ck_assert(a);\n}\n"


@pytest.mark.parametrize("body, helpers, count", [
    ("run();", "", 1), ("run();", HOLDS, 1), ("holds(1);", HOLDS, 0), ("ck_assert(a);", "", 0)])
def test_a_c_test_asserts_itself_or_through_a_helper_of_any_file(body, helpers, count):
    files = {"tests/unit/a.c": "START_TEST(x)\n{\n    %s\n}\nEND_TEST\n" % body,
             "tests/unit/helpers.c": helpers}
    assert len(list(lint.c_tests_without_assert(files))) == count


TREE = {"common/frame.c": "", "common/frame.h": "", "tests/http/test_gate.py": "def test_h01_slow():",
        "tests/sandbox/test_sandbox.c": "START_TEST(s10_spinning)"}


@pytest.mark.parametrize("named", [
    "common/fram", "common/frames.h", "common/frame/x", "tests/html/", "test_gates", "test_gate_...",
    "test_h02_...", "s10_spin", "tests/http/test_gates.py", "tests/*/test_gates.py",
])
def test_a_document_that_names_what_is_not_there_is_found(named):
    files = {**TREE, "docs/a.md": f"see\n`{named}`"}
    assert [(place, line) for place, line, _ in lint.names_in_documents(files)] == [("docs/a.md", 2)]


@pytest.mark.parametrize("named", [
    "common/frame", "common/frame.h", "common/", "common", "test_gate", "test_gate.py", "s10_spinning",
    "test_h01_...", "tests/http/test_*.py", "text/plain", "build/x", "tests/TOPIC/", "s10_...",
])
def test_a_document_that_names_what_is_there_passes(named):
    assert list(lint.names_in_documents({**TREE, "docs/a.md": f"`{named}`"})) == []
