"""A class of five thousand methods: works or is a clean error."""
print("class A {")
for i in range(5_000):
    print(f"m{i}() {{ return {i}; }}")
print("}")
print("print A().m0() + A().m4999(); // expect: 4999")
print("// or a clean error")
