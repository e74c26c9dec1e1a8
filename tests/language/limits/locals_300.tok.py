"""Past 255 locals it works or is a clean error."""
print("fun f() {")
for i in range(300):
    print(f"  var v{i} = {i};")
print("  print v299; // expect: 299")
print("}")
print("f(); // or a clean error")
