"""Starts the daemons of a build on free ports, watches them and ends them by their pids."""

import os
import re
import secrets
import signal
import subprocess
import tempfile
from pathlib import Path

from support import census
from support.client import Client
from support.waiting import PATIENCE, until

LISTENING = re.compile(rb": listening on \S+:(\d+) admin \S+:(\d+)")


class Daemon:
    """One started program. What it says goes to files that the tests read."""

    def __init__(self, program, settings, folder):
        self.name = Path(program).name
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.out_path = self.folder / "out"
        self.log_path = self.folder / "log"
        flags = [text for key, value in settings.items() for text in ("--" + key, str(value))]
        with open(self.out_path, "wb") as out, open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [program, *flags], stdin=subprocess.DEVNULL, stdout=out, stderr=log,
                start_new_session=True)
        self.pid = self.process.pid
        found = until(self.listening, 20, f"{self.name} to listen")
        self.port, self.admin_port = int(found.group(1)), int(found.group(2))

    def listening(self):
        assert self.process.poll() is None, f"{self.name} ended: {self.said()}"
        return LISTENING.search(self.out_path.read_bytes())

    def log(self):
        return self.log_path.read_bytes()

    def said(self):
        return (self.out_path.read_bytes() + self.log())[-3000:].decode(errors="replace")

    def is_alive(self):
        return self.process.poll() is None

    def signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def wait(self, seconds=20):
        """Its exit status, within a deadline."""
        return self.process.wait(timeout=seconds * PATIENCE)

    def stop(self, seconds=20):
        """SIGTERM and the status; it is killed when it does not obey, and that is a failure."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not stop: {self.said()}") from None

    def metrics(self):
        """The admin port's metrics: {name with labels: value}."""
        answer = Client(self.admin_port).get("/metrics")
        assert answer.status == 200, answer
        values = {}
        for line in answer.body.decode().split("\n"):
            if line and not line.startswith("#"):
                key, value = line.rsplit(" ", 1)
                values[key] = float(value)
        return values


class Service:
    """One coordinator and its executors."""

    def __init__(self, programs, folder, executors=1, executor_settings=None,
                 coordinator_settings=None, executor_programs=None):
        self.programs = Path(programs)
        self.executor_programs = Path(executor_programs or programs)
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.secret = self.folder / "secret"
        self.secret.touch(mode=0o600)
        self.secret.write_text(secrets.token_hex(32))
        self.executors = []
        self.makers = []  # processes that may have made cgroups
        self.coordinator = None
        try:
            for _ in range(executors):
                self.add_executor(executor_settings)
            self.start_coordinator(coordinator_settings)
        except BaseException:
            self.stop_all()
            raise

    def add_executor(self, settings=None):
        executor = Daemon(self.executor_programs / "trytok-executor", {
            "secret.file": self.secret, "listen.port": 0, "admin.port": 0,
            **reduced_sandbox(), **(settings or {})}, self.folder)
        self.executors.append(executor)
        until(lambda: Client(executor.port).get("/readyz").status == 200, 20, "a warm runner")
        self.makers += [executor.pid, *census.spawners(executor.pid)]
        return executor

    def start_coordinator(self, settings=None):
        self.coordinator = Daemon(self.programs / "trytok-coordinator", {
            "secret.file": self.secret, "listen.port": 0, "admin.port": 0,
            "executors": ",".join(f"127.0.0.1:{daemon.port}" for daemon in self.executors),
            **(settings or {})}, self.folder)
        self.port = self.coordinator.port
        self.client = Client(self.port)
        until(lambda: self.client.get("/readyz").status == 200, 20, "the coordinator")

    def daemons(self):
        return ([self.coordinator] if self.coordinator else []) + self.executors

    def settle(self):
        """Waits until nothing changes any more; what the daemons hold at rest."""
        seen = []

        def is_steady():
            seen.append(census.snapshot(self))
            return len(seen) > 30 and all(one == seen[-1] for one in seen[-30:])
        until(is_steady, 20, "the service to settle")
        return seen[-1]

    def logs(self):
        return b"".join(daemon.out_path.read_bytes() + daemon.log() for daemon in self.daemons())

    def stop(self):
        """Ends all in order; each must end with status 0, and leave no cgroup."""
        statuses = [(daemon.name, daemon.stop()) for daemon in self.daemons()]
        assert all(status == 0 for _, status in statuses), (statuses, self.logs()[-3000:])
        # A spawner whose executor was killed still clears up after it.
        until(lambda: census.cgroups_of(self.makers) == [], 3,
              lambda: f"the end of {census.cgroups_of(self.makers)}")

    def stop_all(self):
        for daemon in self.daemons():
            if daemon.is_alive():
                daemon.kill()

    def pids(self):
        return [daemon.pid for daemon in self.daemons()]


def reduced_sandbox():
    """Without root there are no cgroups; the tests of the sandbox itself skip then."""
    if os.geteuid() == 0:
        return {}
    return {"sandbox.require": "all,-cgroup_memory,-cgroup_pids,-cgroup_cpu"}
