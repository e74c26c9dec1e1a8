"""Ten thousand functions in a program."""
for i in range(10_000):
    print(f"fun f{i}() {{ return {i}; }}")
print("print f0() + f9999(); // expect: 9999")
