"""A hundred thousand unary operators are a compile error."""
print("// expect compile error")
print("print " + "!" * 100_000 + "1;")
