"""255 locals in a function."""
print("fun f() {")
for i in range(255):
    print(f"  var v{i} = {i};")
print("  print " + " + ".join(f"v{i}" for i in range(255)) + "; // expect: 32385")
print("  print v254; // expect: 254")
print("  v254 = v0 + 1;")
print("  print v254; // expect: 1")
print("}")
print("f();")
