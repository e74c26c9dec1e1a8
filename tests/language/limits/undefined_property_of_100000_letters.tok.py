"""The same for a property."""
print("class A {}")
print("A()." + "x" * 100_000 + "; // expect runtime error: Undefined property")
