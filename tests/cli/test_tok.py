"""The command `tok`: what it prints, where, and its exit status."""

import os
import subprocess

import pytest

FAILS = "print 1;\nprint nil + 1;\nprint 2;\n"
WRONG = "fun f() {\n\treturn 1 + ;\n}\nvar 3;\n"
WRONG_TEXT = b"""[line 2] Error at ';': Expect expression.
    \treturn 1 + ;
    \t           ^
[line 4] Error at '3': Expect variable name.
    var 3;
        ^
"""


# ---- running ----

def test_a_program_runs_and_reads_its_input(run, write):
    done = run("tok", write('print "Hi " + input(); print input();'), stdin=b"Ada\r\n")
    assert (done.status, done.out, done.err) == (0, b"Hi Ada\nnil\n", b""), done


def test_a_program_may_come_from_standard_input(run):
    done = run("tok", "-", stdin=b"print 7;")
    assert (done.status, done.out, done.err) == (0, b"7\n", b""), done


def test_the_input_of_a_program_from_standard_input_is_at_its_end(run):
    done = run("tok", "-", stdin=b"print input();\n")
    assert (done.status, done.out) == (0, b"nil\n"), done


@pytest.mark.parametrize("source", ["", "\n\n", "// nothing", " \t\r\n"])
def test_an_empty_program_does_nothing_well(run, write, source):
    done = run("tok", write(source))
    assert (done.status, done.out, done.err) == (0, b"", b""), done


def test_a_runtime_error_shows_message_trace_and_place(run, write):
    done = run("tok", write(FAILS))
    assert (done.status, done.out) == (70, b"1\n"), done
    assert done.err == b"""Operands must be two numbers or two strings.
[line 2] in script
    print nil + 1;
              ^
""", done


def test_compile_errors_show_their_places_and_nothing_is_run(run, write):
    done = run("tok", write("print 1;\n" + WRONG))
    assert (done.status, done.out) == (65, b""), done
    assert b"[line 3]" in done.err and b"[line 5]" in done.err, done


def test_check_reports_and_runs_nothing(run, write):
    assert run("tok", "check", write(FAILS)).status == 0
    done = run("tok", "check", write(WRONG))
    assert (done.status, done.out, done.err) == (65, b"", WRONG_TEXT), done


def test_disasm_shows_code_and_runs_nothing(run, write):
    done = run("tok", "disasm", write("fun f(a) { return a + 1; } print f(1);"))
    assert (done.status, done.err) == (0, b""), done
    assert b"ADDK" in done.out and b"PRINT" in done.out and b"\n2\n" not in done.out, done
    done = run("tok", "disasm", write(WRONG))
    assert (done.status, done.out, done.err) == (65, b"", WRONG_TEXT), done


def test_files_may_be_called_like_commands(run, write):
    write("print 1;", "check")
    assert run("tok", "./check").out == b"1\n"
    assert run("tok", "check", "check").status == 0
    write("print 2;", "-x")
    assert run("tok", "./-x").out == b"2\n"


# ---- the excerpt ----

@pytest.mark.parametrize("source, caret", [
    ('print "é" + nil;', '    print "é" + nil;\n              ^\n'),
    ("\tprint 1 + nil;", "    \tprint 1 + nil;\n    \t        ^\n"),
    ("print 1 +", None),
    ('print "open', '    print "open\n          ^^^^^\n'),
    ("print abc;;", "    print abc;;\n              ^\n"),
    ("print\n  abcdef;", "      abcdef;\n      ^^^^^^\n"),
    ("@", "    @\n    ^\n"),
])
def test_the_caret_is_below_the_place(run, write, source, caret):
    done = run("tok", write(source))
    assert done.status in (65, 70), done
    assert caret is None or done.err.decode().endswith(caret), done
    assert caret or done.err == b"[line 1] Error at end: Expect expression.\n" \
                                b"    print 1 +\n             ^\n", done


def test_a_long_line_is_cut_around_the_place(run, write):
    done = run("tok", write("print 1" + " + 1" * 5000 + " + nil" + " + 2" * 5000 + ";"))
    lines = done.err.decode().split("\n")
    assert done.status == 70 and max(map(len, lines)) < 200, done
    assert lines[2][len(lines[3]) - 1] == "+" and " nil + 2" in lines[2], done


def test_control_characters_of_a_program_do_not_reach_the_terminal(run, write):
    done = run("tok", write(b"print \x1b[2J\x00\x07\x7f;"))
    assert done.status == 65, done
    assert all(byte >= 0x20 or byte in b"\n\t" for byte in done.err), done
    assert b"    print ?[2J???;\n          ^\n" in done.err, done


def test_a_binary_file_is_a_compile_error_of_bounded_length(run, write, programs):
    done = run("tok", write((programs / "tok").read_bytes()[:200000], "binary"))
    assert done.status == 65 and done.out == b"", done
    assert len(done.err) < 200000 and b"Unexpected character" in done.err, done


# ---- limits ----

@pytest.mark.parametrize("flags, source, status, word", [
    (["--steps", "1000"], "while (true) {}", 125, b"tok: step_limit\n"),
    (["--steps=1K"], "while (true) {}", 125, b"tok: step_limit\n"),
    (["--memory", "1M"], 'var s = "x"; while (true) s = s + s;', 137, b"tok: memory_limit\n"),
    (["--memory", "1"], "print 1;", 137, b"tok: memory_limit\n"),
    (["--output", "4"], "while (true) print 12;", 141, b"tok: output_limit\n"),
    ([], "fun f() { f(); } f();", 70, b"stack overflow\n"),
    (["--call-depth", "5"], "fun f() { f(); } f();", 70, b"stack overflow\n"),
    (["--nesting", "3"], "print ((((1))));", 65, b"Nesting too deep"),
    (["--nesting", "4000000"], "print " + "(" * 100000 + "1" + ")" * 100000 + ";", 65,
     b"Nesting too deep"),
])
def test_a_broken_limit_ends_with_its_verdict(run, write, flags, source, status, word):
    done = run("tok", *flags, write(source))
    assert done.status == status and word in done.err, done


def test_what_was_printed_before_a_limit_is_kept(run, write):
    assert run("tok", "--output", "4", write("while (true) print 12;")).out == b"12\n1"
    assert run("tok", "--steps", "9", write("print 5; while (true) {}")).out == b"5\n"


@pytest.mark.parametrize("count, status", [(2, 141), (3, 0), (4, 0), (0, 0)])
def test_the_output_limit_is_exact_and_zero_is_none(run, write, count, status):
    assert run("tok", "--output", str(count), write("print 12;")).status == status


def test_the_same_program_takes_the_same_steps(run, write):
    name = write("for (var i = 0; i < 1000; i = i + 1) {}")
    said = {run("tok", "--usage", name).err for _ in range(2)}
    assert len(said) == 1 and b"steps 100" in said.pop()


def test_usage_is_said_on_standard_error(run, write):
    done = run("tok", "--usage", write("print 12;"))
    assert (done.status, done.out) == (0, b"12\n"), done
    assert b"output 3 bytes" in done.err and b"memory" in done.err, done


# ---- mistakes ----

@pytest.mark.parametrize("arguments, status, words", [
    (["--bogus"], 64, "tok: unknown option: --bogus\nTry 'tok --help'.\n"),
    (["-h"], 64, "tok: unknown option: -h\nTry 'tok --help'.\n"),
    (["--stepsx=1", "a"], 64, "tok: unknown option: --stepsx=1\nTry 'tok --help'.\n"),
    (["--steps"], 64, "tok: a number is missing after: --steps\nTry 'tok --help'.\n"),
    (["check"], 64, "tok: which file?\nTry 'tok --help'.\n"),
    (["--usage"], 64, "tok: which file?\nTry 'tok --help'.\n"),
    (["a", "b"], 64, "tok: more than one file: b\nTry 'tok --help'.\n"),
    (["check", "a", "b"], 64, "tok: more than one file: b\nTry 'tok --help'.\n"),
    (["none.tok"], 74, "tok: cannot read 'none.tok': No such file or directory\n"),
    (["check", "none.tok"], 74, "tok: cannot read 'none.tok': No such file or directory\n"),
    ([""], 74, "tok: cannot read '': No such file or directory\n"),
    (["."], 74, "tok: cannot read '.': Is a directory\n"),
])
def test_a_mistake_is_named(run, arguments, status, words):
    done = run("tok", *arguments)
    assert (done.status, done.out, done.err.decode()) == (status, b"", words), done


@pytest.mark.parametrize("value", ["", "x", "-1", "+1", " 1", "1Q", "1KB", "1.5", "0x10",
                                   "18446744073709551616", "99999999999G"])
def test_a_number_that_is_none_is_refused_with_its_option(run, value):
    for arguments in (["--memory", value, "a"], [f"--memory={value}", "a"]):
        done = run("tok", *arguments)
        assert done.status == 64 and done.out == b"", done
        assert done.err.decode().startswith(f"tok: --memory: '{value}' is not a number"), done


def test_counts_have_32_bits(run, write):
    name = write("")
    assert run("tok", "--call-depth", "4294967295", name).status == 0
    assert run("tok", "--call-depth", "4294967296", name).status == 64
    assert run("tok", "--nesting", "4G", name).status == 64


def test_output_that_cannot_be_written_is_said(run, write):
    name = write("print 1;")
    with open("/dev/full", "wb") as full:
        done = run("tok", name, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    assert done.status == 74, done
    assert done.err == b"tok: cannot write standard output: No space left on device\n", done


def test_input_that_cannot_be_read_is_said(programs, write, tmp_path):
    name = write("print input();")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        done = subprocess.run([programs / "tok", name], cwd=tmp_path, stdin=folder,
                              capture_output=True, check=False)
    finally:
        os.close(folder)
    assert done.returncode == 74 and done.stdout == b"", done
    assert done.stderr == b"tok: cannot read standard input: Is a directory\n", done


# ---- help ----

@pytest.mark.parametrize("name", ["tok", "tok-repl"])
def test_help_and_version_go_to_standard_output(run, name):
    done = run(name, "--help")
    assert done.status == 0 and done.err == b"" and done.out.startswith(b"Usage: " + name.encode())
    assert b"--version" in done.out
    done = run(name, "--version")
    assert done.status == 0 and done.err == b"" and done.out.startswith(name.encode() + b" ")


def test_help_names_every_option_and_status(run):
    text = run("tok", "--help").out.decode()
    for word in ("check", "disasm", "--steps", "--memory", "--output", "--call-depth", "--nesting",
                 "--usage", "64", "65", "70", "74", "125", "137", "141"):
        assert word in text, word
    assert max(map(len, text.split("\n"))) <= 100
