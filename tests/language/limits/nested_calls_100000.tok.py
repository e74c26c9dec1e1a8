"""Past the limit of nesting there is a compile error, no crash."""
print("// expect compile error")
print("fun id(x) { return x; }")
print("print " + "id(" * 100_000 + "1" + ")" * 100_000 + ";")
