"""Past the limit of nesting there is a compile error, no crash."""
print("// expect compile error")
print("print " + "(" * 100_000 + "1" + ")" * 100_000 + ";")
