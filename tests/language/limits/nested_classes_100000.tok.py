"""Classes in methods in classes are nesting too."""
print("// expect compile error")
print("class A { m() { " * 100_000 + "} }" * 100_000)
