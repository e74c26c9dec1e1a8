"""A class of 300 methods."""
print("class A {")
for i in range(300):
    print(f"  m{i}() {{ return {i}; }}")
print("}")
print("var a = A();")
print("print a.m0() + a.m150() + a.m299(); // expect: 449")
print("print " + " + ".join(f"a.m{i}()" for i in range(300)) + "; // expect: 44850")
