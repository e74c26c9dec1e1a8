"""Mistakes in the settings of the daemons: each ends at once, and names the place and the mend."""

import socket

import pytest

SECRET = "0123456789abcdef" * 4
PORTS = ["--listen.port", "0", "--admin.port", "0"]
BOTH = pytest.mark.parametrize("name", ["trytok-coordinator", "trytok-executor"])


@pytest.fixture
def refuse(run, write):
    """Starts a daemon that must refuse within a second; what it said."""
    write(SECRET, "secret")

    def start(name, *arguments, environment=None):
        done = run(name, *arguments, "--secret.file", "secret", *PORTS, seconds=1,
                   environment=environment)
        assert done.status not in (0, None) and done.out == b"", done
        return done.err.decode()
    return start


# ---- the file ----

@BOTH
@pytest.mark.parametrize("text, words", [
    ("listen:\n  address: ::1\nqueue:\n  mxa: 5\n", 'a.yaml:4: unknown setting "queue.mxa"; did you'
     " mean queue.max?"),
    ("queue.wiat: 1s\n", 'a.yaml:1: unknown setting "queue.wiat"; did you mean queue.wait?'),
    ("nonsense: 1\n", 'a.yaml:1: unknown setting "nonsense"; --help lists them'),
    ("queue:\n  max: many\n", 'a.yaml:2: queue.max: "many" is not an integer, as 42'),
    ("queue: {max: 70000}\n", "a.yaml:1: queue.max: 70000 is out of bounds, 0 to 65536"),
    ("limits:\n  wall: 10 parsecs\n", 'a.yaml:2: limits.wall: "10 parsecs" is not a time, as 10s'),
    ("limits:\n  wall: 0\n", "a.yaml:2: limits.wall: 0 is out of bounds, 1ms to 600s"),
    ("limits:\n  memory: 64MB\n", 'a.yaml:2: limits.memory: "64MB" is not a number of bytes, as'),
    ("listen: 8080\n", 'a.yaml:1: "listen" is a group of settings, as listen.address'),
    ("listen: [8080]\n", 'a.yaml:1: "listen" is a group of settings, as listen.address'),
    ("listen.address: localhost\n", 'a.yaml:1: listen.address: "localhost" is not a numeric'
     " address, as 127.0.0.1 or ::1"),
    ("queue:\n  max: 1\n  max: 2\n", "a.yaml:3: queue.max: is set twice"),
    ("queue: {max: 1\n", "a.yaml:2: "),
    ("\tqueue: 1\n", "a.yaml:1: "),
    ("log:\n  level: loud\n", 'log.level: "loud" is not debug, info, warn or error'),
])
def test_a_mistake_in_the_file_is_told_with_its_line(refuse, write, name, text, words):
    said = refuse(name, "--config", write(text, "a.yaml"))
    assert said.startswith(f"{name}: {words}") and said.endswith("\n"), said


@BOTH
@pytest.mark.parametrize("path, words", [
    ("none.yaml", "none.yaml: cannot be opened: No such file or directory"),
    (".", ".: cannot be read: Is a directory"),
])
def test_a_file_that_cannot_be_read_is_named(refuse, name, path, words):
    assert refuse(name, "--config", path) == f"{name}: {words}\n"


# ---- flags and the environment ----

@BOTH
@pytest.mark.parametrize("flags, words", [
    (["--listen.prot", "5"], '--listen.prot: unknown setting "listen.prot"; did you mean listen.port?'),
    (["--quiet"], '--quiet: unknown setting "quiet"'),
    (["run"], '"run": expected a flag, as --config FILE'),
    (["--admin.address", "999.1.1.1"], '--admin.address: "999.1.1.1" is not a numeric address'),
    (["--admin.address", "127.0.0.1:80"], '--admin.address: "127.0.0.1:80" is not a numeric'),
    (["--queue.max", "-1"], '--queue.max: "-1" is not an integer, as 42'),
    (["--queue.max", "65537"], "--queue.max: 65537 is out of bounds, 0 to 65536"),
    (["--run_as.uid", "0"], "--run_as.uid: 0 is out of bounds, 1 to 2147483647"),
])
def test_a_wrong_flag_is_named(refuse, name, flags, words):
    assert refuse(name, *flags).startswith(f"{name}: {words}")


@BOTH
def test_a_flag_without_its_value_is_named(run, name):
    done = run(name, "--queue.max", seconds=1)
    assert done.status == 64 and done.err.decode() == f"{name}: --queue.max: needs a value\n", done


@BOTH
def test_a_wrong_variable_is_named(refuse, name):
    said = refuse(name, environment={"TRYTOK_QUEUE_MXA": "5"})
    assert "TRYTOK_QUEUE_MXA: unknown setting" in said and "queue.max" in said, said
    said = refuse(name, environment={"TRYTOK_QUEUE_MAX": "many"})
    assert said.startswith(f'{name}: TRYTOK_QUEUE_MAX: "many" is not an integer'), said


@pytest.mark.parametrize("value", ["127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:0",
                                   "127.0.0.1:65536", ":8081", "::1:8081", "[::1]", "http://a:1/"])
def test_a_malformed_executor_is_named(refuse, value):
    said = refuse("trytok-coordinator", "--executors", f"127.0.0.1:8081,{value}")
    assert said == f'trytok-coordinator: executors: "{value}" is not host:port,' \
                   " as 127.0.0.1:8081 or [::1]:8081\n"


def test_an_unknown_layer_is_named(refuse):
    said = refuse("trytok-executor", "--sandbox.require", "all,-seccmop")
    assert said.startswith('trytok-executor: sandbox.require: "-seccmop" is not a layer'), said


def test_a_default_above_its_maximum_is_refused(refuse):
    said = refuse("trytok-coordinator", "--limits.wall", "20s", "--limits.wall_max", "10s")
    assert "limits.wall: 20000 is above limits.wall_max, 10000" in said, said


# ---- the secret ----

@BOTH
def test_a_secret_is_needed(run, name):
    done = run(name, *PORTS, seconds=1)
    assert done.status == 64, done
    assert done.err.decode() == \
        f"{name}: secret.file: is not set; give a file of 64 hex digits, mode 0600\n", done


@BOTH
@pytest.mark.parametrize("content, mode, words", [
    (SECRET, 0o644, "others may read the file; chmod 600 it"),
    (SECRET, 0o640, "others may read the file; chmod 600 it"),
    (SECRET[:-1], 0o600, "it is not a file of 64 hex digits; openssl rand -hex 32 makes them"),
    ("password", 0o600, "it is not a file of 64 hex digits"),
    (None, 0, "there is no such file"),
])
def test_a_secret_that_is_none_is_refused_with_the_mend(run, write, name, content, mode, words):
    path = write(content, "given", mode) if content else "none"
    done = run(name, "--secret.file", path, *PORTS, seconds=1)
    said = done.err.decode()
    assert done.status == 64 and done.out == b"", done
    assert '"event":"secret.file cannot be used"' in said and f'"file":"{path}"' in said, said
    assert words in said and SECRET[:8] not in said and "password" not in said, said


# ---- addresses that are taken or somebody else's ----

@BOTH
@pytest.mark.parametrize("which", ["listen", "admin"])
def test_a_port_in_use_is_named(run, write, name, which):
    write(SECRET, "secret")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        other = "admin" if which == "listen" else "listen"
        done = run(name, "--secret.file", "secret", f"--{which}.port", port, f"--{other}.port", 0,
                   *reduced(name), seconds=2)
    said = done.err.decode()
    assert done.status not in (0, None) and done.out == b"", done
    assert '"event":"cannot listen"' in said and f'"port":{port}' in said, said
    assert "Address already in use" in said, said


@BOTH
def test_an_address_of_another_machine_is_named(refuse, name):
    said = refuse(name, "--listen.address", "192.0.2.1", *reduced(name))
    assert '"address":"192.0.2.1"' in said and "Cannot assign requested address" in said, said


def reduced(name):
    """Layers are not what is tested here, and an ordinary user does not have them all."""
    return ["--sandbox.require", ""] if name == "trytok-executor" else []


# ---- help ----

@pytest.mark.parametrize("name", ["trytok-coordinator", "trytok-executor", "trytok-runner"])
def test_help_and_version_go_to_standard_output(run, name):
    done = run(name, "--help", seconds=1)
    assert done.status == 0 and done.err == b"" and b"Usage: " + name.encode() in done.out, done
    done = run(name, "--version", seconds=1)
    assert done.status == 0 and done.err == b"" and done.out.startswith(name.encode() + b" "), done


@pytest.mark.parametrize("arguments", [[], ["--bogus"], ["1"], ["x", "y"], ["1", "2", "3"]])
def test_the_runner_tells_a_person_what_it_is_for(run, arguments):
    done = run("trytok-runner", *arguments, seconds=1)
    assert done.status == 64 and done.out == b"", done
    assert b"Usage: trytok-runner" in done.err and b"trytok-executor" in done.err, done
