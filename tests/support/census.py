"""Counts what a daemon holds: processes, descriptors, cgroups. Promise 4 is that they come back."""

import os
import re
from pathlib import Path

# How many times the memory of a plain build the programs under test take (sanitizers).
SANITIZER_MEMORY = int(os.environ.get("TRYTOK_TEST_SANITIZER_MEMORY", "1"))


def processes():
    """{pid: (parent, name, state)} of the whole machine."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            name = text[text.index("(") + 1:text.rindex(")")]
            fields = text[text.rindex(")") + 2:].split()
            found[int(entry.name)] = (int(fields[1]), name, fields[0])
    return found


def descendants(pid):
    """Pids of its children and theirs, zombies too."""
    table = processes()
    found, frontier = [], {pid}
    while frontier:
        frontier = {child for child, (parent, _, _) in table.items() if parent in frontier}
        found += frontier
    return sorted(found)


def spawners(pid):
    """Pids of an executor's own children."""
    return [child for child, (parent, _, _) in processes().items() if parent == pid]


def runners(pid):
    """Pids of an executor's runners: what its spawners have started."""
    made = spawners(pid)
    return [child for child in descendants(pid) if child not in made]


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def cgroups_of(pids):
    """Directories of cgroups that these processes made: trytok-NAMESPACE-PID and below."""
    ours = re.compile(r"/trytok-[0-9]+-(%s)(/|$)" % "|".join(map(str, pids)))
    found = []
    for folder, folders, _ in os.walk("/sys/fs/cgroup"):
        found += [path for path in (os.path.join(folder, name) for name in folders)
                  if ours.search(path)]
    return sorted(found)


def resident_bytes(pid):
    """About what a plain build would hold: a sanitizer's shadow and quarantine are taken off."""
    for line in Path(f"/proc/{pid}/status").read_text().split("\n"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 // SANITIZER_MEMORY
    return 0


def snapshot(service):
    """What the daemons of a service hold now."""
    families = [[pid, *descendants(pid)] for pid in service.pids()]
    return {
        "descriptors": [descriptors(pid) for pid in service.pids()],
        "processes": [len(family) for family in families],
        "cgroups": [len(cgroups_of([pid, *spawners(pid)])) for pid in service.pids()],
    }


def is_process(pid):
    return Path(f"/proc/{pid}").exists()


def processor_ticks(pid):
    """Processor time used, in ticks of 10 ms."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    fields = text[text.rindex(")") + 2:].split()
    return int(fields[11]) + int(fields[12])
