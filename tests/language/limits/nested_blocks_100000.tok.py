"""A hundred thousand blocks are a compile error."""
print("// expect compile error")
print("{" * 100_000 + "}" * 100_000)
