"""HTTP by hand over a socket: what a careful client never sends, and what the server then says."""

import socket

from support.waiting import PATIENCE


class Response:
    """One parsed answer. `interim` are the 1xx statuses before it."""

    def __init__(self, status, headers, body, interim, complete=True):
        self.status = status
        self.headers = headers  # list of (lower-case name, value)
        self.body = body
        self.interim = interim
        self.complete = complete

    def header(self, name):
        values = [value for key, value in self.headers if key == name.lower()]
        return ", ".join(values) if values else None

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:200]!r}>"


class Connection:
    """A client's socket to 127.0.0.1:port."""

    def __init__(self, port, timeout=15, source="127.0.0.1", receive_buffer=None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout * PATIENCE)
        self.socket.bind((source, 0))
        self.socket.connect(("127.0.0.1", port))
        self.pending = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)
        return self

    def send_as_far_as_taken(self, data):
        """The server may refuse and close before it has read everything."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return self

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def vanish(self):
        """Ends the connection with a reset, as a killed client's kernel does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def receive(self):
        """Some bytes, or b"" at the end (a reset is an end too)."""
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b""

    def fill(self):
        data = self.receive()
        self.pending += data
        return bool(data)

    def read_until(self, mark):
        """Up to and with mark, or None when the connection ended before it."""
        while mark not in self.pending:
            if not self.fill():
                return None
        return self.take(self.pending.index(mark) + len(mark))

    def read_count(self, count):
        while len(self.pending) < count:
            if not self.fill():
                break
        return self.take(count)

    def take(self, count):
        data = bytes(self.pending[:count])
        del self.pending[:count]
        return data

    def read_rest(self):
        while self.fill():
            pass
        return self.take(len(self.pending))

    def is_closed_by_server(self):
        """True when nothing but the end comes (bytes before it are dropped)."""
        self.read_rest()
        return True

    def read_head(self):
        head = self.read_until(b"\r\n\r\n")
        if head is None:
            return None
        lines = head[:-4].decode("latin-1").split("\r\n")
        assert lines[0].startswith("HTTP/1."), lines[0]
        pairs = [line.split(":", 1) for line in lines[1:]]
        return int(lines[0].split(" ")[1]), [(key.lower(), value.strip()) for key, value in pairs]

    def read_response(self, method="POST"):
        """The next final answer, or None when the connection ended without one."""
        interim = []
        while True:
            head = self.read_head()
            if head is None:
                return None
            status, headers = head
            if status >= 200:
                break
            interim.append(status)
        named = dict(headers)
        if method == "HEAD" or status in (204, 304):
            return Response(status, headers, b"", interim)
        if named.get("transfer-encoding") == "chunked":
            body, complete = self.read_chunks()
            return Response(status, headers, body, interim, complete)
        if "content-length" in named:
            wanted = int(named["content-length"])
            body = self.read_count(wanted)
            return Response(status, headers, body, interim, len(body) == wanted)
        return Response(status, headers, self.read_rest(), interim)

    def read_chunks(self):
        body = b""
        while True:
            line = self.read_until(b"\r\n")
            if line is None:
                return body, False
            count = int(line.split(b";")[0], 16)
            data = self.read_count(count + 2)
            body += data[:count]
            if len(data) < count + 2:
                return body, False
            if count == 0:
                return body, True


def request(method="POST", path="/execute", body=b"", headers=(), host="test", version="1.1"):
    """The bytes of a request; a Content-Length is added unless the headers speak of the body."""
    lines = [f"{method} {path} HTTP/{version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += list(headers)
    names = {line.split(":")[0].strip().lower() for line in headers}
    if method in ("POST", "PUT") and not names & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def exchange(port, data, method="POST", **options):
    """One connection, one request, its answer."""
    with Connection(port, **options) as connection:
        connection.send_as_far_as_taken(data)
        return connection.read_response(method)
