"""The 256th parameter is a compile error at that token."""
print("fun f(")
for i in range(255):
    print(f"  p{i},")
print("  last) {} // error at 'last'")
