"""H14 and H15 of docs/security.md: JSON of every bad kind, and bodies whose size is a lie."""

import json

import pytest

from support.raw import Connection, exchange, request

JSON = ["Content-Type: application/json"]

BAD_JSON = {
    "nothing": b"",
    "blank": b"   ",
    "not_json": b"print 1;",
    "array": b"[]",
    "string": b'"print 1;"',
    "null": b"null",
    "depth_100000": b'{"source":' + b"[" * 100000 + b"]" * 100000 + b"}",
    "a_megabyte_of_brackets": b"[" * 1000000,
    "a_megabyte_of_objects": b'{"a":' * 200000,
    "duplicate_source": b'{"source":"print 1;","source":"print 2;"}',
    "duplicate_escaped": b'{"source":"print 1;","\\u0073ource":"print 2;"}',
    "duplicate_in_limits": b'{"source":"print 1;","limits":{"wall_ms":100,"wall_ms":200}}',
    "unknown_key": b'{"source":"print 1;","sauce":1}',
    "old_key": b'{"code":"print 1;"}',
    "no_source": b'{"input":"a"}',
    "number_for_source": b'{"source":1}',
    "null_for_source": b'{"source":null}',
    "array_for_source": b'{"source":["print 1;"]}',
    "number_for_input": b'{"source":"print 1;","input":5}',
    "cases_no_array": b'{"source":"print 1;","cases":{"input":"a"}}',
    "case_no_object": b'{"source":"print 1;","cases":["a"]}',
    "case_unknown_key": b'{"source":"print 1;","cases":[{"in":"a"}]}',
    "lone_high_surrogate": b'{"source":"\\ud800"}',
    "lone_low_surrogate": b'{"source":"\\udc00"}',
    "surrogates_reversed": b'{"source":"\\udc00\\ud800"}',
    "raw_control_byte": b'{"source":"a\x01"}',
    "raw_newline": b'{"source":"a\nb"}',
    "nul_escape": b'{"source":"a\\u0000"}',
    "nul_escape_in_key": b'{"source\\u0000":"a"}',
    "nul_byte": b'{"source":"a"}\0',
    "bad_escape": b'{"source":"\\x41"}',
    "short_escape": b'{"source":"\\u12"}',
    "invalid_utf8": b'{"source":"\xff"}',
    "overlong_utf8": b'{"source":"\xc0\xaf"}',
    "utf8_surrogate": b'{"source":"\xed\xa0\x80"}',
    "trailing_data": b'{"source":"print 1;"} x',
    "two_objects": b'{"source":"print 1;"}{"source":"print 2;"}',
    "trailing_comma": b'{"source":"print 1;",}',
    "byte_order_mark": b'\xef\xbb\xbf{"source":"print 1;"}',
    "utf16": '{"source":"print 1;"}'.encode("utf-16"),
    "million_digits": b'{"source":"print 1;","limits":{"wall_ms":' + b"9" * 1000000 + b"}}",
    "nan": b'{"source":"print 1;","limits":{"wall_ms":NaN}}',
    "infinity": b'{"source":"print 1;","limits":{"wall_ms":Infinity}}',
    "huge_exponent": b'{"source":"print 1;","limits":{"wall_ms":1e999}}',
    "leading_zero": b'{"source":"print 1;","limits":{"wall_ms":0100}}',
    "plus": b'{"source":"print 1;","limits":{"wall_ms":+100}}',
    "single_quotes": b"{'source':'print 1;'}",
    "comment": b'{"source":"print 1;"/* a */}',
    "cut_off": b'{"source":"print 1;',
}


@pytest.mark.parametrize("name", BAD_JSON)
def test_h14_bad_json_is_400_and_says_where(service, name):
    response = exchange(service.port, request(body=BAD_JSON[name], headers=JSON))
    assert response is not None and response.status == 400, response
    problem = json.loads(response.body)
    assert problem["code"] == "malformed" and problem["status"] == 400
    assert len(problem["detail"]) > 10 and response.header("tok-verdict") is None


def test_h14_nul_in_json_points_to_text(service):
    response = exchange(service.port, request(body=BAD_JSON["nul_escape"], headers=JSON))
    assert "text/plain" in json.loads(response.body)["detail"]


@pytest.mark.parametrize("body, stdout", [
    (b'{"source":"print \\"\\ud83d\\ude00\\";"}', "\U0001f600\n"),
    (b' {"source" : "print 1;"}\n', "1\n"),
    (b'{"source":"print \\"\\/\\\\\\t\\";"}', "/\\\t\n"),
    (b'{"source":""}', ""),
    ('{"source":"print \\"é\\";"}'.encode(), "é\n"),
])
def test_h14_good_json_is_taken(service, body, stdout):
    response = exchange(service.port, request(body=body, headers=JSON))
    assert response.status == 200 and json.loads(response.body)["stdout"] == stdout


# ---- H15: sizes ----

LIMIT = 1 << 20


def program_of(count):
    """A Tok program of exactly so many bytes that prints 1."""
    return b"print 1;" + b" " * (count - 8)


def test_h15_a_program_at_the_limit_is_run(service):
    assert exchange(service.port, request(body=program_of(LIMIT))).body == b"1\n"


def test_h15_a_program_one_byte_over_the_limit_is_413(service):
    response = exchange(service.port, request(body=program_of(LIMIT + 1)))
    assert response.status == 413 and b"body_too_large" in response.body


def test_h15_an_empty_program_prints_nothing(service):
    response = exchange(service.port, request(body=b""))
    assert (response.status, response.body, response.header("tok-verdict")) == (200, b"", "ok")


def test_h15_a_chunked_program_over_the_limit_is_413(service):
    data = request(headers=["Transfer-Encoding: chunked"])
    with Connection(service.port) as connection:
        connection.send_as_far_as_taken(data)
        for _ in range(40):
            connection.send_as_far_as_taken(b"8000\r\n" + b" " * 0x8000 + b"\r\n")
        assert connection.read_response().status == 413


def test_h15_a_source_over_the_limit_inside_json_is_413(service):
    body = json.dumps({"source": " " * (LIMIT + 1)}).encode()
    assert exchange(service.port, request(body=body, headers=JSON)).status == 413


def test_h15_an_input_at_and_over_the_limit(service):
    taken = json.dumps({"source": "print length(input());", "input": "a" * LIMIT}).encode()
    response = exchange(service.port, request(body=taken, headers=JSON))
    assert json.loads(response.body)["stdout"] == "1.04858e+06\n"
    over = json.dumps({"source": "print 1;", "input": "a" * (LIMIT + 1)}).encode()
    assert exchange(service.port, request(body=over, headers=JSON)).status == 413


def test_h15_a_length_that_promises_more_than_comes_runs_nothing(strict_service):
    with Connection(strict_service.port) as connection:
        connection.send(request(body=b"print 1;", headers=["Content-Length: 9"])).half_close()
        response = connection.read_response()
        assert response is None or response.status in (400, 408), response


def test_h15_bytes_beyond_the_length_are_no_program(service):
    with Connection(service.port) as connection:
        connection.send(request(body=b"print 1;print 2;", headers=["Content-Length: 8"]))
        connection.half_close()
        assert connection.read_response().body == b"1\n"
        after = connection.read_response()
        assert after is None or after.status == 400, after
