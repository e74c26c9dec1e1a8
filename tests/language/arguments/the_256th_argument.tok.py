"""The 256th argument is a compile error at that token."""
print("fun f() {}")
print("f(")
for _ in range(255):
    print("  1,")
print("  last); // error at 'last'")
