"""A thousand functions declared in one function, in blocks of their own."""
print("fun outer() {")
print("  var sum = 0;")
for i in range(1_000):
    print(f"  {{ fun g() {{ return {i}; }} sum = sum + g(); }}")
print("  return sum;")
print("}")
print("print outer(); // expect: 499500")
