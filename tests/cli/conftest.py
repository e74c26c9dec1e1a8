"""Fixtures of the command line's tests: the programs of one build, run as a person runs them."""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.waiting import PATIENCE  # noqa: E402

TOP = Path(__file__).resolve().parents[2]


def pytest_addoption(parser):
    parser.addoption("--programs", default=str(TOP / "build/release/bin"),
                     help="folder with the programs under test")


@pytest.fixture(scope="session")
def programs(request):
    return Path(request.config.getoption("--programs"))


class Result:
    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __repr__(self):
        return f"status {self.status}\nout {self.out[-2000:]!r}\nerr {self.err[-2000:]!r}"


@pytest.fixture
def run(programs, tmp_path):
    """run("tok", "a.tok", stdin=b"…") in an empty folder, with an almost empty environment."""
    def run_program(name, *arguments, stdin=b"", seconds=10, environment=None, **options):
        return Result(subprocess.run(
            [programs / name, *map(str, arguments)], cwd=tmp_path, input=stdin, check=False,
            env={"HOME": str(tmp_path), **(environment or {})}, timeout=seconds * PATIENCE,
            **({"capture_output": True} | options)))
    return run_program


@pytest.fixture
def write(tmp_path):
    """Writes a file into the folder that programs run in; its name."""
    def write_file(content, name="a.tok", mode=0o600):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return name
    return write_file
