"""tok-repl, on a terminal as a person has one, and with a program piped in."""

import pytest

from support.terminal import Terminal

COUNTER = "fun counter() { var n = 0; fun next() { n = n + 1; return n; } return next; }"


@pytest.fixture
def open_terminal(programs, tmp_path):
    opened = []

    def start(program="tok-repl", home=tmp_path):
        environment = {"TERM": "xterm", "HOME": str(home)} if home else {"TERM": "xterm"}
        opened.append(Terminal(programs / program, environment=environment))
        greeting = opened[-1].prompt()
        assert greeting.startswith("Tok ") and "Ctrl-D" in greeting, greeting
        return opened[-1]
    yield start
    for terminal in opened:
        terminal.close()


@pytest.fixture
def terminal(open_terminal):
    return open_terminal()


def leave(terminal):
    terminal.type("\x04")
    assert terminal.wait() == 0


def test_tok_alone_is_the_repl(open_terminal):
    terminal = open_terminal("tok")
    assert terminal.ask("1 + 1") == "2"
    leave(terminal)


def test_globals_functions_and_classes_stay(terminal):
    assert terminal.ask("var a = 1;") == ""
    assert terminal.ask("fun f() { return a + 1; }") == ""
    assert terminal.ask("class A { m() { return f(); } }") == ""
    assert terminal.ask("print A().m();") == "2"
    assert terminal.ask("a = 41;") == ""
    assert terminal.ask("A().m()") == "42"


@pytest.mark.parametrize("line, shown", [
    ("1 + 2", "3"), ('"a" + "b"', "ab"), ("nil", "nil"), ("clock", "<native fn>"),
    ("1 + 2;", ""), ("print 1 + 2;", "3"), ("(1)", "1"), ("", ""), ("   ", ""), ("// no", ""),
])
def test_an_expression_without_semicolon_shows_its_value(terminal, line, shown):
    assert terminal.ask(line) == shown


def test_a_runtime_error_leaves_it_usable(terminal):
    terminal.ask("var a = 5;")
    shown = terminal.ask("a + nil;")
    assert shown.startswith("Operands must be") and shown.endswith("    a + nil;\n      ^"), shown
    assert "Undefined variable 'b'" in terminal.ask("b")
    assert terminal.ask("a") == "5"


def test_captured_variables_outlive_an_error(terminal):
    terminal.ask(COUNTER)
    terminal.ask("var k = counter();")
    assert terminal.ask("k()") == "1"
    assert "Operands" in terminal.ask("{ var mine = k; mine(); print nil + 1; }")
    assert terminal.ask("k()") == "3"
    terminal.ask("var kept;")
    assert "Operands" in terminal.ask(
        "{ var n = 1; fun g() { n = n + 1; return n; } kept = g; nil + n; }")
    assert terminal.ask("kept() + kept()") == "5"
    assert "stack overflow" in terminal.ask("fun r() { k(); r(); } r();")
    assert int(float(terminal.ask("k()"))) > 1000


def test_a_compile_error_declares_nothing(terminal):
    assert "Expect variable name" in terminal.ask("var a = 1; var 3;")
    assert "Undefined variable 'a'" in terminal.ask("a")
    assert terminal.ask("1") == "1"


def test_what_is_open_goes_on_in_the_next_line(terminal):
    for line in ("class A {", 'm() { return "two', 'lines"; }'):
        assert terminal.ask(line) == ""
    assert terminal.ask("}") == ""
    assert terminal.ask("A().m()") == "two\nlines"
    assert terminal.ask("(1 +") == ""
    assert terminal.ask("2)") == "3"
    assert terminal.ask("if (true)") == ""
    assert terminal.ask("print 4;") == "4"


def test_an_empty_line_ends_what_is_open(terminal):
    terminal.ask("fun f(")
    shown = terminal.ask("")
    assert "Error at end: Expect parameter name." in shown, shown
    assert terminal.ask("1") == "1"


def test_a_wrong_line_is_not_continued(terminal):
    assert "Error at ')'" in terminal.ask("print );")
    assert terminal.ask("1") == "1"


def test_control_c_at_the_prompt_drops_what_was_typed(terminal):
    for typed in ("", "print 1 +"):
        terminal.type(typed + "\x03")
        terminal.prompt()
    assert terminal.ask("2") == "2"


def test_control_c_drops_what_is_open(terminal):
    terminal.ask("fun f() {")
    terminal.type("\x03")
    terminal.prompt()
    assert terminal.ask("2") == "2"


@pytest.mark.parametrize("loop", ["while (true) {}", "fun f() { f(); } while (true) { counter(); }"])
def test_control_c_ends_an_endless_program(terminal, loop):
    terminal.ask(COUNTER + " var k = counter(); k();")
    terminal.start(loop)
    assert "interrupted" in terminal.interrupt_until_prompt()
    assert terminal.ask("k()") == "2"


def test_control_c_ends_a_wait_for_input(terminal):
    terminal.start("print input();")
    assert "interrupted" in terminal.interrupt_until_prompt()
    assert terminal.ask("3") == "3"


def test_input_is_the_next_line_and_a_question_is_seen_before(terminal):
    terminal.type('print "name?"; print "Hi " + input();\n')
    terminal.expect(lambda seen: seen.endswith(b"\r\nname?\r\n"), "the question")
    assert terminal.ask("Ada") == "Hi Ada"
    terminal.start("input()")
    terminal.type("\x04")
    assert terminal.prompt().endswith("nil\r\n> ")
    assert terminal.ask("1") == "1"


def test_control_d_leaves_also_with_something_open(terminal):
    terminal.ask("fun f() {")
    leave(terminal)


def test_history_is_kept_from_session_to_session(open_terminal, tmp_path):
    first = open_terminal()
    first.ask("print 40 + 2;")
    first.type("\x1b[A\n")
    assert "\r\n42\r\n" in first.prompt()
    leave(first)
    assert (tmp_path / ".tok_history").stat().st_mode & 0o077 == 0
    second = open_terminal()
    second.type("\x1b[A\n")
    assert "\r\n42\r\n" in second.prompt()


@pytest.mark.parametrize("home", [None, "/nowhere/at/all"])
def test_without_a_home_there_is_no_history_and_no_harm(open_terminal, home):
    terminal = open_terminal(home=home)
    assert terminal.ask("1") == "1"
    leave(terminal)


# ---- without a terminal ----

def test_a_piped_program_runs_line_by_line_without_prompts(run):
    done = run("tok-repl", stdin=b"var a = 1;\nfun f() {\n  return a;\n}\nf()\nprint 2;")
    assert (done.status, done.out, done.err) == (0, b"1\n2\n", b""), done


def test_a_piped_program_reads_its_own_next_line(run):
    done = run("tok", stdin=b"var a = input();\nAda\nprint a;\nprint input();\n")
    assert (done.status, done.out, done.err) == (0, b"Ada\nnil\n", b""), done


@pytest.mark.parametrize("text, status", [
    (b"", 0), (b"\n", 0), (b"print 1;\n", 0), (b"nil + 1;\n", 70), (b"var;\n", 65),
    (b"nil + 1;\n1\n", 0), (b"fun f() {\n", 65), (b'"open\n', 65),
])
def test_the_status_of_a_piped_program_is_that_of_its_last_entry(run, text, status):
    done = run("tok-repl", stdin=text)
    assert done.status == status and b">" not in done.out, done


def test_an_unknown_argument_is_named(run):
    for argument in ("--bogus", "a.tok", "-"):
        done = run("tok-repl", argument)
        assert done.status == 64 and done.out == b"", done
        assert argument.encode() in done.err and b"--help" in done.err, done
