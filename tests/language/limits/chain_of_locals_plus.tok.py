"""The same with locals."""
print("{ var a = 1;")
print("print a" + " + a" * 20_000 + "; // expect: 20001")
print("}")
