"""An instance of twenty thousand fields: works or is a clean error."""
print("class A {} var a = A();")
for i in range(20_000):
    print(f"a.f{i} = {i};")
print("print a.f0 + a.f19999; // expect: 19999")
print("// or a clean error")
