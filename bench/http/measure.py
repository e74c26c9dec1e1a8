#!/usr/bin/python3
"""Requests beside the cost of their parts, measured in turns so that a noisy machine hits all alike.

Usage: measure.py --build build/release [--rounds 5] [--piece-ms 700] [--save]

--save puts the tables into docs/benchmarks.md, between the marks of this section.
"""

import argparse
import array
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "bench"))
sys.path.insert(0, str(TOP / "tests"))

import document  # noqa: E402
from support import census  # noqa: E402
from support.daemons import Service  # noqa: E402

PROGRAM = b'print "Hello, World!";'
OUTPUT = b"Hello, World!\n"
TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")


def http_request(method, path, body=b""):
    head = f"{method} {path} HTTP/1.1\r\nHost: bench\r\n"
    if body:
        head += f"Content-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
    return (head + "\r\n").encode() + body


class Series:
    """One thing that is measured, a piece in each round."""

    def __init__(self, name):
        self.name = name
        self.latencies = array.array("I")
        self.seconds = 0.0
        self.count = 0

    def add(self, latencies, seconds, count):
        self.latencies.extend(latencies)
        self.seconds += seconds
        self.count += count

    def percentile(self, share):
        found = sorted(self.latencies)
        return found[min(len(found) - 1, int(len(found) * share))] / 1000

    def per_second(self):
        return self.count / self.seconds


class Load(Series):
    def __init__(self, name, bench, connections, port, request, expected):
        super().__init__(name)
        self.bench, self.connections, self.port = bench, connections, port
        self.request, self.expected = bench.file(request), bench.file(expected)

    def measure(self, milliseconds):
        latencies = self.bench.path("latencies")
        done = subprocess.run(
            [self.bench.programs / "bench_load", str(self.port), str(self.connections),
             str(milliseconds), self.request, self.expected, latencies],
            capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{self.name}: {done.stdout} {done.stderr}")
        said = json.loads(done.stdout)
        self.add(read_latencies(latencies), said["seconds"], said["requests"])


class Spawn(Series):
    def __init__(self, name, bench, mode):
        super().__init__(name)
        self.bench, self.mode = bench, mode
        self.missing = None

    def measure(self, milliseconds):
        if self.missing:
            return
        latencies = self.bench.path("latencies")
        started = time.monotonic()
        done = subprocess.run(
            [self.bench.programs / "bench_spawn", self.mode, str(max(10, milliseconds // 4)),
             self.bench.programs / "bench_hello", latencies],
            capture_output=True, text=True, check=False)
        if done.returncode != 0:
            self.missing = done.stderr.strip()
            return
        found = read_latencies(latencies)
        self.add(found, time.monotonic() - started, len(found))


class Lateness:
    """How long after its wall limit an endless loop is answered, by the client's clock."""

    LIMIT_MS = 100

    def __init__(self, port):
        self.port = port
        self.late_ms = []

    def measure(self, _):
        body = json.dumps({"source": "while (true) {}", "limits": {"wall_ms": self.LIMIT_MS}})
        for _ in range(5):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            started = time.monotonic()
            connection.request("POST", "/execute", body, {"Content-Type": "application/json"})
            verdict = json.loads(connection.getresponse().read())["verdict"]
            self.late_ms.append((time.monotonic() - started) * 1000 - self.LIMIT_MS)
            connection.close()
            if verdict != "time_limit":
                sys.exit(f"an endless loop ended in {verdict}")


class Bench:
    def __init__(self, build, folder):
        self.programs = Path(build).resolve() / "bench"
        self.folder = Path(folder)
        self.files = 0

    def path(self, name):
        return self.folder / name

    def file(self, content):
        self.files += 1
        path = self.path(f"file-{self.files}")
        path.write_bytes(content)
        return path


def read_latencies(path):
    found = array.array("I")
    found.frombytes(path.read_bytes())
    return found


def processor_us(service):
    """Processor time so far of each part; a runner's is its spawner's once it has ended."""
    def ticks(pid, with_children):
        text = Path(f"/proc/{pid}/stat").read_text()
        fields = [int(field) for field in text[text.rindex(")") + 2:].split()[11:15]]
        return sum(fields if with_children else fields[:2]) * TICK_US
    executor = service.executors[0].pid
    return {
        "coordinator": ticks(service.coordinator.pid, False),
        "executor": ticks(executor, False),
        "spawner, runners": sum(ticks(pid, True) for pid in census.spawners(executor)),
    }


def measure_all(arguments, service, bench):
    execute, live = http_request("POST", "/execute", PROGRAM), http_request("GET", "/livez")
    check = http_request("POST", "/check", PROGRAM)
    port, inner = service.port, service.executors[0].port
    loads = [Load(f"`/execute`, {count} at a time", bench, count, port, execute, OUTPUT)
             for count in (1, 8, 32)]
    parts = [
        Load("bare HTTP: `/livez`, 1 at a time", bench, 1, port, live, b""),
        Load("bare HTTP: `/livez`, 8 at a time", bench, 8, port, live, b""),
        Load("the executor's `/readyz`, 1 at a time", bench, 1, inner,
             http_request("GET", "/readyz"), b""),
        Load("`/check`, 1 at a time", bench, 1, port, check, b""),
        Spawn("fork, exec, wait of a static hello", bench, "plain"),
        Spawn("the same in fresh namespaces and a fresh cgroup", bench, "isolated"),
    ]
    late = Lateness(port)
    loads[1].measure(300)  # warms the pools, and is forgotten
    loads[1] = Load(loads[1].name, bench, 8, port, execute, OUTPUT)
    spent = {}
    for number in range(arguments.rounds):
        print(f"round {number + 1} of {arguments.rounds}", file=sys.stderr)
        for series in [*loads, *parts, late]:
            before = processor_us(service) if series is loads[1] else None
            series.measure(arguments.piece_ms)
            if before:
                after = processor_us(service)
                for name, was in before.items():
                    spent[name] = spent.get(name, 0) + after[name] - was
    return loads, parts, late, {name: total / loads[1].count for name, total in spent.items()}


def table(loads, parts, late, spent):
    lines = ["| what | a second | p50 ms | p99 ms |", "|---|---|---|---|"]
    for series in [*loads, *parts]:
        if getattr(series, "missing", None):
            lines.append(f"| {series.name} | not measured: {series.missing} | | |")
        else:
            lines.append(f"| {series.name} | {series.per_second():,.0f} |"
                         f" {series.percentile(0.5):.2f} | {series.percentile(0.99):.2f} |")
    found = sorted(late.late_ms)
    lines += [
        "",
        f"An endless loop with a wall limit of {late.LIMIT_MS} ms was answered"
        f" {found[len(found) // 2]:.1f} ms late at the median, {found[-1]:.1f} ms at the worst"
        f" of {len(found)}.",
        "",
        "Processor time of one `/execute` at 8 at a time, in microseconds: " +
        ", ".join(f"{name} {value:.0f}" for name, value in spent.items()) +
        f"; together {sum(spent.values()):.0f}. The client shares the processors.",
    ]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--build", required=True, help="a build folder with bin/ and bench/")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--piece-ms", type=int, default=700, help="how long each piece of a round")
    parser.add_argument("--save", action="store_true", help="into docs/benchmarks.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        service = Service(Path(arguments.build).resolve() / "bin", folder,
                          coordinator_settings={"log.access": "false"})
        try:
            found = measure_all(arguments, service, Bench(arguments.build, folder))
            service.stop()
        finally:
            service.stop_all()
    text = (f"## HTTP\n\n`./dev bench http`, {arguments.rounds} rounds in turns, on {document.machine()}."
            f" Hello world; each run in a fresh process, namespaces, cgroup and filter.\n\n"
            + table(*found))
    print(text)
    if arguments.save:
        document.save("http", text)


if __name__ == "__main__":
    main()
