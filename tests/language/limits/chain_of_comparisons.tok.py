"""Nor of equality."""
print("print 1" + " == 1" * 1_000 + "; // expect: false")
print("print true" + " == true" * 10_000 + "; // expect: true")
