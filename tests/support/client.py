"""A well-behaved client of the public API, by Python's own http.client."""

import http.client
import json

from support.waiting import PATIENCE


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def json(self):
        return json.loads(self.body)

    def header(self, name):
        return self.headers.get(name)

    @property
    def verdict(self):
        return self.headers.get("Tok-Verdict")

    def __repr__(self):
        return f"<{self.status} {dict(self.headers)} {self.body[:300]!r}>"


class Client:
    def __init__(self, port, timeout=60):
        self.port = port
        self.timeout = timeout * PATIENCE

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path, headers=None):
        return self.request("GET", path, headers=headers)

    def text(self, source, path="/execute"):
        """The program as text/plain, the output as text/plain."""
        return self.request("POST", path, source, {"Content-Type": "text/plain"})

    def send_json(self, value, path="/execute", headers=None):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.request("POST", path, body,
                            {"Content-Type": "application/json", **(headers or {})})

    def result(self, source, path="/execute", **fields):
        """The result object of a JSON request that must have been served."""
        answer = self.send_json({"source": source, **fields}, path)
        assert answer.status == 200, answer
        return answer.json()

    def events(self, source, **fields):
        """All events of one run as a list of (name, data)."""
        answer = self.send_json({"source": source, **fields}, headers={"Accept": "text/event-stream"})
        assert answer.status == 200, answer
        assert answer.header("Content-Type").startswith("text/event-stream"), answer
        return parse_events(answer.body)


class EventStream:
    """Events of one run as they come: iterate over (name, data)."""

    def __init__(self, port, value, timeout=60):
        self.connection = http.client.HTTPConnection(
            "127.0.0.1", port, timeout=timeout * PATIENCE)
        self.connection.request("POST", "/execute", json.dumps(value), {
            "Content-Type": "application/json", "Accept": "text/event-stream"})
        self.response = self.connection.getresponse()
        assert self.response.status == 200, self.response.read()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.connection.close()

    def __iter__(self):
        block = b""
        for line in self.response:
            block += line
            if line == b"\n":
                yield from parse_events(block)
                block = b""

    def until(self, wanted):
        """Reads up to the first event of that name; its data."""
        for name, data in self:
            if name == wanted:
                return data
        raise AssertionError(f"the stream ended without {wanted}")


def parse_events(body):
    """Server-sent events as (name, parsed data); comments are dropped."""
    events = []
    for block in body.decode("utf-8").split("\n\n"):
        name, data = None, []
        for line in block.split("\n"):
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:"):
                data.append(line[5:].strip())
        if name is not None:
            events.append((name, json.loads("\n".join(data))))
    return events


def stdout_of(events):
    """What the program printed, put together from its events."""
    return "".join(data["data"] for name, data in events if name == "stdout")
