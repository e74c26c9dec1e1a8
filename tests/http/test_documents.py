"""The curl lines of README.md and docs/api.md, as they stand: a reader pastes them."""

import re
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]


def curl_commands():
    """Indented commands that start with curl, with the lines that continue them, and the status
    that the answer shown below them has (200 where it shows none)."""
    found = []
    for name in ("README.md", "docs/api.md"):
        text = (TOP / name).read_text()
        for match in re.finditer(r"^    (curl (?:.*\\\n)*.*)$", text, re.M):
            shown = re.match(r'\n\n    \{.*"status":(\d+)', text[match.end():])
            line = text.count("\n", 0, match.start()) + 1
            found.append(pytest.param(match.group(1), int(shown.group(1)) if shown else 200,
                                      id=f"{name}:{line}"))
    return found


@pytest.mark.parametrize("command, status", curl_commands())
def test_a_curl_line_of_the_documents_is_answered_as_shown(service, tmp_path, command, status):
    (tmp_path / "prog.tok").write_text('print "from a file";\n')
    public = f"http://127.0.0.1:{service.port}"
    for shown in ("http://127.0.0.1:8080", "$URL"):
        command = command.replace(shown, public)
    done = subprocess.run(["bash", "-c", command + " -sS -w '%{stderr}%{http_code}'"],
                          cwd=tmp_path, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0 and done.stderr.decode() == str(status), done
    assert done.stdout


def test_there_are_curl_lines():
    assert len(curl_commands()) > 10
