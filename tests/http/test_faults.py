"""What breaks under way: executors, runners, the coordinator itself, and how that is told."""

import json
import os
import signal
import subprocess
import threading

import pytest

from support import census
from support.client import Client, EventStream
from support.raw import Connection, exchange, request
from support.waiting import PATIENCE, Stopwatch, until

JSON = ["Content-Type: application/json"]
LONG = {"source": "print 1; while (true) {}", "limits": {"wall_ms": 20000, "cpu_ms": 20000}}
SHORT = {"source": "print 1; while (true) {}", "limits": {"wall_ms": 2000}}
LONG_JSON = json.dumps(LONG).encode()


def busy_of(executor):
    response = exchange(executor.port, request("GET", "/readyz"), "GET")
    return int(response.header("trytok-busy"))


def running_runner(executor):
    """The pid of the runner that has a program: the one that uses the processor."""
    found = [pid for pid in census.runners(executor.pid) if census.processor_ticks(pid) > 5]
    return found[0] if found else None


def test_a_killed_executor_is_502_within_a_second_and_the_next_go_elsewhere(make_service):
    service = make_service(executors=2)
    with Connection(service.port) as connection:
        connection.send(request(body=LONG_JSON, headers=JSON))
        victim = until(lambda: next((executor for executor in service.executors
                                     if busy_of(executor) == 1), None), 5, "the run")
        with Stopwatch() as watch:
            victim.kill()
            response = connection.read_response()
        assert response.status == 502 and b"executor_lost" in response.body, response
        assert watch.seconds < 1 * PATIENCE
    for number in range(20):
        assert service.client.text(f"print {number};").body == b"%d\n" % number
    service.executors.remove(victim)


def test_a_killed_executor_leaves_no_process(make_service):
    service = make_service(executors=2)
    victim = service.executors.pop()
    left = census.descendants(victim.pid)
    assert left
    victim.kill()
    until(lambda: not any(census.is_process(pid) for pid in left), 3, "the runners' end")


def test_a_reader_of_events_is_told_that_the_executor_was_lost(make_service):
    service = make_service()
    with EventStream(service.port, LONG) as stream:
        stream.until("stdout")
        service.executors.pop().kill()
        assert stream.until("result")["verdict"] == "internal_error"


def test_without_any_executor_it_is_503(make_service):
    service = make_service()
    service.executors.pop().kill()
    for _ in range(3):
        answer = service.client.text("print 1;")
        assert answer.status == 503 and answer.header("Retry-After") == "1", answer
        assert answer.json()["code"] in ("no_executor", "busy")


def test_an_executor_that_comes_back_is_used_again(make_service):
    service = make_service()
    old = service.executors.pop()
    port = old.port
    old.kill()
    assert service.client.text("print 1;").status == 503
    service.add_executor({"listen.port": port})
    until(lambda: service.client.text("print 1;").status == 200, 10, "the executor's return")


def test_a_killed_runner_is_internal_error_with_what_was_printed(make_service):
    service = make_service()
    with EventStream(service.port, LONG) as stream:
        assert stream.until("stdout")["data"] == "1\n"
        pid = until(lambda: running_runner(service.executors[0]), 5, "the runner")
        others = [service.client.text("print 2;").body]
        os.kill(pid, signal.SIGKILL)
        result = stream.until("result")
        others.append(service.client.text("print 3;").body)
    assert result["verdict"] == "internal_error"
    assert others == [b"2\n", b"3\n"]


def test_a_killed_runner_is_internal_error_in_json(make_service):
    service = make_service()
    with Connection(service.port) as connection:
        connection.send(request(body=LONG_JSON, headers=JSON))
        pid = until(lambda: running_runner(service.executors[0]), 5, "the runner")
        os.kill(pid, signal.SIGKILL)
        response = connection.read_response()
    assert response.status == 200, response
    assert b'"internal_error"' in response.body and b'"stdout":"1\\n"' in response.body


def test_idle_runners_that_are_killed_are_replaced(make_service):
    service = make_service()
    executor = service.executors[0]
    for pid in census.runners(executor.pid):
        os.kill(pid, signal.SIGKILL)
    until(lambda: service.client.text("print 1;").status == 200, 5, "new runners")


# ---- SIGTERM ----

def test_sigterm_of_the_coordinator_loses_no_accepted_request(make_service):
    service = make_service()
    with EventStream(service.port, SHORT) as stream:
        stream.until("stdout")
        service.coordinator.signal(signal.SIGTERM)
        assert stream.until("result")["verdict"] == "time_limit"
    assert service.coordinator.wait(10) == 0


def test_a_draining_coordinator_takes_nothing_new(make_service):
    service = make_service(coordinator_settings={"drain.delay": "400ms"})
    with EventStream(service.port, SHORT) as stream:
        stream.until("stdout")
        service.coordinator.signal(signal.SIGTERM)
        until(lambda: refuses(service.port), 3, "the refusal")
        assert stream.until("result")["verdict"] == "time_limit"
    assert service.coordinator.wait(10) == 0


def refuses(port):
    try:
        answer = Client(port).text("print 1;")
    except OSError:
        return True
    assert answer.status in (200, 503), answer
    return answer.status == 503


def test_sigterm_of_an_executor_loses_no_accepted_request(make_service):
    service = make_service(executors=2)
    with EventStream(service.port, SHORT) as stream:
        stream.until("stdout")
        leaving = next(one for one in service.executors if busy_of(one) == 1)
        leaving.signal(signal.SIGTERM)
        for number in range(20):
            assert service.client.text(f"print {number};").body == b"%d\n" % number
        assert stream.until("result")["verdict"] == "time_limit"
    assert leaving.wait(10) == 0


def test_executors_stop_under_load_without_a_failed_request(make_service):
    service = make_service(executors=2)
    statuses, stop = [], threading.Event()

    def load():
        client = Client(service.port)
        while not stop.is_set():
            statuses.append(client.text("print 1;").status)
    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: len(statuses) > 100, 20, "load")
        leaving = service.executors[0]
        leaving.signal(signal.SIGTERM)
        assert leaving.wait(10) == 0
        before = len(statuses)
        until(lambda: len(statuses) > before + 100, 20, "load after it")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert set(statuses) == {200}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_daemons_end_with_status_0(make_service, number):
    service = make_service()
    for daemon in service.daemons():
        daemon.signal(number)
        assert daemon.wait(10) == 0


# ---- refusals at start ----

@pytest.mark.parametrize("program", ["trytok-executor", "trytok-coordinator"])
def test_a_secret_that_others_can_read_is_refused(programs, tmp_path, program):
    secret = tmp_path / "secret"
    secret.write_text("0" * 64)
    secret.chmod(0o644)
    assert_refuses(programs / program, ["--secret.file", secret], b"secret")


@pytest.mark.parametrize("program", ["trytok-executor", "trytok-coordinator"])
def test_an_unknown_setting_is_refused(programs, program):
    assert_refuses(programs / program, ["--no.such", "1"], b"no.such")


def test_an_executor_refuses_a_layer_that_does_not_exist(programs, tmp_path):
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text("0" * 64)
    assert_refuses(programs / "trytok-executor",
                   ["--secret.file", secret, "--sandbox.require", "moon"], b"moon")


def assert_refuses(program, flags, about):
    done = subprocess.run([program, "--listen.port", "0", "--admin.port", "0", *flags],
                          capture_output=True, check=False, timeout=20 * PATIENCE)
    assert done.returncode not in (0, None) and done.returncode > 0
    assert about in done.stdout + done.stderr


def test_an_executor_takes_nothing_that_is_not_signed(service):
    executor = service.executors[0]
    for headers in ([], ["TryTok-Request-Id: " + "0" * 32, "TryTok-Deadline-Ms: 1000",
                         "TryTok-Signature: " + "0" * 64]):
        response = exchange(executor.port, request(path="/run", body=b"x" * 20, headers=headers))
        assert response.status in (400, 401), response
    assert exchange(executor.port, request(path="/run", body=b"x" * 20, headers=[
        "TryTok-Request-Id: " + "0" * 32, "TryTok-Deadline-Ms: 1000",
        "TryTok-Signature: " + "0" * 64])).status == 401
