"""Seventy thousand globals: works or is a clean error."""
for i in range(70_000):
    print(f"var g{i} = {i};")
print("print g0 + g69999 == 69999; // expect: true")
print("// or a clean error")
