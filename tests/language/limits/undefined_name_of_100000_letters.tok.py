"""A message about a very long name is no overflow."""
print("x" * 100_000 + "; // expect runtime error: Undefined variable")
