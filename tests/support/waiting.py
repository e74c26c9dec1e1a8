"""Waiting for events with a deadline: the only place of the Python tests that sleeps."""

import os
import time

# How much slower than an optimised build the programs under test may be (sanitizers).
PATIENCE = float(os.environ.get("TRYTOK_TEST_PATIENCE", "1"))


def until(condition, seconds, what):
    """The first true value of condition(); fails after `seconds` (times PATIENCE).

    `what` is a text, or a function that makes one when it is needed.
    """
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            reason = what() if callable(what) else what
            raise AssertionError(f"waited {seconds * PATIENCE} s for {reason}")
        time.sleep(0.01)  # lint: may sleep


class Stopwatch:
    """with Stopwatch() as watch: …; then watch.seconds."""

    def __enter__(self):
        self.started = time.monotonic()
        return self

    def __exit__(self, *unused):
        self.seconds = time.monotonic() - self.started

    def elapsed(self):
        return time.monotonic() - self.started
