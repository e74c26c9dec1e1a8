"""200 method calls in one another's arguments."""
print("class A { m(x) { return x; } }")
print("var a = A();")
print("print " + "a.m(" * 200 + "1" + ")" * 200 + "; // expect: 1")
