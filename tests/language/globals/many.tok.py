"""A thousand globals keep their values apart."""
for i in range(1000):
    print(f"var g{i} = {i};")
print("print g0; // expect: 0")
print("print g255 + g256; // expect: 511")
print("print g999; // expect: 999")
print("fun sum() { return " + " + ".join(f"g{i}" for i in range(1000)) + "; }")
print("print sum(); // expect: 499500")
