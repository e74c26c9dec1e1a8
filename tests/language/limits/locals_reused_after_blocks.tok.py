"""Locals of blocks that have ended do not count."""
print("fun f() {")
for i in range(1_000):
    print(f"  {{ var a = {i}; var b = a + 1; var c = b; }}")
print("  var last = 1;")
print("  print last; // expect: 1")
print("}")
print("f();")
