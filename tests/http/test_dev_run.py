"""./dev run itself: what a newcomer types first. Uses the release build, which is made before."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from support import census
from support.client import Client
from support.waiting import PATIENCE, until

TOP = Path(__file__).resolve().parents[2]
READY = re.compile(r"ready on http://127\.0\.0\.1:(\d+)")


class DevRun:
    def __init__(self, folder, *flags):
        self.out, self.errors = folder / "out", folder / "errors"
        with open(self.out, "wb") as out, open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                [TOP / "dev", "run", "--port", "0", "--admin-port", "0", *flags],
                stdin=subprocess.DEVNULL, stdout=out, stderr=errors,
                env={**os.environ, "TMPDIR": str(folder)}, start_new_session=True)

    def port(self):
        return int(until(self.ready, 60, self.said).group(1))

    def ready(self):
        assert self.process.poll() is None, self.said()
        return READY.search(self.out.read_text())

    def said(self):
        return self.out.read_text() + self.errors.read_text()

    def wait(self):
        return self.process.wait(timeout=30 * PATIENCE)

    def daemons(self):
        table = census.processes()
        return {table[pid][1]: pid for pid in census.descendants(self.process.pid)
                if table.get(pid, (0, "", ""))[1].startswith(("trytok-exec", "trytok-coor"))}


@pytest.fixture
def run(tmp_path):
    started = []

    def start(*flags):
        started.append(DevRun(tmp_path, *flags))
        return started[-1]
    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.terminate()
            one.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_cleanly(run, tmp_path, number):
    dev = run()
    assert Client(dev.port()).text('print "Hello, World!";').body == b"Hello, World!\n"
    pids = census.descendants(dev.process.pid)
    dev.process.send_signal(number)
    assert dev.wait() == 0, dev.said()
    until(lambda: not any(census.is_process(pid) for pid in pids), 3, "the end of all processes")
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


@pytest.mark.parametrize("victim", ["trytok-coor", "trytok-exec"])
def test_a_daemon_that_dies_is_named_and_the_rest_is_stopped(run, victim):
    dev = run()
    dev.port()
    pids = census.descendants(dev.process.pid)
    name, pid = min((name, pid) for name, pid in dev.daemons().items() if name.startswith(victim))
    os.kill(pid, signal.SIGKILL)
    assert dev.wait() != 0
    assert f"{name[7:11]}" in dev.said() and "ended by itself" in dev.said()
    until(lambda: not any(census.is_process(pid) for pid in pids), 3, "the end of all processes")


def test_two_executors_are_started_when_asked_for(run):
    dev = run("--executors", "2")
    assert Client(dev.port()).text("print 1;").body == b"1\n"
    table = census.processes()
    started = [pid for pid, (parent, name, _) in table.items()
               if parent == dev.process.pid and name.startswith("trytok-executor"[:15])]
    assert len(started) == 2


def test_try_prints_the_answer_and_stops(tmp_path):
    done = subprocess.run([TOP / "dev", "run", "--try"], capture_output=True, check=False,
                          env={**os.environ, "TMPDIR": str(tmp_path)}, timeout=120 * PATIENCE)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b"Hello, World!\n"
    assert list(tmp_path.iterdir()) == []


def test_the_secret_is_the_owners_alone(run, tmp_path):
    run().port()
    secrets = list(tmp_path.glob("trytok-run.*/secret"))
    assert [path.stat().st_mode & 0o777 for path in secrets] == [0o600]
    assert [path.parent.stat().st_mode & 0o777 for path in secrets] == [0o700]


@pytest.mark.parametrize("flags, about", [
    (["--port", "x"], "--port"), (["--executors", "0"], "--executors"), (["--moon"], "--moon"),
    (["--sandbox-level", "none"], "--sandbox-level"), (["--port"], "--port")])
def test_a_wrong_option_is_named(flags, about):
    done = subprocess.run([TOP / "dev", "run", *flags], capture_output=True, text=True,
                          check=False, timeout=60 * PATIENCE)
    assert done.returncode == 1 and about in done.stderr
