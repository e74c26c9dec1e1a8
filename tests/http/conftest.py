"""Fixtures of the black-box tests: real daemons of one build on free ports of the loopback."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.daemons import Service  # noqa: E402

TOP = Path(__file__).resolve().parents[2]

# Short deadlines and small counts, so that the tests of limits take seconds.
STRICT = {
    "http.header_timeout": "600ms", "http.body_timeout": "1500ms", "http.write_timeout": "1s",
    "http.idle_timeout": "1s",
}


def pytest_addoption(parser):
    parser.addoption("--programs", default=str(TOP / "build/release/bin"),
                     help="folder with the programs under test")
    parser.addoption("--executor-programs", default=None,
                     help="folder with the executor and the runner, where they are not among those")


@pytest.fixture(scope="session")
def programs(request):
    return Path(request.config.getoption("--programs"))


@pytest.fixture(scope="session")
def executor_programs(request, programs):
    folder = Path(request.config.getoption("--executor-programs") or programs)
    assert (folder / "trytok-executor").exists(), f"no executor in {folder}: ./dev build dev"
    return folder


@pytest.fixture(scope="session")
def make_long_service(programs, executor_programs, tmp_path_factory):
    """Services that outlive one test; all end at the end, each with status 0 and nothing left."""
    made = []

    def make(**settings):
        made.append(Service(programs, tmp_path_factory.mktemp("service"),
                            executor_programs=executor_programs, **settings))
        return made[-1]
    yield make
    finish(made)


@pytest.fixture
def make_service(programs, executor_programs, tmp_path):
    made = []

    def make(programs=programs, **settings):
        made.append(Service(programs, tmp_path, executor_programs=executor_programs, **settings))
        return made[-1]
    yield make
    finish(made)


def finish(services):
    try:
        for service in services:
            service.stop()
    finally:
        for service in services:
            service.stop_all()


@pytest.fixture(scope="session")
def shared_service(make_long_service):
    return make_long_service()


@pytest.fixture
def service(shared_service):
    """The default service, shared by the tests that do it no harm; it must survive each."""
    yield shared_service
    assert all(daemon.is_alive() for daemon in shared_service.daemons()), shared_service.logs()
    assert shared_service.client.text('print "still here";').body == b"still here\n"


@pytest.fixture(scope="session")
def shared_strict_service(make_long_service):
    return make_long_service(coordinator_settings=STRICT)


@pytest.fixture
def strict_service(shared_strict_service):
    yield shared_strict_service
    assert all(daemon.is_alive() for daemon in shared_strict_service.daemons())


@pytest.fixture
def client(service):
    return service.client


@pytest.fixture
def port(service):
    return service.port
