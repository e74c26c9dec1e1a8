"""Ten thousand lines."""
for i in range(10_000):
    print(f"// input: {i}")
print("var count = 0; var sum = 0;")
print("for (var l = input(); l != nil; l = input()) { count = count + 1; sum = sum + number(l); }")
print("print count; // expect: 10000")
print("print sum == 49995000; // expect: true")
