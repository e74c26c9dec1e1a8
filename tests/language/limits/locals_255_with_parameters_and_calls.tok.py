"""Parameters are locals; calls and expressions still work with all of them."""
print("fun add(a, b) { return a + b; }")
print("fun f(" + ", ".join(f"p{i}" for i in range(100)) + ") {")
for i in range(155):
    print(f"  var v{i} = add(p{i % 100}, {i});")
print("  print add(v154, add(p99, v0)); // expect: 307")
print("}")
print("f(" + ", ".join(str(i) for i in range(100)) + ");")
