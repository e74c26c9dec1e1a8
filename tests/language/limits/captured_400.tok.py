"""Past 255 captured variables it works or is a clean error."""
print("fun outer() {")
for i in range(200):
    print(f"  var v{i} = {i};")
print("  fun middle() {")
for i in range(200):
    print(f"    var w{i} = {i};")
print("    fun inner() {")
print("      return " + " + ".join(f"v{i} + w{i}" for i in range(200)) + ";")
print("    }")
print("    return inner;")
print("  }")
print("  return middle();")
print("}")
print("print outer()(); // expect: 39800")
print("// or a clean error")
