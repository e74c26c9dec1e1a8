"""A program on a terminal of its own: what a person at a keyboard types and sees."""

import os
import pty
import select
import termios

from support.waiting import until

PROMPTS = (b"\r\n> ", b"\r\n... ")


class Terminal:
    def __init__(self, program, arguments=(), environment=None):
        self.seen = b""
        self.status = None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.execve(program, [str(program), *arguments], environment or {})
            finally:
                os._exit(127)

    def read(self):
        """Takes what is there; False at the end."""
        while select.select([self.fd], [], [], 0)[0]:
            try:
                part = os.read(self.fd, 65536)
            except OSError:  # the other end is closed
                return False
            if not part:
                return False
            self.seen += part
        return True

    def type(self, text):
        os.write(self.fd, text.encode())

    def expect(self, condition, what):
        """Reads until the condition of what was seen holds; gives that and forgets it."""
        def holds():
            self.read()
            return condition(self.seen)
        until(holds, 10, lambda: f"{what}; seen: {self.seen[-600:]!r}")
        seen, self.seen = self.seen, b""
        return seen.decode(errors="replace")

    def is_edited(self):
        """Whether the line editor reads keys: what is typed before that is echoed twice."""
        local_modes = termios.tcgetattr(self.fd)[3]
        return local_modes & termios.ICANON == 0

    def prompt(self):
        return self.expect(lambda seen: seen.endswith(PROMPTS) and self.is_edited(), "a prompt")

    def ask(self, line):
        """Types a line; what is printed between its echo and the next prompt."""
        self.type(line + "\n")
        seen = self.prompt().split("\r\n", 1)[1]
        return seen.rpartition("\r\n")[0].replace("\r\n", "\n")

    def start(self, line):
        """Types a line and waits until it is taken, not for what comes of it."""
        self.type(line + "\n")
        echo = line.encode() + b"\r\n"
        self.expect(lambda seen: seen.endswith(echo) and not self.is_edited(), "its start")

    def interrupt_until_prompt(self):
        """Ctrl-C, again if it came before the program ran."""
        def is_back():
            if self.read() and not self.seen.endswith(b"\r\n> "):
                self.type("\x03")
            return self.seen.endswith(b"\r\n> ") and self.is_edited()
        until(is_back, 10, lambda: f"a prompt; seen: {self.seen[-600:]!r}")
        seen, self.seen = self.seen, b""
        return seen.decode(errors="replace")

    def has_ended(self):
        self.read()
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid != 0:
                self.status = status
        return self.status is not None

    def wait(self):
        """Its exit status, a negative one for a signal."""
        until(self.has_ended, 10, lambda: f"its end; seen: {self.seen[-600:]!r}")
        return os.waitstatus_to_exitcode(self.status)

    def close(self):
        if not self.has_ended():
            os.kill(self.pid, 9)
            until(self.has_ended, 10, "its end")
        os.close(self.fd)
