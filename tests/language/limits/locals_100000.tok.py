"""A hundred thousand locals: works or is a clean error."""
print("fun f() {")
for i in range(100_000):
    print(f"  var v{i} = {i};")
print("  print v99999 == 99999; // expect: true")
print("}")
print("f(); // or a clean error")
