"""The same when nothing is closed."""
print("// expect compile error")
print("print " + "(" * 100_000)
