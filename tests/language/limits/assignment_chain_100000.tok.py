"""A chain of assignments nests to the right: it runs, or is a clean error."""
print("var a;")
print("print " + "a = " * 100_000 + "1; // expect: 1")
print("// or a clean error")
