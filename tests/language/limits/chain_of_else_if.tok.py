"""else-if may go on as long as the source."""
print("fun f(n) {")
print("  if (n == 0) return 0;")
for i in range(1, 5_000):
    print(f"  else if (n == {i}) return {i};")
print("  else return nil;")
print("}")
print("print f(0); // expect: 0")
print("print f(4999); // expect: 4999")
print("print f(5000); // expect: nil")
