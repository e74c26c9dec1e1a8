"""POST /execute and /check: what a program's author sees, in every form of answer."""

import re
import subprocess
from pathlib import Path

import pytest

from support.client import stdout_of
from support.raw import Connection, request
from support.waiting import PATIENCE, Stopwatch

HELLO = 'print "Hello, World!";'
LANGUAGE = Path(__file__).resolve().parents[1] / "language"
PROGRAMS = sorted((LANGUAGE / "programs").glob("*.tok"))


def test_hello_world_is_answered_byte_for_byte(client):
    answer = client.text(HELLO)
    assert (answer.status, answer.body) == (200, b"Hello, World!\n")
    assert answer.header("Content-Type").startswith("text/plain")
    assert answer.header("Tok-Verdict") == "ok"
    assert answer.header("Tok-Exit-Code") == "0"
    assert answer.header("Tok-Stdout-Bytes") == "14"
    assert re.fullmatch(r"[0-9a-f]{32}", answer.header("Tok-Request-Id"))


def test_the_readme_curl_line_prints_hello_world(port):
    done = subprocess.run(["curl", "-sS", "--data", HELLO, f"http://127.0.0.1:{port}/execute"],
                          capture_output=True, check=True)
    assert done.stdout == b"Hello, World!\n"


@pytest.mark.parametrize("content_type", [
    None, "text/plain", "text/plain; charset=utf-8", "application/octet-stream",
    "application/x-www-form-urlencoded"])
def test_these_types_mean_that_the_body_is_the_program(client, content_type):
    headers = {"Content-Type": content_type} if content_type else {}
    answer = client.request("POST", "/execute", "print 1 + 1;", headers)
    assert (answer.status, answer.body) == (200, b"2\n")


def test_a_text_program_may_ask_for_json(client):
    answer = client.request("POST", "/execute", HELLO, {"Accept": "application/json"})
    assert answer.json()["stdout"] == "Hello, World!\n"


def test_a_json_program_may_ask_for_text(client):
    answer = client.send_json({"source": HELLO}, headers={"Accept": "text/plain"})
    assert answer.body == b"Hello, World!\n"


def test_a_result_has_every_field(client):
    result = client.result(HELLO)
    assert re.fullmatch(r"[0-9a-f]{32}", result["id"])
    assert result["verdict"] == "ok" and result["exit_code"] == 0
    assert result["stdout"] == "Hello, World!\n" and result["stderr"] == ""
    assert result["diagnostics"] == [] and result["truncated"] is False
    usage = result["usage"]
    assert set(usage) == {"queue_ms", "wall_ms", "cpu_ms", "memory_peak_bytes", "steps"}
    assert all(value >= 0 for value in usage.values()) and usage["memory_peak_bytes"] > 0
    assert result["sandbox"]["backend"] == "process"
    assert "seccomp" in result["sandbox"]["layers"] and "pid_ns" in result["sandbox"]["layers"]


@pytest.mark.parametrize("path", PROGRAMS, ids=[path.stem for path in PROGRAMS])
def test_a_program_gives_the_same_bytes_by_every_road(client, programs, path):
    source = path.read_bytes()
    alone = subprocess.run([programs / "tok", path], capture_output=True, check=False,
                           stdin=subprocess.DEVNULL)
    text = client.text(source)
    stdout_bytes = int(text.header("Tok-Stdout-Bytes"))
    assert text.body[:stdout_bytes] == alone.stdout
    assert int(text.header("Tok-Exit-Code")) == alone.returncode
    result = client.result(source.decode())
    assert result["stdout"] == alone.stdout.decode(errors="replace")
    assert result["exit_code"] == alone.returncode
    assert stdout_of(client.events(source.decode())) == result["stdout"]


def test_there_are_programs_to_compare():
    assert len(PROGRAMS) >= 3


def test_input_is_read_line_by_line(client):
    source = "var l = input(); while (l != nil) { print length(l); l = input(); }"
    assert client.result(source, input="a\nbcd\r\n\nxy")["stdout"] == "1\n3\n0\n2\n"
    assert client.result("print input();")["stdout"] == "nil\n"


# ---- verdicts ----

def test_an_endless_loop_is_stopped_at_its_wall_limit(client):
    with Stopwatch() as watch:
        result = client.result('print "before"; while (true) {}', limits={"wall_ms": 300})
    assert (result["verdict"], result["exit_code"]) == ("time_limit", 124)
    assert result["stdout"] == "before\n"
    assert 0.3 <= watch.seconds < 0.3 + 0.5 * PATIENCE
    assert result["usage"]["wall_ms"] >= 300


def test_an_endless_loop_is_stopped_at_its_processor_limit(client):
    result = client.result("while (true) {}", limits={"cpu_ms": 200, "wall_ms": 20000})
    assert result["verdict"] == "time_limit"
    assert 200 <= result["usage"]["cpu_ms"] < 200 + 500 * PATIENCE
    assert result["usage"]["wall_ms"] < 15000


def test_a_string_that_doubles_for_ever_ends_in_memory_limit(client):
    result = client.result('print "before"; var s = "ab"; while (true) s = s + s;')
    assert (result["verdict"], result["exit_code"]) == ("memory_limit", 137)
    assert result["stdout"] == "before\n"


def test_many_small_objects_end_in_memory_limit(client):
    result = client.result("class N {} var l; while (true) { var n = N(); n.next = l; l = n; }",
                           limits={"memory_bytes": 8 << 20})
    assert result["verdict"] == "memory_limit"


def test_an_endless_print_keeps_its_first_bytes(client):
    result = client.result('while (true) print "0123456789";', limits={"output_bytes": 1000})
    assert (result["verdict"], result["exit_code"]) == ("output_limit", 141)
    assert result["truncated"] is True
    assert result["stdout"] == ("0123456789\n" * 100)[:1000]


@pytest.mark.parametrize("limit, verdict, stdout", [
    (4, "ok", "abc\n"), (5, "ok", "abc\n"), (3, "output_limit", "abc"), (0, "output_limit", "")])
def test_the_output_limit_is_exact(client, limit, verdict, stdout):
    result = client.result('print "abc";', limits={"output_bytes": limit})
    assert (result["verdict"], result["stdout"]) == (verdict, stdout)


def test_unbounded_recursion_is_a_stack_overflow(client):
    result = client.result("fun f() { f(); }\nprint 1;\nf();")
    assert (result["verdict"], result["exit_code"]) == ("runtime_error", 70)
    assert result["stdout"] == "1\n"
    assert "stack overflow" in result["stderr"].lower()
    assert len(result["diagnostics"][0]["trace"]) <= 64


def test_a_runtime_error_has_message_place_and_trace(client):
    result = client.result('fun f() {\n  return nil + 1;\n}\nprint "x";\nf();')
    assert result["verdict"] == "runtime_error" and result["stdout"] == "x\n"
    diagnostic = result["diagnostics"][0]
    assert diagnostic["severity"] == "error" and diagnostic["line"] == 2
    assert diagnostic["column"] == 14 and diagnostic["length"] == 1
    assert [line["line"] for line in diagnostic["trace"]] == [2, 5]
    assert diagnostic["trace"][0]["function"] == "f"
    assert "[line 2] in f()" in result["stderr"] and "[line 5] in script" in result["stderr"]


def test_every_compile_error_has_line_and_column(client):
    result = client.result("print 1;\nprint ;\nvar 1 = 2;\n  print (;\n")
    assert (result["verdict"], result["exit_code"]) == ("compile_error", 65)
    assert result["stdout"] == ""
    places = [(found["line"], found["column"]) for found in result["diagnostics"]]
    assert places == [(2, 7), (3, 5), (4, 10)]
    assert result["stderr"].count("Error at") == 3


def test_text_carries_the_diagnostics_after_the_output(client):
    answer = client.text("print 1;\nprint nil + 1;")
    assert answer.status == 200 and answer.verdict == "runtime_error"
    count = int(answer.header("Tok-Stdout-Bytes"))
    assert answer.body[:count] == b"1\n"
    assert b"[line 2] in script" in answer.body[count:]


def test_steps_are_the_same_twice_and_limit_exactly(client):
    source = "fun f(n) { if (n > 0) f(n - 1); } for (var i = 0; i < 100; i = i + 1) f(10); print 1;"
    steps = client.result(source)["usage"]["steps"]
    assert steps > 0 and client.result(source)["usage"]["steps"] == steps
    assert client.result(source, limits={"steps": steps})["verdict"] == "ok"
    stopped = client.result(source, limits={"steps": steps - 1})
    assert (stopped["verdict"], stopped["exit_code"]) == ("step_limit", 125)


@pytest.mark.parametrize("limits", [
    {"wall_ms": 0}, {"wall_ms": 60001}, {"cpu_ms": 0}, {"memory_bytes": 1},
    {"memory_bytes": (256 << 20) + 1}, {"output_bytes": (4 << 20) + 1}, {"wall_ms": -1}])
def test_a_limit_outside_what_is_allowed_is_422(client, limits):
    answer = client.send_json({"source": "print 1;", "limits": limits})
    assert (answer.status, answer.json()["code"]) == (422, "limit_out_of_range")


@pytest.mark.parametrize("limits", [
    {"wall_ms": 60000}, {"wall_ms": 100}, {"memory_bytes": 256 << 20}, {"output_bytes": 4 << 20}])
def test_a_limit_at_its_bound_is_taken(client, limits):
    assert client.result("print 1;", limits=limits)["verdict"] == "ok"


@pytest.mark.parametrize("limits", [{"wall": 5}, {"wall_ms": "5"}, {"wall_ms": 1.5}, [], 5])
def test_limits_of_another_shape_are_400(client, limits):
    answer = client.send_json({"source": "print 1;", "limits": limits})
    assert (answer.status, answer.json()["code"]) == (400, "malformed")


# ---- bytes ----

def test_text_is_byte_exact_both_ways(client):
    answer = client.text(b'print "\xff\x00\xc3\xa9\r";')
    assert answer.body == b"\xff\x00\xc3\xa9\r\n"


def test_json_output_replaces_what_is_not_utf8(client):
    answer = client.request("POST", "/execute", b'print "\xff\x00\xc3\xa9";',
                            {"Content-Type": "text/plain", "Accept": "application/json"})
    assert b"\\u0000" in answer.body
    assert answer.json()["stdout"] == "\ufffd\0\u00e9\n"


def test_json_with_nul_points_to_text(client):
    answer = client.send_json(b'{"source": "print 1;\\u0000"}')
    assert answer.status == 400 and "text/plain" in answer.json()["detail"]


# ---- events ----

def test_events_come_in_order_and_end_with_one_result(client):
    events = client.events("for (var i = 0; i < 500; i = i + 1) print i; print nil + 1;")
    names = [name for name, _ in events]
    assert names.count("result") == 1 and names[-1] == "result"
    assert names.index("diagnostic") > max(
        index for index, name in enumerate(names) if name == "stdout")
    assert stdout_of(events) == "".join(f"{number}\n" for number in range(500))
    assert events[-1][1]["verdict"] == "runtime_error"


def test_events_come_while_the_program_still_runs(port):
    body = b'{"source": "print 1; while (true) {}", "limits": {"wall_ms": 3000}}'
    with Connection(port) as connection, Stopwatch() as watch:
        connection.send(request(body=body, headers=[
            "Content-Type: application/json", "Accept: text/event-stream"]))
        assert connection.read_until(b"event: stdout") is not None
        first = watch.elapsed()
        assert connection.read_until(b"time_limit") is not None
        assert watch.elapsed() >= 2.9
    assert first < 2


def test_a_character_cut_between_two_events_is_whole_again(client):
    source = 'for (var i = 0; i < 40000; i = i + 1) print "\u00e9\u20ac";'
    assert stdout_of(client.events(source)) == "\u00e9\u20ac\n" * 40000


# ---- cases ----

def test_each_case_gets_its_own_input_and_verdict(client):
    answer = client.send_json({
        "source": "var n = number(input()); if (n == nil) nil + 1; print n * 2;",
        "cases": [{"input": "1"}, {"input": "x"}, {"input": "21"}]})
    cases = answer.json()["cases"]
    assert [case["verdict"] for case in cases] == ["ok", "runtime_error", "ok"]
    assert [case["stdout"] for case in cases] == ["2\n", "", "42\n"]


@pytest.mark.parametrize("count, status", [(64, 200), (65, 422), (1, 200)])
def test_the_number_of_cases_is_limited(client, count, status):
    cases = [{"input": str(number)} for number in range(count)]
    answer = client.send_json({"source": "print input();", "cases": cases})
    assert answer.status in (status, 400 if status == 422 else status), answer
    if status == 200:
        found = [case["stdout"] for case in answer.json()["cases"]]
        assert found == [f"{number}\n" for number in range(count)]


def test_input_beside_cases_is_400(client):
    answer = client.send_json({"source": "print 1;", "input": "a", "cases": [{"input": "b"}]})
    assert answer.status == 400


def test_events_of_cases_carry_their_index(client):
    events = client.events("print input();", cases=[{"input": "a"}, {"input": "b"}])
    found = {data["case"]: data["verdict"] for name, data in events
             if name == "result" and "case" in data}
    assert found == {0: "ok", 1: "ok"}


# ---- check ----

def test_check_compiles_and_runs_nothing(client):
    result = client.result('print "never";', path="/check")
    assert (result["verdict"], result["stdout"]) == ("ok", "")
    result = client.result("while (true) {}", path="/check")
    assert result["verdict"] == "ok"


def test_check_tells_every_compile_error(client):
    result = client.result("print ;\nprint ;", path="/check")
    assert result["verdict"] == "compile_error"
    assert [found["line"] for found in result["diagnostics"]] == [1, 2]


def test_check_answers_in_text_too(client):
    answer = client.text("print 1", path="/check")
    assert answer.status == 200 and answer.verdict == "compile_error"
    assert b"[line 1] Error at end" in answer.body
