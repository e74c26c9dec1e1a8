"""An instance with a thousand fields."""
print("class A {}")
print("var a = A();")
for i in range(1000):
    print(f"a.f{i} = {i};")
print("a.f500 = a.f500 + 0.5;")
print("print a.f0; // expect: 0")
print("print a.f999; // expect: 999")
print("print a.f500; // expect: 500.5")
print("fun sum(a) { return " + " + ".join(f"a.f{i}" for i in range(1000)) + "; }")
print("print sum(a); // expect: 499500")
