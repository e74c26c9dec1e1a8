"""f()()… is no nesting."""
print("fun f() { return f; }")
print("print f" + "()" * 20_000 + "; // expect: <fn f>")
