"""Ten thousand statements on one line; the error is in the last."""
print("var a = 0; " + "a = a + 1; " * 10_000 + "print a; nil(); // expect runtime error: no function")
print("// expect: 10000")
