#!/usr/bin/env python3
"""The suite's runner and the comparison must fail when they should: each case is a program whose
comments are right or wrong, judged with the oracle as the interpreter."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

from run_language_tests import Expectation, run_program

HERE = pathlib.Path(__file__).resolve().parent
ORACLE = HERE.parent / "oracle" / "tok_oracle.py"
COMPARE = HERE.parent / "oracle" / "compare.py"

RIGHT = {
    "output": "print 1; // expect: 1\n",
    "empty output line": 'print ""; // expect:\n',
    "output in hexadecimal": 'print "A"; // expect bytes: 41\n',
    "input": "// input: x\nprint input(); // expect: x\n",
    "input in hexadecimal": "// input bytes: 78 0a\nprint input(); // expect: x\n",
    "runtime error": "\nnil(); // expect runtime error: whatever\n",
    "runtime error of another line": "// [line 2] expect runtime error: x\nnil();\n",
    "stack": "fun f() { nil(); } // expect runtime error: x\nf(); // expect stack: f():1 script:2\n",
    "stack overflow": "fun f() { f(); } // expect runtime error: stack overflow\nf();\n",
    "compile error": "print 1 2; // error at '2'\n",
    "compile error at the end": "print 1 // error at end",
    "compile error without a place": "print #; // error\n",
    "compile error of another line": "// [line 2] error at '2'\nprint 1 2;\n",
    "first of several errors": "print 1 2; // first error at '2'\nprint 3 4;\n",
    "some compile error": "print 1 2; // expect compile error\n",
    "allowed error": "print 1; // expect: 1\nnil(); // or a clean error\n",
    "needless allowance": "print 1; // expect: 1\n// or a clean error\n",
}
WRONG = {
    "no expectation": "print 1;\n",
    "other output": "print 1; // expect: 2\n",
    "too little output": "// expect: 1\n",
    "too much output": "print 1; // expect: 1\nprint 2;\n",
    "blank at the end of output": 'print "a "; // expect: a\n',
    "other input": "// input: x\nprint input(); // expect: y\n",
    "unexpected runtime error": "print 1; // expect: 1\nnil();\n",
    "runtime error in another line": "nil();\n// expect runtime error: x\n",
    "missing runtime error": "print 1; // expect runtime error: x\n// expect: 1\n",
    "output before a runtime error": "print 1; // expect: 2\nnil(); // expect runtime error: x\n",
    "other message than stack overflow": "nil(); // expect runtime error: stack overflow\n",
    "other stack": "nil(); // expect runtime error: x\n// expect stack: f():1 script:1\n",
    "unexpected compile error": "// expect: 1\nprint 1 2;\n",
    "compile error at another text": "print 1 2; // error at '1'\n",
    "compile error in another line": "print 1 2;\n// error at '2'\n",
    "one compile error too many": "print 1 2; // error at '2'\nprint 3 4;\n",
    "one compile error too few": "print 1 2; // error at '2'\nprint 3; // error at '4'\n",
    "other first error": "print 1 2;\nprint 3 4; // first error at '4'\n",
    "missing compile error": "print 1; // expect compile error\n// expect: 1\n",
    "compile error with a place": "print 1 2; // error\n",
    "error beside the allowed one": "print 1; // expect: 2\n// or a clean error\n",
}


class RunnerTest(unittest.TestCase):
    def problems(self, source, timeout=30):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "case.tok"
            path.write_text(source, encoding="utf-8")
            return run_program([sys.executable, str(ORACLE)], path, timeout, None)

    def test_accepts_what_is_right(self):
        for name, source in RIGHT.items():
            with self.subTest(name):
                assert self.problems(source) == []

    def test_refuses_what_is_wrong(self):
        for name, source in WRONG.items():
            with self.subTest(name):
                assert self.problems(source) != []

    def test_refuses_what_does_not_end(self):
        assert self.problems("while (true) {} // expect: 1\n", timeout=1) != []

    def test_refuses_a_silent_failure(self):
        wanted = Expectation(b"nil(); // expect runtime error: x\n")
        assert wanted.problems(70, b"", b"") != []
        assert wanted.problems(70, b"", b"[line 1] in script\n") != []
        assert wanted.problems(70, b"", b"No.\n[line 1] in script\n") == []
        assert Expectation(b"// or a clean error").problems(70, b"", b"crash") != []
        assert Expectation(b"// or a clean error").problems(-11, b"", b"") != []


class ComparisonTest(unittest.TestCase):
    def compare(self, edit):
        """The exit status of comparing the oracle with a copy of itself that went through edit()."""
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "copy.py"
            text = ORACLE.read_text(encoding="utf-8")
            copy.write_text(edit(text), encoding="utf-8")
            tok = pathlib.Path(folder) / "tok"
            tok.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{copy}" "$1"\n', encoding="utf-8")
            tok.chmod(0o755)
            command = [sys.executable, str(COMPARE), str(tok), "--seed", "4", "--count", "6",
                       "--no-shrink"]
            return subprocess.run(command, capture_output=True, check=False).returncode

    def test_agrees_with_itself(self):
        assert self.compare(lambda text: text) == 0

    def test_sees_a_wrong_operator(self):
        assert self.compare(lambda text: text.replace("operator.sub", "operator.add")) == 1

    def test_sees_a_wrong_error_line(self):
        def edit(text):
            return text.replace("message, line = error.args", "message, line = error.args[0], 1")
        assert self.compare(edit) == 1


if __name__ == "__main__":
    unittest.main()
