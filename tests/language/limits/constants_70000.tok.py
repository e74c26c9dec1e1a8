"""Past 65,535 constants it works or is a clean error."""
print("fun f() {")
print("  var last = 0;")
for i in range(70_000):
    print(f"  last = {i}.25;")
print("  print last; // expect: 69999.2")
print("}")
print("f(); // or a clean error")
