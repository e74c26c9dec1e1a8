"""The promises of ARCHITECTURE.md, counted: nothing leaks, nothing mixes, nothing is logged."""

import concurrent.futures
import operator
import secrets

import pytest

from support import census
from support.client import Client
from support.raw import Connection, request
from support.waiting import PATIENCE, Stopwatch, until


@pytest.fixture(scope="module")
def patient_service(make_long_service):
    """Waits as long as a slow build needs to serve a crowd."""
    return make_long_service(coordinator_settings={"queue.wait": "30s"},
                             executor_settings={"queue.wait": "30s"})


def test_200_clients_at_once_see_only_their_own_output(patient_service):
    service = patient_service

    def one(number):
        mark = f"client {number} {secrets.token_hex(8)}"
        source = f'for (var i = 0; i < 200; i = i + 1) print "{mark}";'
        answer = Client(service.port).text(source)
        return answer.status == 200 and answer.body == (mark + "\n").encode() * 200
    with concurrent.futures.ThreadPoolExecutor(200) as pool:
        assert all(pool.map(one, range(200)))


def test_the_counts_come_back_after_every_kind_of_request(patient_service):
    service = patient_service
    # A crowd first: the connections between the daemons that it needs are kept.
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda _: Client(service.port).result(
            "while (true) {}", limits={"wall_ms": 100}), range(64)))
    before = service.settle()
    kinds = [
        lambda client: client.text("print 1;"),
        lambda client: client.text("print nil + 1;"),
        lambda client: client.text("print ;"),
        lambda client: client.result("while (true) {}", limits={"wall_ms": 20}),
        lambda client: client.result('var s = "ab"; while (true) s = s + s;'),
        lambda client: client.result("while (true) print 1;", limits={"output_bytes": 10}),
        lambda client: client.events("print 1;"),
        lambda client: client.text("print 1;", path="/check"),
        lambda client: client.send_json({"source": "print 1;", "cases": [{"input": "a"}] * 4}),
        lambda client: client.send_json(b"{"),
        lambda client: Connection(client.port).send(request(body=b"while (true) {}")).vanish(),
    ]

    def one(number):
        kinds[number % len(kinds)](Client(service.port))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(len(kinds) * 30)))

    def is_back():
        now = census.snapshot(service)
        return all(now[key] == before[key] for key in ("processes", "cgroups")) and \
            all(map(operator.le, now["descriptors"], before["descriptors"]))
    until(is_back, 20, lambda: f"{census.snapshot(service)} to be {before}")


def test_memory_of_the_daemons_is_bounded_under_floods(patient_service):
    service = patient_service

    def flood(_):
        return Client(service.port).result(
            "while (true) print 1234567;", limits={"output_bytes": 4 << 20})["verdict"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(flood, range(16))) == {"output_limit"}
    after_first = [census.resident_bytes(pid) for pid in service.pids()]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(flood, range(48))) == {"output_limit"}
    for pid, was in zip(service.pids(), after_first):
        assert census.resident_bytes(pid) < was * 1.5 + (32 << 20)


def test_nothing_of_a_program_is_logged(make_service):
    service = make_service(coordinator_settings={"log.level": "debug"},
                           executor_settings={"log.level": "debug"})
    mark = "marker" + secrets.token_hex(8)
    client = service.client
    client.text(f'print "{mark}";')
    client.result(f'print "{mark}"; {mark}();', input=mark)
    client.text(f"print {mark} {mark}")
    client.events(f'class {mark} {{}} print {mark}; nil + "{mark}";')
    client.send_json({"source": f'print "{mark}', "cases": [{"input": mark}]})
    client.send_json({"source": "print 1;", mark: 1})
    client.send_json(f'{{"source": "{mark}'.encode())
    client.result(f'print "{mark}"; while (true) {{}}', limits={"wall_ms": 50})
    service.stop()
    assert mark.encode() not in service.logs()
    assert service.secret.read_bytes() not in service.logs()


def test_programs_do_not_see_each_other(patient_service):
    """A global set by one run is not there in any later one, whatever runner serves it."""
    client = patient_service.client
    for _ in range(50):
        assert client.text("leaked = 1;").verdict == "runtime_error"
        assert client.text("var leaked = 1; print leaked;").body == b"1\n"


def test_every_answer_of_an_overload_comes_in_time(make_service):
    service = make_service(executor_settings={"slots": 2, "pool.warm": 4})
    wall, wait = 0.2, 2.0

    def one(number):
        with Stopwatch() as watch:
            answer = Client(service.port).send_json(
                {"source": "while (true) {}", "limits": {"wall_ms": 200}})
        return answer.status, watch.elapsed()
    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        answers = list(pool.map(one, range(60)))
    assert {status for status, _ in answers} <= {200, 503}
    assert sum(status == 200 for status, _ in answers) >= 10
    assert max(seconds for _, seconds in answers) < wall + wait + 0.5 * PATIENCE


def test_ids_are_never_given_twice(patient_service):
    def one(_):
        return Client(patient_service.port).text("print 1;").header("Tok-Request-Id")
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(one, range(300)))
    assert len(set(ids)) == 300
