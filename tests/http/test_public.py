"""The other endpoints: health, what is offered, metrics, and pages of other origins."""

import re

import pytest

from support.client import Client
from support.raw import exchange, request

HELLO = 'print "Hello, World!";'


def test_livez_and_readyz_say_yes(client):
    assert client.get("/livez").status == 200
    ready = client.get("/readyz")
    assert ready.status == 200 and b"1" in ready.body


def test_readyz_of_both_admin_ports_says_yes(service):
    for daemon in service.daemons():
        assert Client(daemon.admin_port).get("/livez").status == 200
        assert Client(daemon.admin_port).get("/readyz").status == 200


def test_capabilities_name_layers_and_limits(client):
    found = client.get("/v1/capabilities")
    assert found.status == 200
    text = found.body.decode()
    for word in ("process", "seccomp", "user_ns", "wall_ms", "output_bytes"):
        assert word in text, text


@pytest.mark.parametrize("path", ["/", "/run", "/v1", "/favicon.ico", "/execute?x"])
def test_what_is_not_there_is_404_or_405(client, path):
    answer = client.get(path)
    assert answer.status in (404, 405) and answer.json()["status"] == answer.status


def test_a_problem_is_a_problem_document(client):
    answer = client.get("/nowhere")
    assert answer.header("Content-Type") == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "not_found" and problem["status"] == 404
    assert problem["title"] and problem["detail"] and problem["type"]
    assert re.search(r"[0-9a-f]{32}", problem["instance"])


# ---- metrics ----

LINE = re.compile(
    r'^[a-z_][a-z0-9_]*(\{([a-z_]+="(\\.|[^"\\])*"(,|(?=\})))*\})? [-+0-9.eEInf]+$')


def test_metrics_are_well_formed(service):
    service.client.text(HELLO)
    for daemon in service.daemons():
        answer = Client(daemon.admin_port).get("/metrics")
        assert answer.header("Content-Type").startswith("text/plain; version=0.0.4")
        kinds, samples = {}, []
        for line in answer.body.decode().split("\n")[:-1]:
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                assert name not in kinds, f"{name} is described twice"
                kinds[name] = kind
            elif not line.startswith("#"):
                assert LINE.match(line), line
                samples.append(re.split(r"[{ ]", line)[0])
        for sample in samples:
            base = re.sub(r"_(bucket|sum|count)$", "", sample)
            assert sample in kinds or kinds.get(base) == "histogram", sample
        assert samples and answer.body.endswith(b"\n")


def test_metrics_count_requests_by_verdict_and_code(service):
    def total(*words):
        return sum(value for key, value in service.coordinator.metrics().items()
                   if all(word in key for word in words) and "_total" in key)
    before = total('"ok"'), total('"runtime_error"'), total('"malformed"')
    service.client.text(HELLO)
    service.client.text("print nil + 1;")
    service.client.send_json(b"{")
    assert (total('"ok"'), total('"runtime_error"'), total('"malformed"')) == \
        tuple(value + 1 for value in before)


# ---- cors ----

@pytest.fixture(scope="module")
def cors_service(make_long_service):
    return make_long_service(coordinator_settings={"cors.origins": "https://a.example"})


def preflight(origin):
    return request("OPTIONS", "/execute", headers=[
        "Origin: " + origin, "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: content-type"])


def test_a_page_of_a_named_origin_may_call(cors_service):
    asked = exchange(cors_service.port, preflight("https://a.example"), "OPTIONS")
    assert asked.status in (200, 204)
    assert asked.header("access-control-allow-origin") == "https://a.example"
    assert "POST" in asked.header("access-control-allow-methods")
    assert "content-type" in asked.header("access-control-allow-headers").lower()
    answered = exchange(cors_service.port, request(
        body=b"print 1;", headers=["Origin: https://a.example"]))
    assert answered.header("access-control-allow-origin") == "https://a.example"
    assert "Origin" in answered.header("vary")


@pytest.mark.parametrize("origin", ["https://b.example", "null", "https://a.example.b.example",
                                    "http://a.example", "https://A.example:444"])
def test_a_page_of_another_origin_may_not(cors_service, origin):
    asked = exchange(cors_service.port, preflight(origin), "OPTIONS")
    assert asked.header("access-control-allow-origin") is None
    answered = exchange(cors_service.port, request(body=b"print 1;", headers=["Origin: " + origin]))
    assert answered.header("access-control-allow-origin") is None


def test_without_the_setting_no_page_may(service):
    asked = exchange(service.port, preflight("https://a.example"), "OPTIONS")
    assert asked.header("access-control-allow-origin") is None and asked.status == 405
