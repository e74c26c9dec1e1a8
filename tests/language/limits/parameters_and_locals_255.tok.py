"""255 parameters leave the function able to work."""
print("fun g(a, b) { return a + b; }")
print("fun f(" + ", ".join(f"p{i}" for i in range(200)) + ") {")
print("  var sum = 0;")
for i in range(0, 200, 2):
    print(f"  sum = sum + g(p{i}, p{i + 1});")
print("  return sum;")
print("}")
print("print f(" + ", ".join(str(i) for i in range(200)) + "); // expect: 19900")
