"""200 unary operators are allowed."""
print("print " + "-" * 200 + "1; // expect: 1")
print("print " + "!" * 199 + "1; // expect: false")
