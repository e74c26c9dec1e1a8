"""Past the limit of nesting there is a compile error, no crash."""
print("// expect compile error")
print("fun f() { " * 100_000 + "}" * 100_000)
