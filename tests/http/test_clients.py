"""H16 and H17: clients that vanish, that close their half, that come in crowds; and fairness."""

import json
import threading

from support import census
from support.client import EventStream
from support.raw import Connection, request
from support.waiting import PATIENCE, Stopwatch, until

LOOP = b"while (true) {}"
JSON = ["Content-Type: application/json"]
LONG = b'{"source": "print 1; while (true) {}", "limits": {"wall_ms": 30000, "cpu_ms": 30000}}'
ONE_SLOT = {"slots": 1, "pool.warm": 2}


def busy(service):
    """Runs under way or waiting in the executors, as they tell it themselves."""
    total = 0
    for executor in service.executors:
        with Connection(executor.port) as connection:
            connection.send(request("GET", "/readyz", headers=["Connection: close"]))
            total += int(connection.read_response("GET").header("trytok-busy"))
    return total


def test_h16_a_client_that_vanishes_gives_its_slot_back(make_service):
    service = make_service(executor_settings=ONE_SLOT)
    connection = Connection(service.port)
    connection.send(request(body=LONG, headers=JSON))
    until(lambda: busy(service) == 1, 5, "the run to start")
    connection.vanish()
    until(lambda: busy(service) == 0, 2, "the slot")
    assert service.client.text("print 2;").body == b"2\n"


def test_h16_a_client_that_closes_gives_its_slot_back(make_service):
    """A plain close looks like a half-closed client until the next byte is sent to it."""
    service = make_service(executor_settings=ONE_SLOT)
    connection = Connection(service.port)
    connection.send(request(body=LONG, headers=JSON))
    until(lambda: busy(service) == 1, 5, "the run to start")
    connection.close()
    until(lambda: busy(service) == 0, 4, "the slot")
    assert service.client.text("print 2;").body == b"2\n"


def test_h16_a_reader_of_events_that_vanishes_gives_its_slot_back(make_service):
    service = make_service(executor_settings=ONE_SLOT)
    connection = Connection(service.port)
    connection.send(request(body=LONG, headers=JSON + ["Accept: text/event-stream"]))
    assert connection.read_until(b"event: stdout") is not None
    connection.vanish()
    until(lambda: busy(service) == 0, 2, "the slot")
    assert service.client.text("print 2;").body == b"2\n"


def test_h16_a_client_that_vanishes_while_it_waits_is_forgotten(make_service):
    service = make_service(executor_settings=ONE_SLOT)
    first = Connection(service.port).send(request(body=LONG, headers=JSON))
    until(lambda: busy(service) == 1, 5, "the run to start")
    for _ in range(20):
        Connection(service.port).send(request(body=LONG, headers=JSON)).vanish()
    first.vanish()
    until(lambda: busy(service) == 0, 3, "the slots")
    assert service.client.text("print 2;").body == b"2\n"


def test_h16_a_client_that_vanishes_before_its_body_is_forgotten(service):
    for _ in range(20):
        Connection(service.port).send(request(headers=["Content-Length: 100"]) + b"pri").vanish()
    assert service.client.text("print 2;").body == b"2\n"
    until(lambda: busy(service) == 0, 3, "no run")


def test_h17_a_half_closed_client_is_answered(service):
    source = b'print "a"; for (var i = 0; i < 3000000; i = i + 1) {} print "b";'
    with Connection(service.port) as connection:
        connection.send(request(body=source)).half_close()
        response = connection.read_response()
        assert response is not None and response.body == b"a\nb\n", response


def test_h17_a_half_closed_reader_of_events_gets_them_all(service):
    with Connection(service.port) as connection:
        connection.send(request(body=b"print 1;", headers=["Accept: text/event-stream"]))
        connection.half_close()
        response = connection.read_response()
        assert response.complete and b"event: result" in response.body


class Crowd:
    """Requests sent at once, each from a thread of its own; who was answered, how and when."""

    def __init__(self, port):
        self.port = port
        self.threads = []
        self.answers = {}

    def send(self, key, body, headers=(), source="127.0.0.1"):
        def run():
            with Stopwatch() as watch, Connection(self.port, 60, source) as connection:
                connection.send(request(body=body, headers=headers))
                response = connection.read_response()
                self.answers[key] = (response, watch.elapsed())
        thread = threading.Thread(target=run)
        thread.start()
        self.threads.append(thread)

    def wait(self):
        for thread in self.threads:
            thread.join()
        return self.answers


def test_clients_do_not_take_the_descriptors_that_executors_are_reached_with(
        make_service, programs, tmp_path):
    few = tmp_path / "few"
    few.mkdir()
    script = few / "trytok-coordinator"
    script.write_text(f'#!/bin/sh\nulimit -n 64\nexec {programs}/trytok-coordinator "$@"\n')
    script.chmod(0o755)
    service = make_service(programs=few)
    at_rest = census.descriptors(service.coordinator.pid)
    crowd = [Connection(service.port).send(request(body=b"print 1;", headers=["Connection: close"]))
             for _ in range(100)]
    answers = [connection.read_response() for connection in crowd]
    assert {answer.status for answer in answers if answer} == {200}
    assert len([answer for answer in answers if answer]) >= 16
    for connection in crowd:
        connection.close()
    until(lambda: census.descriptors(service.coordinator.pid) < at_rest + 8, 5, "the clients' end")
    assert service.client.text("print 2;").body == b"2\n"


class SlowReaders:
    """Clients that ask for much and read a little of it now and then, so as never to be idle."""

    def __init__(self, port, headers=()):
        self.port, self.headers = port, [*JSON, *headers]
        self.connections = []

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for connection in self.connections:
            connection.close()

    def add(self):
        """One more, once its answer has begun; False when it was refused."""
        source = 'var s = "' + "\1" * 5000 + '"; while (true) print s;'
        body = json.dumps({"source": source, "limits": {"output_bytes": 4 << 20}}).encode()
        connection = Connection(self.port, receive_buffer=4096)
        self.connections.append(connection)
        connection.send(request(body=body, headers=self.headers))
        return connection.read_count(12) == b"HTTP/1.1 200"

    def read_some(self):
        for connection in self.connections:
            connection.socket.settimeout(0.001)
            try:
                connection.socket.recv(4096)
            except (TimeoutError, ConnectionResetError):
                pass


def test_slow_readers_do_not_keep_others_out(make_service):
    """Three answers of 24 MB are more than may be held: the one that goes out longest is cut."""
    service = make_service(coordinator_settings={"memory.held_max": "50MiB"})
    with SlowReaders(service.port) as slow:
        assert [slow.add() for _ in range(3)] == [True] * 3

        def is_served():
            slow.read_some()
            return service.client.text("print 1;").status == 200
        until(is_served, 5, "room for others")


def test_slow_readers_of_events_hold_no_more_than_may_be_held(make_service):
    """Output grows sixfold in events: what counts is what is kept, not what was printed."""
    service = make_service(coordinator_settings={"memory.held_max": "50MiB"})
    before = census.resident_bytes(service.coordinator.pid)
    with SlowReaders(service.port, ["Accept: text/event-stream"]) as slow:
        for _ in range(16):
            slow.add()
            until(lambda: busy(service) == 0, 5, "the end of the run")
            slow.read_some()
        assert census.resident_bytes(service.coordinator.pid) < before + (150 << 20)


def test_events_that_were_read_are_not_held_while_the_program_runs_on(make_service):
    service = make_service(coordinator_settings={"memory.held_max": "8MiB"})
    source = ('var s = "' + "\1" * 3999 + '"; for (var i = 0; i < 1000; i = i + 1) print s; '
              'while (true) {}')
    with EventStream(service.port, {"source": source, "limits": {
            "output_bytes": 4 << 20, "wall_ms": 30000, "cpu_ms": 30000}}) as stream:
        left = 1000 * 4000
        while left > 0:
            left -= len(stream.until("stdout")["data"])
        assert service.client.text("print 1;").status == 200
        assert busy(service) == 1


def test_a_full_queue_is_503_at_once(make_service):
    service = make_service(executor_settings={**ONE_SLOT, "queue.max": 0},
                           coordinator_settings={"queue.max": 2})
    body = b'{"source": "while (true) {}", "limits": {"wall_ms": 800}}'
    crowd = Crowd(service.port)
    crowd.send("first", body, JSON)
    until(lambda: busy(service) == 1, 5, "the run to start")
    for number in range(10):
        crowd.send(number, body, JSON)
    answers = crowd.wait()
    refused = [(response, seconds) for response, seconds in answers.values()
               if response.status == 503]
    assert len(refused) == 8, sorted(response.status for response, _ in answers.values())
    for response, seconds in refused:
        assert response.header("retry-after") == "1" and b'busy' in response.body
        assert seconds < 0.3 * PATIENCE


def test_a_wait_for_a_slot_is_bounded(make_service):
    service = make_service(executor_settings=ONE_SLOT,
                           coordinator_settings={"queue.wait": "300ms"})
    body = b'{"source": "while (true) {}", "limits": {"wall_ms": 3000}}'
    crowd = Crowd(service.port)
    crowd.send("first", body, JSON)
    until(lambda: busy(service) == 1, 5, "the run to start")
    crowd.send("second", body, JSON)
    response, seconds = crowd.wait()["second"]
    assert response.status == 503 and response.header("retry-after") == "1"
    assert 0.25 < seconds < 0.3 + 0.5 * PATIENCE


def test_waiting_clients_are_served_in_turn(make_service):
    """One client fills the queue, another comes last with two: it does not wait behind them all."""
    service = make_service(executor_settings={**ONE_SLOT, "queue.max": 0},
                           coordinator_settings={"queue.wait": "30s"})
    first = Connection(service.port).send(request(body=LONG, headers=JSON))
    until(lambda: busy(service) == 1, 5, "the run to start")
    waiting = []
    for name, source, count in (("greedy", "127.0.0.5", 12), ("modest", "127.0.0.6", 2)):
        for _ in range(count):
            connection = Connection(service.port, 60, source)
            connection.send(request(body=b"print 1;", headers=["Connection: close"]))
            waiting.append((name, connection))
            # An answer to a later request proves that the earlier one has been taken in.
            assert service.client.get("/livez").status == 200
    first.vanish()
    names = {connection.read_response().header("tok-request-id"): name
             for name, connection in waiting}
    # Who reads first says little about who was served first: the log does.

    def order_of_service():
        lines = service.coordinator.log().split(b"\n")[:-1]
        ended = [json.loads(line).get("id") for line in lines]
        return [names[one] for one in ended if one in names]
    until(lambda: len(order_of_service()) == 14, 5, "the last line of the log")
    order = order_of_service()
    # In turn: the modest client's two are among the first handful, whoever was asked first.
    assert [index for index, name in enumerate(order) if name == "modest"][-1] <= 5, order
