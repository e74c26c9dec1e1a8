"""A hundred thousand nested ifs: a compile error, or it runs."""
print("if (true) " * 100_000 + " print 1;")
print("// expect: 1")
print("// or a clean error")
