"""a.b.c… is no nesting."""
print("class A {}")
print("var a = A(); a.a = a; a.x = 7;")
print("print a" + ".a" * 20_000 + ".x; // expect: 7")
print("a" + ".a" * 20_000 + ".x = 8;")
print("print a.x; // expect: 8")
