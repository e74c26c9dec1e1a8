#!/usr/bin/python3
"""Measure `tok` against Lua 5.4 and LuaJIT's interpreter, interleaved, in processor time.

    run.py TOK [--runs N] [--only NAME,...] [--instructions] [--save]

Each program stands here twice, NAME.tok and NAME.lua; both read their size from standard input
(sizes.txt) and must print the same. A ratio above 1 says how many times as fast tok is. The median of
the per-round ratios is shown: a round runs the three one after the other, so that a change in the
machine's speed meets all of them. Instruction counts (callgrind, small sizes) do not depend on it.
"""

import argparse
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile

MIB = 1024 * 1024
COMPILE_BYTES = 5 * MIB // 2

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

import document  # noqa: E402  # beside the folders of the benches

PEERS = {"lua5.4": ["lua5.4"], "luajit -joff": ["luajit", "-joff"]}


def run(command, stdin_text, keep_output=True):
    """Processor seconds and output of one run."""
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as output:
        source.write(stdin_text.encode())
        source.seek(0)
        process = subprocess.Popen(command, stdin=source, stdout=output, stderr=subprocess.PIPE)
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"{' '.join(command)} ended with {process.returncode}: {errors.decode()[:300]}")
        output.seek(0)
        text = output.read() if keep_output else b""
        return usage.ru_utime + usage.ru_stime, text


def peak_mib(command, stdin_text):
    """By way of time(1): what a process reports itself begins with the size of its parent, and Python is large."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as report_file:
        subprocess.run(["/usr/bin/time", "-f", "%M", "-o", report_file.name] + command, check=True,
                       input=stdin_text.encode(), stdout=subprocess.DEVNULL)
        return int(report_file.read()) / 1024


def instructions(command, stdin_text):
    with tempfile.TemporaryDirectory() as folder:
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", "-q"]
        with tempfile.TemporaryFile() as source:
            source.write(stdin_text.encode())
            source.seek(0)
            subprocess.run(valgrind + command, stdin=source, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=True)
        with open(f"{folder}/out", encoding="utf-8", errors="replace") as file:
            for line in file:
                match = re.match(r"(?:totals|summary): (\d+)", line)
                if match:
                    return int(match.group(1))
    raise RuntimeError("callgrind gave no total")


def sizes():
    with open(f"{HERE}/sizes.txt", encoding="utf-8") as file:
        rows = [line.split() for line in file if line.strip() and not line.startswith("#")]
    return [(name, size, small) for name, size, small in rows]


def geometric_mean(values):
    return math.exp(sum(math.log(value) for value in values) / len(values))


def measure(tok, name, size, runs):
    commands = {"tok": [tok, f"{HERE}/{name}.tok"]}
    for peer, command in PEERS.items():
        commands[peer] = command + [f"{HERE}/{name}.lua"]
    outputs = {who: run(command, size)[1] for who, command in commands.items()}
    for peer in PEERS:
        if outputs[peer] != outputs["tok"]:
            sys.exit(f"{name}: tok and {peer} print different things")
    seconds = {who: [] for who in commands}
    for _ in range(runs):
        for who, command in commands.items():
            seconds[who].append(run(command, size, keep_output=False)[0])
    peak = {who: peak_mib(command, size) for who, command in commands.items()}
    ratios = {
        peer: statistics.median(p / t for p, t in zip(seconds[peer], seconds["tok"]))
        for peer in PEERS
    }
    return {who: statistics.median(list_) for who, list_ in seconds.items()}, peak, ratios


def start_up(tok, runs):
    """Hello world: processor milliseconds, peak KiB and instructions of the whole process."""
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/hello.tok", "w", encoding="utf-8") as file:
            file.write('print "Hello, World!";\n')
        with open(f"{folder}/hello.lua", "w", encoding="utf-8") as file:
            file.write('print("Hello, World!")\n')
        rows = []
        commands = {"tok": [tok, f"{folder}/hello.tok"]}
        for peer, command in PEERS.items():
            commands[peer] = command + [f"{folder}/hello.lua"]
        samples = {who: [] for who in commands}
        for _ in range(runs * 10):
            for who, command in commands.items():
                samples[who].append(run(command, "", keep_output=False))
        for who, command in commands.items():
            rows.append((who, statistics.median(s[0] for s in samples[who]) * 1000,
                         peak_mib(command, ""), instructions(command, "")))
        return rows


def write_large(folder, suffix, begin, end):
    """All programs here again and again, each in a function of its own, so that nothing runs."""
    bodies = []
    for name in sorted(os.listdir(HERE)):
        if name.endswith(suffix):
            with open(f"{HERE}/{name}", encoding="utf-8") as file:
                bodies.append(file.read())
    path = f"{folder}/large{suffix}"
    with open(path, "w", encoding="utf-8") as file:
        number = 0
        while file.tell() < COMPILE_BYTES:
            file.write(f"{begin.format(number)}\n{bodies[number % len(bodies)]}\n{end}\n")
            number += 1
    return path


def compile_speed(tok, runs):
    """MB of source a processor second; the median of the rounds."""
    with tempfile.TemporaryDirectory() as folder:
        lua = write_large(folder, ".lua", "function unit{}()", "end")
        commands = {"tok": [tok, write_large(folder, ".tok", "fun unit{}() {{", "}")]}
        for peer, command in PEERS.items():
            commands[peer] = command + [lua]
        samples = {who: [] for who in commands}
        for _ in range(runs):
            for who, command in commands.items():
                size = os.path.getsize(command[-1])
                samples[who].append(size / 1e6 / run(command, "", keep_output=False)[0])
        return {who: statistics.median(list_) for who, list_ in samples.items()}


def report(args, out):
    chosen = [row for row in sizes() if not args.only or row[0] in args.only.split(",")]
    out(f"## VM\n\n`./dev bench vm`, {args.runs} rounds in turns, on {document.machine()}. "
        "Processor seconds, medians; ×: how many times as fast as the peer.")
    out("")
    out("| program | tok s | lua5.4 s | luajit -joff s | × lua5.4 | × luajit -joff "
        "| tok MiB | lua5.4 MiB | luajit MiB |")
    out("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    all_ratios = {peer: [] for peer in PEERS}
    for name, size, _ in chosen:
        seconds, peak, ratios = measure(args.tok, name, size, args.runs)
        for peer in PEERS:
            all_ratios[peer].append(ratios[peer])
        out(f"| {name} | {seconds['tok']:.3f} | {seconds['lua5.4']:.3f} | "
            f"{seconds['luajit -joff']:.3f} | {ratios['lua5.4']:.2f} | {ratios['luajit -joff']:.2f} | "
            f"{peak['tok']:.1f} | {peak['lua5.4']:.1f} | {peak['luajit -joff']:.1f} |")
    means = {peer: geometric_mean(list_) for peer, list_ in all_ratios.items()}
    out(f"| **geometric mean** | | | | **{means['lua5.4']:.2f}** | **{means['luajit -joff']:.2f}** | | | |")
    out("")
    out("Hello world, the whole process:")
    out("")
    out("| | processor ms | peak MiB | instructions |")
    out("|---|--:|--:|--:|")
    for who, milliseconds, rss, count in start_up(args.tok, args.runs):
        out(f"| {who} | {milliseconds:.2f} | {rss:.1f} | {count:,} |")
    speeds = compile_speed(args.tok, args.runs)
    out("")
    out(f"Compiling {COMPILE_BYTES / 1e6:.1f} MB of source, the whole process: " +
        ", ".join(f"{who} {speed:.0f} MB/s" for who, speed in speeds.items()) + ".")
    if args.instructions:
        out("")
        out("Instructions (callgrind, small sizes; they do not depend on the machine's load):")
        out("")
        out("| program | size | tok | lua5.4 | luajit -joff |")
        out("|---|--:|--:|--:|--:|")
        for name, _, small in chosen:
            counts = [instructions([args.tok, f"{HERE}/{name}.tok"], small)]
            counts += [instructions(command + [f"{HERE}/{name}.lua"], small)
                       for command in PEERS.values()]
            out(f"| {name} | {small} | " + " | ".join(f"{count:,}" for count in counts) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("tok")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only")
    parser.add_argument("--instructions", action="store_true")
    parser.add_argument("--save", action="store_true", help="into docs/benchmarks.md")
    args = parser.parse_args()
    lines = []

    def out(line):
        print(line, flush=True)
        lines.append(line)

    report(args, out)
    if args.save:
        document.save("vm", "\n".join(lines))


if __name__ == "__main__":
    main()
