"""H01-H13, H22, H23 of docs/security.md: requests that no careful client sends, over raw sockets.

After each of them the service must still serve; what was refused must not have been executed.
"""

import json
import re

import pytest

from support.raw import Connection, exchange, request
from support.waiting import PATIENCE, Stopwatch, until

JSON = ["Content-Type: application/json"]
HELLO = b'print "Hello, World!";'
SMUGGLED = request(body=b'print "smuggled";')


def problem(response, status, code):
    assert response is not None, "the connection was closed without an answer"
    assert response.status == status, response
    assert response.header("content-type") == "application/problem+json", response
    assert f'"code":"{code}"'.encode() in response.body.replace(b": ", b":"), response
    return response


def drip(connection, data, pause=0.05):
    """Sends a byte at a time until the server answers or closes; returns what came then."""
    connection.socket.settimeout(pause)
    for byte in data:
        try:
            connection.socket.send(bytes([byte]))
            came = connection.socket.recv(65536)
        except TimeoutError:
            continue
        except (BrokenPipeError, ConnectionResetError):
            came = b""
        connection.pending += came
        connection.socket.settimeout(10)
        return came
    raise AssertionError("the server took everything")


# ---- slow clients: with header deadline 0.6 s, body deadline 1.5 s ----

def test_h01_slowloris_header_is_closed_at_the_header_deadline(strict_service):
    with Connection(strict_service.port) as connection, Stopwatch() as watch:
        drip(connection, b"POST /execute HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 1000)
        assert connection.is_closed_by_server()
        assert 0.4 < watch.elapsed() < 0.6 + 1.0 * PATIENCE


def test_h01_a_connection_that_says_nothing_is_closed(strict_service):
    with Connection(strict_service.port) as connection, Stopwatch() as watch:
        assert connection.is_closed_by_server()
        assert watch.elapsed() < 2.5 * PATIENCE


def test_h01_a_kept_connection_that_starts_slowly_is_closed(strict_service):
    with Connection(strict_service.port) as connection:
        connection.send(request(body=HELLO))
        assert connection.read_response().status == 200
        with Stopwatch() as watch:
            drip(connection, b"POST /execute HTTP/1.1\r\n" + b"X: y\r\n" * 1000)
            assert connection.is_closed_by_server()
            assert watch.elapsed() < 2.0 * PATIENCE


def test_h02_slow_body_is_408(strict_service):
    with Connection(strict_service.port) as connection, Stopwatch() as watch:
        connection.send(request(headers=["Content-Length: 1000"]))
        drip(connection, b" " * 1000)
        problem(connection.read_response(), 408, "request_timeout")
        assert watch.elapsed() < 1.5 + 1.0 * PATIENCE


def test_h02_a_body_that_never_comes_is_408(strict_service):
    with Connection(strict_service.port) as connection:
        connection.send(request(headers=["Content-Length: 10"]) + b"prin")
        problem(connection.read_response(), 408, "request_timeout")
        assert connection.is_closed_by_server()


def test_h03_a_reader_that_reads_nothing_is_dropped(make_service):
    """24 MB of JSON: far more than the kernel's buffers take in for a client that reads nothing."""
    service = make_service(coordinator_settings={"http.write_timeout": "500ms"})
    source = 'var s = "' + "\1" * 5000 + '"; while (true) print s;'
    body = json.dumps({"source": source, "limits": {"output_bytes": 4 << 20}}).encode()
    assert exchange(service.port, request(body=body, headers=JSON)).complete

    def requests_under_way():
        return service.coordinator.metrics()["trytok_coordinator_requests_in_flight"]
    until(lambda: requests_under_way() == 0, 10, "the end of the first answer")
    with Connection(service.port, receive_buffer=4096) as connection:
        connection.send(request(body=body, headers=JSON))
        assert connection.socket.recv(1)
        with Stopwatch() as watch:
            until(lambda: requests_under_way() == 0, 10, "the drop")
        assert 0.3 < watch.seconds < 3 * PATIENCE
        assert len(connection.read_rest()) < 6 * (4 << 20)


# ---- counts and sizes ----

def is_open(connection):
    connection.socket.settimeout(0.05)
    try:
        return connection.socket.recv(1) != b""
    except ConnectionResetError:
        return False
    except TimeoutError:
        return True


def serves(service):
    response = exchange(service.port, request(body=HELLO))
    return response is not None and response.body == b"Hello, World!\n"


@pytest.mark.parametrize("setting, places", [
    ("http.connections_per_address_max", 8), ("http.connections_max", 8)])
def test_h04_connections_beyond_the_limit_are_closed_at_once(make_service, setting, places):
    service = make_service(coordinator_settings={setting: places, "http.header_timeout": "60s"})
    service.settle()
    port = service.port
    idle = [Connection(port, source="127.0.0.3") for _ in range(places + 4)]
    try:
        until(lambda: not any(map(is_open, idle[places:])), 10, "the refusal of the last four")
        assert all(map(is_open, idle[:places]))
        if "per_address" in setting:
            with Connection(port, source="127.0.0.2") as other:
                other.send(request(body=HELLO))
                assert other.read_response().body == b"Hello, World!\n"
    finally:
        for connection in idle:
            connection.close()
    until(lambda: serves(service), 10, "a free place")


def test_h05_a_header_of_40_kilobytes_is_431(service):
    response = exchange(service.port, request(body=HELLO, headers=["X-Long: " + "a" * 40000]))
    problem(response, 431, "headers_too_large")


def test_h05_two_thousand_headers_are_431(service):
    headers = [f"X-{number}: some value of it" for number in range(2000)]
    problem(exchange(service.port, request(body=HELLO, headers=headers)), 431, "headers_too_large")


def test_h06_a_target_of_40_kilobytes_is_414(service):
    response = exchange(service.port, request("GET", "/" + "a" * 40000))
    problem(response, 414, "target_too_long")


def test_h06_a_query_of_40_kilobytes_is_414(service):
    response = exchange(service.port, request("GET", "/livez?" + "a" * 40000))
    problem(response, 414, "target_too_long")


# ---- chunks ----

CHUNKED = ["Transfer-Encoding: chunked"]


def test_h07_a_chunked_program_is_run(service):
    data = request(headers=CHUNKED) + b"6\r\nprint \r\n2;x=y\r\n1;\r\n0\r\n\r\n"
    assert exchange(service.port, data).body == b"1\n"


def test_h07_chunks_without_end_are_408(strict_service):
    with Connection(strict_service.port) as connection:
        connection.send(request(headers=CHUNKED) + b"6\r\nprint \r\n")
        problem(connection.read_response(), 408, "request_timeout")


@pytest.mark.parametrize("size", [b"FFFFFFFFFFFFFFFFF", b"FFFFFFFFFFFFFFFF", b"7FFFFFFFFFFFFFFF"])
def test_h07_a_chunk_of_impossible_size_is_refused(strict_service, size):
    with Connection(strict_service.port) as connection:
        connection.send(request(headers=CHUNKED) + size + b"\r\nprint 1;\r\n")
        response = connection.read_response()
        assert response is None or 400 <= response.status < 500, response


@pytest.mark.parametrize("size", [b"-1", b"0x6", b"6 6", b"", b"g"])
def test_h07_a_chunk_size_that_is_no_number_is_refused(strict_service, size):
    with Connection(strict_service.port) as connection:
        connection.send(request(headers=CHUNKED) + size + b"\r\nprint \r\n0\r\n\r\n")
        response = connection.read_response()
        assert response is None or 400 <= response.status < 500, response


def test_h07_a_chunk_extension_of_100_kilobytes_is_refused(service):
    data = request(headers=CHUNKED) + b"8;" + b"a" * 100000 + b"\r\nprint 1;\r\n0\r\n\r\n"
    with Connection(service.port) as connection:
        connection.send_as_far_as_taken(data)
        response = connection.read_response()
        assert response is None or 400 <= response.status < 500, response


# ---- ambiguous messages: two parsers on the path might read them in two ways ----

AMBIGUOUS = {
    "te_and_cl": (["Transfer-Encoding: chunked", "Content-Length: 5"], b"0\r\n\r\n"),
    "cl_twice": (["Content-Length: 22", "Content-Length: 0"], HELLO),
    "cl_twice_same": (["Content-Length: 22", "Content-Length: 22"], HELLO),
    "cl_list": (["Content-Length: 22, 22"], HELLO),
    "cl_plus": (["Content-Length: +22"], HELLO),
    "cl_minus": (["Content-Length: -1"], b""),
    "cl_hex": (["Content-Length: 0x16"], HELLO),
    "cl_empty": (["Content-Length: "], b""),
    "cl_huge": (["Content-Length: 99999999999999999999999"], b""),
    "te_blank_before_colon": (["Transfer-Encoding : chunked"], b"0\r\n\r\n"),
    "te_xchunked": (["Transfer-Encoding: xchunked"], b"0\r\n\r\n"),
    "te_gzip_chunked": (["Transfer-Encoding: gzip, chunked"], b"0\r\n\r\n"),
    "te_chunked_twice": (["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
                         b"0\r\n\r\n"),
    "te_identity": (["Transfer-Encoding: identity", "Content-Length: 22"], HELLO),
    "bare_cr_in_value": (["X: a\rb", "Content-Length: 22"], HELLO),
    "blank_in_name": (["X y: a", "Content-Length: 22"], HELLO),
    "host_twice": (["Host: other", "Content-Length: 22"], HELLO),
    "type_twice": (["Content-Type: text/plain", "Content-Type: application/json",
                    "Content-Length: 22"], HELLO),
    "authorization_twice": (["Authorization: a", "Authorization: b", "Content-Length: 22"], HELLO),
    "no_colon": (["JustAName", "Content-Length: 22"], HELLO),
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_h08_an_ambiguous_message_is_refused_and_what_follows_is_not_run(service, name):
    headers, body = AMBIGUOUS[name]
    refused_and_nothing_run(service.port, request(headers=headers, body=body))


def test_h08_a_missing_host_is_refused(service):
    refused_and_nothing_run(service.port, request(body=HELLO, host=None))


def test_h08_transfer_encoding_on_http_1_0_is_refused(service):
    data = request(headers=CHUNKED, version="1.0") + b"0\r\n\r\n"
    refused_and_nothing_run(service.port, data)


def refused_and_nothing_run(port, data):
    with Connection(port) as connection:
        connection.send_as_far_as_taken(data + SMUGGLED)
        response = connection.read_response()
        assert response is None or response.status in (400, 413), response
        rest = connection.read_rest()
        assert b"smuggled" not in rest and b"HTTP/1.1 200" not in rest


@pytest.mark.parametrize("head", [
    b"POST /execute HTTP/1.1\nHost: a\nContent-Length: 22\n\n" + HELLO,
    b"POST /execute HTTP/1.1\r\nHost: a\r\nX: b\r\n folded\r\nContent-Length: 22\r\n\r\n" + HELLO,
    b"POST /execute HTTP/1.1\r\nHost: a\r\nX: b\0c\r\nContent-Length: 22\r\n\r\n" + HELLO,
], ids=["bare_lf", "obs_fold", "nul_in_value"])
def test_h08_the_residue_of_the_parser_gives_one_answer_of_its_own(service, head):
    """docs/security.md names these three: taken or refused, but never as two requests."""
    with Connection(service.port) as connection:
        connection.send(head).half_close()
        response = connection.read_response()
        assert response is None or response.status in (200, 400), response
        assert b"HTTP/1.1 200" not in connection.read_rest()


@pytest.mark.parametrize("line", [
    b"POST /execute\r\n", b"POST  /execute HTTP/1.1\r\n", b"/execute HTTP/1.1\r\n",
    b"POST /execute HTTP/9.9\r\n", b"POST /execute HTTP/1.1 x\r\n", b"\x16\x03\x01\x02\x00\r\n",
    b"POST /exe cute HTTP/1.1\r\n", b"G\0T /livez HTTP/1.1\r\n"])
def test_h08_a_malformed_request_line_is_never_served(service, line):
    with Connection(service.port) as connection:
        connection.send_as_far_as_taken(line + b"Host: a\r\nContent-Length: 0\r\n\r\n").half_close()
        response = connection.read_response()
        assert response is None or 400 <= response.status <= 505, response


# ---- order, expectations, methods, paths ----

def test_h09_pipelined_requests_get_their_answers_in_order(service):
    with Connection(service.port) as connection:
        connection.send(b"".join(request(body=b'print "%d";' % number) for number in range(3)))
        bodies = []
        while len(bodies) < 3:
            response = connection.read_response()
            if response is None:
                break
            assert response.status == 200
            bodies.append(response.body)
        assert bodies and bodies == [b"0\n", b"1\n", b"2\n"][:len(bodies)]


def test_h09_a_connection_is_kept_for_the_next_request(service):
    with Connection(service.port) as connection:
        for number in range(5):
            connection.send(request(body=b"print %d;" % number))
            assert connection.read_response().body == b"%d\n" % number


def test_h10_expect_100_continue_is_answered_and_then_served(service):
    with Connection(service.port) as connection:
        connection.send(request(headers=["Expect: 100-continue", "Content-Length: 22"]))
        assert connection.read_head()[0] == 100
        connection.send(HELLO)
        assert connection.read_response().body == b"Hello, World!\n"


def test_h10_expect_without_a_body_is_100_then_408(strict_service):
    with Connection(strict_service.port) as connection:
        connection.send(request(headers=["Expect: 100-continue", "Content-Length: 22"]))
        response = connection.read_response()
        assert response.interim == [100]
        problem(response, 408, "request_timeout")


def test_h10_another_expectation_is_417(service):
    response = exchange(service.port, request(body=HELLO, headers=["Expect: a-pony"]))
    problem(response, 417, "expectation_failed")


def test_h10_a_body_too_large_is_413_without_100(service):
    response = exchange(service.port, request(headers=[
        "Expect: 100-continue", "Content-Length: 1000000000"]))
    problem(response, 413, "body_too_large")
    assert response.interim == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "BREW",
                                    "HEAD"])
def test_h11_execute_takes_post_only(service, method):
    response = exchange(service.port, request(method, headers=["Connection: close"]), method)
    assert response.status == 405 and "POST" in response.header("allow"), response


def test_h11_connect_is_refused(service):
    response = exchange(service.port, request("CONNECT", "example.org:443"))
    assert response.status in (400, 404, 405), response


def test_h11_head_of_livez_has_no_body(service):
    with Connection(service.port) as connection:
        connection.send(request("HEAD", "/livez", headers=["Connection: close"]))
        assert connection.read_response("HEAD").status == 200
        assert connection.read_rest() == b""


@pytest.mark.parametrize("path", [
    "/../../execute", "/%65xecute", "/execute/", "/execute%00", "//execute", "/Execute", "/",
    "/execute;a", "http://test/execute", "execute", "/./execute", "/execute%2f", "*"])
def test_h12_only_the_exact_path_is_known(service, path):
    response = exchange(service.port, request("POST", path, HELLO))
    assert response.status in (400, 404, 405), response
    assert response.header("tok-verdict") is None


# ---- types ----

@pytest.mark.parametrize("header", [
    "Content-Encoding: gzip", "Content-Encoding: br", "Content-Encoding: deflate",
    "Content-Encoding: gzip, identity", "Content-Type: multipart/form-data; boundary=a",
    "Content-Type: application/xml", "Content-Type: text/html",
    "Content-Type: application/json; charset=utf-16"])
def test_h13_what_would_have_to_be_decoded_is_415(service, header):
    problem(exchange(service.port, request(body=HELLO, headers=[header])), 415,
            "unsupported_media_type")


# ---- identifiers and the admin's pages ----

@pytest.mark.parametrize("value", [
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-00000000000000000000000000000000"
    "-b7ad6b7169203331-01", "ff-zz", "00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01",
    "a" * 4000, "%0d%0aX-Injected: 1", ""])
def test_h22_a_trace_header_never_reaches_the_answer_as_more_than_an_id(service, value):
    response = exchange(service.port, request(body=HELLO, headers=["traceparent: " + value]))
    assert response.status == 200 and response.header("x-injected") is None
    assert re.fullmatch(r"[0-9a-f]{32}", response.header("tok-request-id"))


@pytest.mark.parametrize("path", ["/metrics", "/debug", "/admin", "/v1/metrics"])
def test_h23_the_admin_pages_are_not_public(service, path):
    problem(exchange(service.port, request("GET", path)), 404, "not_found")


def test_h23_metrics_are_on_the_admin_port_which_runs_nothing(service):
    admin = service.coordinator.admin_port
    assert exchange(admin, request("GET", "/metrics"), "GET").status == 200
    assert exchange(admin, request(body=HELLO)).status == 404
