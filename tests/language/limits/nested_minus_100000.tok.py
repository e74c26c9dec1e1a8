"""The same for minus."""
print("// expect compile error")
print("print " + "-" * 100_000 + "1;")
