"""Counts what a daemon holds: processes, descriptors, cgroups. Promise 4 is that they come back."""

import os
from pathlib import Path


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


def runners(pid):
    """Pids of an executor's runners."""
    table = processes()
    return [child for child in descendants(pid)
            if table.get(child, (0, "", ""))[1].startswith("trytok-runner")]


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def cgroups_of(pid):
    """Directories of cgroups made for this executor (their path carries its pid)."""
    found = []
    for folder, folders, _ in os.walk("/sys/fs/cgroup"):
        found += [os.path.join(folder, name) for name in folders]
    return sorted(path for path in found if "trytok" in path and str(pid) in path)


def resident_bytes(pid):
    for line in Path(f"/proc/{pid}/status").read_text().split("\n"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def leftovers(pids):
    """What is still there of daemons that have ended: their cgroups."""
    return [path for pid in pids for path in cgroups_of(pid)]


def snapshot(service):
    """What each daemon of a service holds now."""
    return {
        "descriptors": [descriptors(pid) for pid in service.pids()],
        "processes": [len(descendants(pid)) for pid in service.pids()],
        "cgroups": [len(cgroups_of(pid)) for pid in service.pids()],
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
