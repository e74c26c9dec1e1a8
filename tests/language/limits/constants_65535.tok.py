"""65,535 different constants in one function."""
print("fun f() {")
print("  var sum = 0;")
for i in range(1, 65_534):
    print(f"  sum = sum + {i}.5;")
print("  print sum == 2147450880 - 65534 - 65535 + 32766.5; // expect: true")
print("}")
print("f();")
