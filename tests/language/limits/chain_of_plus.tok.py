"""a+b+c… is no nesting: it may be as long as the source."""
print("print 0" + " + 1" * 50_000 + "; // expect: 50000")
