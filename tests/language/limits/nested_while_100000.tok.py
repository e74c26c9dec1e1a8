"""The same for while."""
print("while (false) " * 100_000 + " print 1;")
print("print 2; // expect: 2")
print("// or a clean error")
