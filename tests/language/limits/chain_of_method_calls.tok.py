"""Neither is a.m().m()…"""
print("class A { m() { return this; } }")
print("print A()" + ".m()" * 20_000 + "; // expect: A instance")
